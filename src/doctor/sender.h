#pragma once

#include "directory/login_throttle.h"
#include "doctor/finding.h"
#include "policy/attempts.h"
#include "policy/refusals.h"
#include "store/sending_limits.h"
#include "store/takeover.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// "I can't send": what one user's programs tried and why it did not work, in plain words.
namespace paquebot::doctor {

/// Which port for what, as programs are to be told.
struct LoginPorts {
  std::uint16_t submission_tls = 0;      ///< TLS from the beginning; 0: there is none
  std::uint16_t submission_starttls = 0; ///< likewise
  std::uint16_t pop3_tls = 0;
  std::uint16_t pop3_starttls = 0;
  std::uint16_t imap_tls = 0;
  std::uint16_t imap_starttls = 0;

  std::uint16_t tls(std::string_view protocol) const {
    return protocol == "pop3" ? pop3_tls : protocol == "imap" ? imap_tls : submission_tls;
  }
  std::uint16_t starttls(std::string_view protocol) const {
    return protocol == "pop3" ? pop3_starttls : protocol == "imap" ? imap_starttls : submission_starttls;
  }
};

/// Whom it is about.
struct Sufferer {
  std::string login;                    ///< "ann@example.org"
  std::vector<std::string> addresses{}; ///< others that lead to the account
};

/// Whether a name that a program gave may be meant for this account: in any case, without its domain, or with another
/// one.
bool may_mean(const Sufferer& who, const std::string& name);

/// One attempt as a sentence, and what to do. `who` null: of a client, whoever it is.
Finding explain(const policy::Attempt& attempt, const Sufferer* who, const LoginPorts& ports, std::int64_t now);

/// All that is known of an account that can't send.
struct SenderFacts {
  Sufferer who;
  LoginPorts ports;
  std::int64_t now = 0;
  std::int64_t started = 0; ///< since when the journal is kept; 0: it can't be seen from here
  bool disabled = false;
  bool has_password = true;
  std::vector<policy::Attempt> attempts{};  ///< in its name, newest first
  std::vector<policy::Attempt> nameless{};  ///< without a name, of clients that also used its name
  std::vector<policy::Attempt> strangers{}; ///< without a name, of others, to ports for users
  std::vector<policy::Refusal> refusals{};  ///< of what it sent
  std::optional<directory::LoginFacts> logins{};
  std::optional<store::Suspicion> mark{};
  std::vector<store::LimitUse> limits{};
};
/// At least one finding; `check` is "sending".
std::vector<Finding> explain_sender(const SenderFacts& facts);

} // namespace paquebot::doctor
