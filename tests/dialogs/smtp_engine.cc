#include "smtp_engine.h"

#include "base/text.h"
#include "login_oracle.h"
#include "session_engine.h"
#include "smtp/server_session.h"

#include <deque>
#include <map>

namespace paquebot::dialogs {
namespace {

using namespace smtp;

std::shared_ptr<const ServerOptions> options_of(const Dialog& dialog) {
  auto options = std::make_shared<ServerOptions>();
  const std::string role = dialog.option("role", "mx");
  const std::string tls = dialog.option("tls", "none");
  options->role = role == "lmtp" ? Role::lmtp : role == "submission" ? Role::submission : Role::mx;
  options->hostname = "mx.example.test";
  options->tls_available = tls != "none";
  options->tls_required = tls == "required";
  options->auth_available = options->auth_required = options->role == Role::submission;
  options->lenient = options->role == Role::submission;
  options->mend_bare_lf = options->lenient && dialog.option("bare_lf", "mend") == "mend";
  options->auth_in_clear = dialog.option("auth_in_clear", "no") == "yes";
  options->hold_most = 30 * 86400;
  options->priority_policy = "MIXER";
  options->login = offer_of(dialog);
  read_number(dialog, "max_message_size", options->max_message_size);
  read_number(dialog, "max_recipients", options->max_recipients);
  read_number(dialog, "max_errors", options->max_errors);
  read_number(dialog, "max_commands", options->max_commands);
  read_number(dialog, "max_line", options->max_line);
  read_number(dialog, "max_messages", options->max_messages);
  return options;
}

ConnectionInfo connection_of(const Dialog& dialog) {
  constexpr std::int64_t opened = 1'795'435'200'000; // 2026-11-23T12:00:00Z
  return {.peer_address = "192.0.2.1",
          .encrypted = dialog.option("tls", "none") == "implicit",
          .xclient = dialog.option("xclient", "no") == "yes",
          .wall = opened,
          .etrn = dialog.option("etrn", "no") == "yes",
          .mend_bare_lf = dialog.option("bare_lf", "refuse") == "mend"};
}

mail::Reply parse_reply(std::string_view text) {
  mail::Reply reply;
  reply.code = static_cast<std::uint16_t>(parse_u64(text.substr(0, 3)).value_or(0));
  text.remove_prefix(std::min<std::size_t>(4, text.size()));
  if (const auto code = mail::EnhancedCode::parse(text)) {
    reply.enhanced = *code;
    text.remove_prefix(std::min(text.find(' '), text.size() - 1) + 1);
  }
  reply.text = text;
  return reply;
}

class SmtpEngine final : public SessionEngine<ServerSession> {
public:
  explicit SmtpEngine(const Dialog& dialog) : SmtpEngine(dialog, options_of(dialog)) {}
  SmtpEngine(const Dialog& dialog, const std::shared_ptr<const ServerOptions>& options)
      : SessionEngine(options, connection_of(dialog)), options_(options), channel_(channel_of(dialog)) {
    if (session_.encrypted()) session_.set_channel(channel_);
    // Answers that stand before the first line of the server must be known before it.
    for (const Step& step : dialog.steps) {
      if (step.kind != StepKind::answer) break;
      add_answer(step.text);
      ++early_;
    }
    run();
  }

  bool set_answer(std::string_view answer) override {
    if (early_ == 0) return add_answer(answer);
    --early_;
    return true;
  }
  bool closed() const override { return closed_; }

private:
  void begin_tls() override {
    session_.set_channel(channel_);
    session_.tls_started("TLSv1.3", "TLS_AES_256_GCM_SHA384");
  }
  bool add_answer(std::string_view answer) {
    const auto space = answer.find(' ');
    if (space == std::string_view::npos) return false;
    answers_[std::string(answer.substr(0, space))].push_back(parse_reply(answer.substr(space + 1)));
    return true;
  }

  void run() override {
    for (;;) {
      const Action action = session_.next();
      if (std::holds_alternative<NeedInput>(action)) return;
      if (std::holds_alternative<StartTls>(action)) {
        waiting_for_tls_ = true;
        return;
      }
      if (std::holds_alternative<Close>(action)) {
        if (staged_) broken.push_back("closed with staged content");
        closed_ = true;
        return;
      }
      std::visit([this](const auto& what) { perform(what); }, action);
    }
  }

  void perform(const Send& send) {
    if (send.bytes.empty()) broken.push_back("empty Send");
    output += send.bytes;
  }
  void perform(const Chunk& chunk) {
    if (chunk.bytes.empty()) broken.push_back("empty Chunk");
    if (!staged_) broken.push_back("Chunk without AskData");
    content_ += chunk.bytes;
  }
  void perform(const Discard&) {
    if (!staged_) broken.push_back("Discard without AskData");
    staged_ = false;
    content_.clear();
  }
  void perform(const AskPeer& ask) { answer(ask.id, "peer", {250, {}, ""}); }
  void perform(const AskHelo& ask) { answer(ask.id, "helo", {250, {}, ""}); }
  void perform(const AskLogin& ask) {
    const sasl::Question& question = *ask.question;
    if (question.kind == sasl::Question::Kind::scram_keys) return session_.answer_keys(ask.id, scram_keys_of(question));
    const bool fine = is_right(question) && without_domain(question.authcid) != "gone";
    answer(ask.id, "login", fine ? mail::Reply{235, {2, 7, 0}, ""} : mail::Reply{535, {5, 7, 8}, ""});
  }
  void perform(const AskMail& ask) {
    const bool submits = options_->role == Role::submission;
    const std::string own(session_.login().substr(0, session_.login().find('@')));
    const auto& from = ask.sender->reverse_path;
    const bool fine = !submits || from.empty() || (from.local == own && from.domain == "example.test");
    answer(ask.id, "mail", fine ? mail::Reply{250, {2, 1, 0}, ""} : mail::Reply{553, {5, 7, 1}, "not your address"});
  }
  void perform(const AskRecipient& ask) { answer(ask.id, "rcpt", recipient_verdict(ask.recipient->address)); }
  void perform(const AskData& ask) {
    if (staged_) broken.push_back("AskData twice");
    staged_ = true;
    answer(ask.id, "data", {250, {}, ""});
  }
  void perform(const AskContent& ask) {
    if (!staged_) broken.push_back("AskContent without AskData");
    const mail::Reply verdict = take_answer("content", {250, {2, 0, 0}, "accepted id=01TEST"});
    if (verdict.positive()) {
      staged_ = false;
      accepted.push_back(std::exchange(content_, {}));
    }
    std::vector<mail::Reply> verdicts{verdict};
    while (!answers_["content"].empty() && options_->role == Role::lmtp) {
      verdicts.push_back(take_answer("content", verdict));
      if (!verdicts.back().positive() || !staged_) continue;
      staged_ = false;
      accepted.push_back(std::exchange(content_, {}));
    }
    session_.answer(ask.id, verdicts);
  }
  void perform(const AskEtrn& ask) {
    const std::string node = (ask.option == 0 ? "" : std::string(1, ask.option)) + std::string(ask.node);
    answer(ask.id, "etrn", {251, {2, 0, 0}, "no messages waiting for node " + node});
  }
  template <class Other>
  void perform(const Other&) {
    broken.push_back("an action that ends the loop");
  }

  mail::Reply recipient_verdict(const mail::Address& address) const {
    const bool ours = address.domain == "example.test" || address.domain.empty();
    if (!ours && options_->role == Role::submission) return {250, {2, 1, 5}, ""};
    if (!ours) return {550, {5, 7, 1}, "relaying denied"};
    const std::string local = to_lower(std::string_view(address.local).substr(0, address.local.find('+')));
    if (local == "full") return {452, {4, 2, 2}, "mailbox full"};
    if (local == "gone") return {550, {5, 2, 1}, "account disabled"};
    const bool known = accounts().contains(local) || local == "team" || local == "postmaster" || local == "abuse";
    return known ? mail::Reply{250, {2, 1, 5}, ""} : mail::Reply{550, {5, 1, 1}, "no such user here"};
  }

  mail::Reply take_answer(const std::string& question, mail::Reply standard) {
    auto& queue = answers_[question];
    if (queue.empty()) return standard;
    mail::Reply reply = std::move(queue.front());
    queue.pop_front();
    return reply;
  }
  void answer(std::uint32_t id, const std::string& question, mail::Reply standard) {
    session_.answer(id + 1, mail::Reply{451, {4, 0, 0}, "an answer that nobody asked for"});
    session_.answer(id, take_answer(question, std::move(standard)));
  }

  std::shared_ptr<const ServerOptions> options_;
  const sasl::Channel channel_;
  std::map<std::string, std::deque<mail::Reply>> answers_;
  int early_ = 0; ///< answers that were read before the conversation began
  bool closed_ = false;
  bool staged_ = false;
  std::string content_;
};

} // namespace

std::unique_ptr<Engine> make_smtp_engine(const Dialog& dialog) { return std::make_unique<SmtpEngine>(dialog); }

} // namespace paquebot::dialogs
