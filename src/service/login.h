#pragma once

#include "directory/directory.h"
#include "directory/jwt.h"
#include "directory/login_throttle.h"
#include "directory/network_watch.h"
#include "policy/attempts.h"
#include "sasl/server.h"
#include "service/scram_switch.h"
#include "service/sessions.h"
#include "store/store.h"

#include <chrono>
#include <optional>
#include <string>

namespace paquebot::service {

/// Where logins belong to; all outlive the sessions.
struct LoginMeans {
  store::Store& store;
  directory::Directory& directory;
  Sessions& sessions;
  directory::LoginThrottle& throttle;
  std::shared_ptr<const directory::TokenIssuer> issuer; ///< null: no tokens are taken
  directory::NetworkWatch* networks = nullptr;          ///< null: nobody counts from where logins come
  ScramSwitch* scram = nullptr;                         ///< null: what is configured is offered
  policy::Attempts* attempts = nullptr;                 ///< null: nobody keeps what was refused
};

/// The answer to one sasl::Question.
struct LoginAnswer {
  /// `slow_down`: not looked at, since too many failed lately; `retry` says for how long.
  enum class Verdict { keys, accepted, wrong, disabled, temporary, slow_down };
  Verdict verdict = Verdict::temporary;
  sasl::ScramCredentials keys; ///< keys only
  store::Account account;      ///< accepted only
  std::chrono::seconds retry{0};
};

/// The logins of one connection, for SMTP, POP3 and IMAP alike: asks the throttle and the directory, makes the session
/// the account's (so that it ends when the account is disabled or removed: also when that happens while a password is
/// being checked), notes the use of app passwords, logs, and holds back the answer to a failure.
class LoginDesk {
public:
  /// `protocol` is for the log and the owner: "smtp", "pop3", "imap"; `port` is ours, for the journal of attempts.
  LoginDesk(LoginMeans means, std::string address, std::string protocol, Sessions::Token token, std::uint16_t port = 0);

  /// `channel` is the connection's, `mechanism` for the log.
  Task<LoginAnswer> ask(sasl::Question question, sasl::Channel channel, std::string mechanism);
  /// An exchange that ended before there was anything to ask: only logged.
  void note(const sasl::Refusal& refusal) const;
  /// The session is to end: nothing is held back any more.
  void stop() { stopped_ = true; }

private:
  void write_down(policy::Attempt attempt) const;
  Task<directory::Login> prove(sasl::Question question, sasl::Channel channel, directory::Turn turn);
  Task<directory::Login> prove_scram(sasl::Question question);
  Task<directory::Login> prove_token(sasl::Question question);
  Task<directory::Login> prove_certificate(std::string authzid, sasl::Channel channel);
  Task<directory::Login> look_again(directory::Login login, std::uint64_t generation);
  Task<LoginAnswer> give_keys(sasl::Question question);
  Task<void> note_network(store::Id account);
  Task<void> note_use(store::AppPassword used);
  Task<void> hold_back(std::chrono::milliseconds delay);

  LoginMeans means_;
  const std::string address_, protocol_;
  const Sessions::Token token_;
  const std::uint16_t port_;
  directory::ScramLookup lookup_; ///< of the exchange that goes on
  bool stopped_ = false;
};

} // namespace paquebot::service
