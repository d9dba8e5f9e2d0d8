#include "pop3_engine.h"

#include "login_oracle.h"
#include "pop3/server_session.h"
#include "session_engine.h"

#include <algorithm>
#include <deque>

namespace paquebot::dialogs {
namespace {

using namespace pop3;

std::shared_ptr<const ServerOptions> options_of(const Dialog& dialog) {
  auto options = std::make_shared<ServerOptions>();
  options->hostname = "mx.example.test";
  options->tls_available = dialog.option("tls", "none") != "none";
  options->login_in_clear = dialog.option("auth_in_clear", "no") == "yes";
  options->login = offer_of(dialog);
  read_number(dialog, "max_errors", options->max_errors);
  read_number(dialog, "max_line", options->max_line);
  return options;
}

class Pop3Engine final : public SessionEngine<ServerSession> {
public:
  explicit Pop3Engine(const Dialog& dialog)
      : SessionEngine(options_of(dialog), dialog.option("tls", "none") == "implicit"), channel_(channel_of(dialog)) {
    if (session_.encrypted()) session_.set_channel(channel_);
    run();
  }

  /// "login wrong", "open in_use", "list failed", "message failed", "message broken", "commit failed".
  bool set_answer(std::string_view answer) override {
    answers_.emplace_back(answer);
    return true;
  }
  bool closed() const override { return closed_; }

private:
  void begin_tls() override {
    session_.set_channel(channel_);
    session_.tls_started();
  }
  /// Whether the dialog wants this answer now; then it is used up.
  bool wanted(std::string_view answer) {
    if (answers_.empty() || answers_.front() != answer) return false;
    answers_.pop_front();
    return true;
  }

  void run() override {
    while (!closed_) {
      const Action action = session_.next();
      if (std::holds_alternative<NeedInput>(action)) return;
      if (std::holds_alternative<StartTls>(action)) {
        waiting_for_tls_ = true;
        return;
      }
      std::visit([this](const auto& what) { perform(what); }, action);
    }
  }

  void perform(const NeedInput&) {}
  void perform(const StartTls&) {}
  void perform(const Close&) { closed_ = true; }
  void perform(const Send& send) {
    if (send.bytes.empty()) broken.push_back("empty Send");
    output += send.bytes;
  }
  void perform(const AskLogin& ask) {
    const sasl::Question& question = *ask.question;
    if (question.kind == sasl::Question::Kind::scram_keys) return session_.answer_keys(ask.id, scram_keys_of(question));
    const bool by_name =
        question.kind == sasl::Question::Kind::password || question.kind == sasl::Question::Kind::scram;
    const std::string name(by_name ? without_domain(question.authcid) : "alice");
    auto verdict = is_right(question) ? LoginVerdict::accepted : LoginVerdict::wrong;
    if (verdict == LoginVerdict::accepted && name == "gone") verdict = LoginVerdict::disabled;
    if (wanted("login temporary_failure")) verdict = LoginVerdict::temporary_failure;
    if (wanted("login slow_down")) verdict = LoginVerdict::slow_down;
    if (verdict == LoginVerdict::accepted && name == "alice") {
      messages_ = {"Subject: one\r\n\r\nhello\r\n", "Subject: dots\r\n\r\n.\r\n..two\r\nend\r\n",
                   "Subject: empty\r\n\r\n"};
    }
    session_.answer_login(ask.id, verdict);
  }
  void perform(const AskOpen& ask) {
    std::uint64_t octets = 0;
    for (const std::string& message : messages_) octets += message.size();
    auto verdict = OpenVerdict::opened;
    if (wanted("open in_use")) verdict = OpenVerdict::in_use;
    if (wanted("open temporary_failure")) verdict = OpenVerdict::temporary_failure;
    session_.answer_open(ask.id, verdict, static_cast<std::uint32_t>(messages_.size()), octets);
  }
  void perform(const AskList& ask) {
    std::vector<ListItem> rows;
    for (std::uint32_t n = ask.first; n <= messages_.size() && rows.size() < ask.most; ++n) {
      rows.push_back({n, messages_[n - 1].size(), "uid" + std::to_string(n)});
    }
    session_.list_page(ask.id, std::move(rows), wanted("list failed"));
  }
  void perform(const AskMessage& ask) {
    if (ask.number == 0 || ask.number > messages_.size())
      return broken.push_back("asks for a message that isn't there");
    if (ask.first) at_ = 0;
    if (wanted("message failed")) return session_.message_bytes(ask.id, {}, false, true);
    const std::string_view piece = std::string_view(messages_[ask.number - 1]).substr(at_, 5);
    at_ += piece.size();
    session_.message_bytes(ask.id, piece, at_ == messages_[ask.number - 1].size());
  }
  void perform(const AskCommit& ask) {
    if (ask.deleted->empty() || !std::ranges::is_sorted(*ask.deleted)) broken.push_back("bad list of deletions");
    session_.answer_commit(ask.id, !wanted("commit failed"));
  }

  const sasl::Channel channel_;
  std::deque<std::string> answers_;
  std::vector<std::string> messages_;
  std::size_t at_ = 0;
  bool closed_ = false;
};

} // namespace

std::unique_ptr<Engine> make_pop3_engine(const Dialog& dialog) { return std::make_unique<Pop3Engine>(dialog); }

} // namespace paquebot::dialogs
