#pragma once

#include "directory/directory.h"
#include "filter/session.h"
#include "intake/incoming.h"
#include "net/network.h"
#include "net/stream.h"
#include "net/tls.h"
#include "policy/policy.h"
#include "policy/refusals.h"
#include "service/etrn.h"
#include "service/guard_desk.h"
#include "service/login.h"
#include "service/pace.h"
#include "service/sessions.h"
#include "smtp/server_session.h"

#include <memory>

namespace paquebot::service {

/// What all SMTP sessions of one listener share: an immutable snapshot.
struct SmtpListenerOptions {
  std::shared_ptr<const smtp::ServerOptions> session;
  std::shared_ptr<net::TlsContext> tls; ///< null: none
  bool implicit_tls = false;
  bool scram_by_accounts = false; ///< ScramSwitch says whether SCRAM is offered
  net::Networks xclient_from;     ///< who may tell by XCLIENT whose session it really is
  net::Networks relay_from;       ///< who may send to others without a login
  net::Networks bare_lf_from;     ///< of these: whose LF alone is mended on port 25
  net::Networks checked_devices;  ///< of these: who is not believed when he writes in our name
  std::shared_ptr<const policy::RelayRules> relay;
  std::uint64_t content_pace = 0; ///< octets in a minute that content must come with (Pace); 0: any
  std::chrono::milliseconds pace_window = Pace::kWindow;
  intake::Options intake;
  std::shared_ptr<const filter::Chain> filters;      ///< of content; null: none
  std::shared_ptr<const policy::GuardOptions> guard; ///< of strangers; null: not for this listener
  std::vector<std::string> etrn_hosts;               ///< addresses that may use ETRN without a login
};

/// The server's parts that a session works with; all outlive it.
struct SmtpParts {
  intake::Services intake;
  directory::Directory& directory;
  Sessions& sessions;
  Etrn& etrn;
  LoginParts logins;
  filter::Wiring wiring; ///< of content filters, on the session's own thread
  GuardParts guard;
  policy::Refusals& refusals;
};

/// Drives one smtp::ServerSession over one connection: performs its actions, brings the answers.
class SmtpConnection : public LiveSession {
public:
  SmtpConnection(SmtpParts parts, std::shared_ptr<const SmtpListenerOptions> options, net::Stream stream,
                 boost::asio::any_io_executor executor);
  /// The whole session. `self` keeps the object alive meanwhile.
  static Task<void> serve(std::shared_ptr<SmtpConnection> self);

  void shut_down() override;
  void end() override;

private:
  /// Addresses that the recipients of one message expand to, beside themselves: a stranger may name a large alias again and again.
  static constexpr std::size_t kMaxExpanded = 10'000;

  /// Recipients of refused content that are remembered, each for itself.
  static constexpr std::size_t kMostNamed = 10;

  Task<bool> begin();
  Task<void> end_session();
  Task<void> loop();
  Task<void> start(const smtp::Action& action);
  bool do_at_once(smtp::Action& action);
  void log_remarks();
  void note_refusal(std::string from, std::string to, std::string reply);
  void note_refused_command(const smtp::Remark& refused);
  void note_refused_content(const std::string& reply);
  void note_verdicts(const std::vector<mail::Reply>& verdicts);
  void name_recipients();
  void begin_wait(const smtp::NeedInput& need);
  void end_wait(const Result<std::string_view>& input);
  Task<void> perform(smtp::Send send);
  Task<void> perform(smtp::NeedInput);
  Task<void> perform(smtp::StartTls);
  Task<void> perform(smtp::AskPeer ask);
  Task<void> perform(smtp::AskHelo ask);
  Task<void> perform(smtp::AskLogin ask);
  Task<void> perform(smtp::AskMail ask);
  Task<void> perform(smtp::AskRecipient ask);
  Task<void> perform(smtp::AskData ask);
  Task<void> perform(smtp::Chunk chunk);
  Task<void> perform(smtp::AskContent ask);
  Task<void> perform(smtp::Discard);
  Task<void> perform(smtp::AskEtrn ask);
  Task<void> perform(smtp::Close);

  static std::string_view role_name(smtp::Role role);
  filter::Client filter_client() const;
  Task<bool> spoke_early();
  Task<mail::Reply> admit();
  Task<policy::RecipientVerdict> judge_recipient(const policy::Client& who, const mail::Sender& sender,
                                                 const mail::Recipient& recipient);
  policy::Client client() const;
  std::uint32_t named() const;
  void share_memory();
  void begin_transaction();
  void end_transaction();
  bool holds_transaction() const { return !recipients_.empty() || recipient_memory_.held() > 0; }
  store::ByteBudget::Whose memory_of() const;
  bool mail_at_once(const smtp::AskMail& ask);
  bool recipient_at_once(const smtp::AskRecipient& ask);
  bool data_at_once(const smtp::AskData& ask);
  LoginDesk& login_desk();
  bool is_here(const std::string& domain) const;
  std::uint64_t recipient_octets(std::size_t more) const;
  void begin_content();
  std::uint32_t relayed() const; ///< recipients elsewhere, of a client without a login
  intake::Origin origin();

  SmtpParts parts_;
  std::shared_ptr<const SmtpListenerOptions> options_;
  net::Stream stream_;
  boost::asio::any_io_executor executor_;
  std::string peer_;
  std::unique_ptr<smtp::ServerSession> session_;
  Sessions::Token token_ = 0;
  std::unique_ptr<filter::Session> filters_; ///< null: there are none
  std::unique_ptr<LoginDesk> desk_;          ///< null before the first AUTH
  std::unique_ptr<GuardDesk> guard_;         ///< of a stranger; null: nothing is asked of this client
  unsigned refused_ = 0;                     ///< recipients, for good, since the last message
  net::TlsInfo tls_;
  store::Account account_;
  policy::Client client_; ///< as it was at MAIL
  std::vector<queue::DraftRecipient> recipients_;
  std::optional<policy::Returned> returned_; ///< the one recipient is a return address of ours
  std::vector<std::string> named_;           ///< the first recipients of the content under way
  std::string named_from_;                   ///< its sender
  WallTime mail_at_{};                       ///< when MAIL came
  std::size_t nodes_ = 0;                    ///< that they expand to
  store::BudgetShare recipient_memory_;      ///< for these
  bool no_memory_ = false;                   ///< for more of them, as it turned out
  Pace pace_;                                ///< of the content that comes
  std::chrono::steady_clock::time_point wait_began_;
  std::unique_ptr<intake::Incoming> incoming_; ///< while a message comes; large, and most of the time there is none
  std::chrono::steady_clock::time_point deadline_;
  std::chrono::steady_clock::time_point total_deadline_;
  std::uint32_t window_ = ~0u;
  std::uint32_t total_window_ = ~0u;
  bool reading_ = false;
  bool began_open_ = false; ///< shutting_down_ was not set when the read began
  bool broken_ = false;     ///< nothing more can be written
  bool shutting_down_ = false;
  bool ended_ = false;
};

} // namespace paquebot::service
