#include "imap_engine.h"

#include "base/fake_clock.h"
#include "imap/fake_answer.h"
#include "imap/server_session.h"
#include "login_oracle.h"
#include "session_engine.h"

#include <deque>

namespace paquebot::dialogs {
namespace {

/// It stands at 2026-11-23T12:00:00Z.
const Clock& imap_clock() {
  static FakeClock clock;
  clock.set_wall(from_millis(1'795'435'200'000));
  return clock;
}

std::shared_ptr<const imap::ServerOptions> imap_options(const Dialog& dialog) {
  auto options = std::make_shared<imap::ServerOptions>();
  options->hostname = "mx.example.test";
  options->clock = &imap_clock();
  options->tls_available = dialog.option("tls", "none") != "none";
  options->login_in_clear = dialog.option("auth_in_clear", "no") == "yes";
  options->login = offer_of(dialog);
  options->max_message = 10'000;
  read_number(dialog, "max_errors", options->max_errors);
  read_number(dialog, "max_line", options->max_line);
  read_number(dialog, "max_message_size", options->max_message);
  return options;
}

constexpr const char* kOne = "From: Ann <ann@example.test>\r\nTo: alice@example.test\r\nSubject: one\r\n"
                             "Date: Mon, 23 Nov 2026 11:58:12 +0000\r\nMessage-ID: <1@example.test>\r\n\r\nhello\r\n";
constexpr const char* kParts =
    "From: Bob <bob@example.test>\r\nTo: alice@example.test, \"Team, the\" <team@example.test>\r\n"
    "Subject: =?utf-8?Q?caf=C3=A9?=\r\nDate: Tue, 24 Nov 2026 08:00:00 +0100\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\npreamble\r\n--b\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    "na=C3=AFve\r\nline two\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n"
    "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n"
    "aGVsbG8gd29ybGQ=\r\n--b--\r\n";
constexpr const char* kNested = "From: carol@example.test\r\nTo: alice@example.test\r\nSubject: fwd\r\n"
                                "Content-Type: message/rfc822\r\n\r\nFrom: dave@example.test\r\nSubject: inner\r\n"
                                "\r\ninner text\r\n";

class ImapEngine final : public SessionEngine<imap::ServerSession> {
public:
  explicit ImapEngine(const Dialog& dialog)
      : SessionEngine(imap_options(dialog), dialog.option("tls", "none") == "implicit"), channel_(channel_of(dialog)) {
    store_.deliver("INBOX", kOne);
    store_.deliver("INBOX", kParts, imap::kSeen);
    store_.deliver("INBOX", kNested, imap::kFlagged);
    if (const std::string quota = dialog.option("quota", ""); !quota.empty()) store_.quota = *parse_u64(quota);
    if (session_.encrypted()) session_.set_channel(channel_);
    run();
  }

  /// Of logins "login temporary_failure", "login slow_down", "login too_many_sessions"; what happens outside at once:
  /// "deliver BOX", "remove UID", "flag UID", "delete BOX", "forget BOX", "store broken",
  /// "store keeping" (REPLACE can't delete), "store works", "shutdown", "logout".
  bool set_answer(std::string_view answer) override {
    const auto space = answer.find(' ');
    const std::string_view what = answer.substr(0, space);
    const std::string rest(space == std::string_view::npos ? std::string_view() : answer.substr(space + 1));
    const auto uid = static_cast<std::uint32_t>(parse_u64(rest).value_or(0));
    if (what == "login") answers_.push_back(rest);
    if (what == "login") return true;
    if (what == "deliver")
      store_.deliver(rest, kOne);
    else if (what == "remove")
      store_.remove("INBOX", uid);
    else if (what == "flag")
      store_.flag("INBOX", uid, imap::kAnswered);
    else if (what == "forget")
      store_.boxes.at(rest).forgotten = store_.boxes.at(rest).modseq;
    else if (what == "delete")
      store_.boxes.erase(rest);
    else if (what == "store")
      store_.broken = rest == "broken", store_.keeping = rest == "keeping";
    else if (what == "shutdown")
      session_.shut_down();
    else if (what == "logout")
      session_.log_out();
    else
      return false;
    session_.changed();
    run();
    return true;
  }
  bool closed() const override { return closed_; }

private:
  void begin_tls() override {
    session_.set_channel(channel_);
    session_.tls_started();
  }
  void run() override {
    while (!closed_) {
      const imap::Action action = session_.next();
      if (std::holds_alternative<imap::NeedInput>(action)) return;
      if (std::holds_alternative<imap::StartTls>(action)) {
        waiting_for_tls_ = true;
        return;
      }
      std::visit([this](const auto& what) { perform(what); }, action);
    }
  }
  void perform(const imap::NeedInput&) {}
  void perform(const imap::StartTls&) {}
  void perform(const imap::StartCompression&) { session_.compression_started(); } // here all stays as it is
  void perform(const imap::Close&) { closed_ = true; }
  void perform(const imap::Send& send) {
    if (send.bytes.empty()) broken.push_back("empty Send");
    output += send.bytes;
  }
  void perform(const imap::Ask& ask) {
    imap::Answer answer = imap::answer_of(store_, *ask.question);
    if (std::holds_alternative<imap::Appended>(answer) && std::get<imap::Appended>(answer).fault == imap::Fault::none)
      accepted.insert(accepted.end(), store_.appended.begin(), store_.appended.end());
    session_.answer(ask.id, std::move(answer));
  }
  void perform(const imap::AskLogin& ask) {
    using imap::LoginVerdict;
    const sasl::Question& question = *ask.question;
    if (question.kind == sasl::Question::Kind::scram_keys) return session_.answer_keys(ask.id, scram_keys_of(question));
    auto verdict = is_right(question) ? LoginVerdict::accepted : LoginVerdict::wrong;
    if (without_domain(question.authcid) == "gone") verdict = LoginVerdict::disabled;
    if (!answers_.empty()) {
      const std::string wanted = answers_.front();
      answers_.pop_front();
      if (wanted == "temporary_failure") verdict = LoginVerdict::temporary_failure;
      if (wanted == "slow_down") verdict = LoginVerdict::slow_down;
      if (wanted == "too_many_sessions") verdict = LoginVerdict::too_many_sessions;
    }
    session_.answer_login(ask.id, verdict);
  }

  const sasl::Channel channel_;
  imap::FakeStore store_;
  std::deque<std::string> answers_;
  bool closed_ = false;
};

} // namespace

std::unique_ptr<Engine> make_imap_engine(const Dialog& dialog) { return std::make_unique<ImapEngine>(dialog); }

} // namespace paquebot::dialogs
