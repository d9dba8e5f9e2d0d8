#pragma once

#include "mail/status.h"
#include "mailauth/arc.h"
#include "mailauth/dkim_verify.h"
#include "mailauth/dmarc.h"
#include "mailauth/spf.h"
#include "net/network.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::intake {

/// [authentication] of the configuration; docs/configuration.md tells what each means.
struct AuthenticationOptions {
  enum class Dmarc : std::uint8_t { enforce, tag, off };
  enum class Quarantine : std::uint8_t { tag, hold };
  enum class SpfFail : std::uint8_t { tag, refuse };

  bool verify = true;
  Dmarc dmarc = Dmarc::enforce;
  Quarantine quarantine = Quarantine::tag;
  SpfFail spf_fail = SpfFail::tag;
  std::vector<std::string> trusted_forwarders; ///< domains, lower-case A-labels: their seals of ARC are believed
  net::Networks skip_networks;                 ///< clients that are trusted: nothing is checked, nothing is taken out
  std::chrono::seconds timeout{10};            ///< for all questions about one message, once its content is there
};

/// What was found out about one message.
struct Findings {
  mailauth::SpfQuestion sender_question;
  mailauth::SpfOutcome sender; ///< SPF for MAIL FROM
  mailauth::SpfQuestion helo_question;
  std::optional<mailauth::SpfOutcome> helo; ///< SPF for HELO, where that is another question and was answered in time
  std::vector<mailauth::DkimVerdict> dkim;
  mailauth::ArcOutcome arc;
  std::optional<mailauth::DmarcOutcome> dmarc; ///< nothing: it was not asked for
  /// Where From may be read to have several domains: those of them that do not decide.
  std::vector<mailauth::DmarcOutcome> further_dmarc;
  bool waited_long =
      false; ///< where the DNS leaves the author in doubt: for a day already the message was to come again
  /// Some question could not be asked, or not in time, for reasons of our own: what failed may have failed through
  /// that, and is no lateness of the sender's.
  bool own_fault = false;
};

/// What follows from it.
struct Judgement {
  enum class Action : std::uint8_t { accept, tag, hold, refuse };
  Action action = Action::accept;
  std::string reason;    ///< tag, hold: in words, printable, for the field and the operator
  mail::Reply reply;     ///< refuse
  std::string forwarder; ///< the trusted forwarder whose word counted where DMARC failed
  bool device = false;   ///< DMARC failed, but it came from a device of ours, in our own name
};

/// The decision, without asking anybody. docs/policy.md lists each outcome with its words; keep both alike.
Judgement judge(const Findings& findings, const AuthenticationOptions& options);

/// The same where From may be read to have several domains (`outcomes`, at least one): the strictest decision of all
/// (RFC 9989 section 11.5). The outcome that it comes from becomes `findings.dmarc`, the others
/// `findings.further_dmarc`.
Judgement judge_each(Findings& findings, std::vector<mailauth::DmarcOutcome> outcomes,
                     const AuthenticationOptions& options);

/// The trusted forwarder that vouches for a message: its chain is good, the newest seals are all of trusted domains,
/// and the results that the first of these sealed say that the message was the author's when it came there. Empty when
/// there is none. RFC 8617 section 7.2 leaves this to the receiver.
std::string vouching_forwarder(const Findings& findings, const std::vector<std::string>& trusted);

/// Whether the domain of MAIL FROM itself says that the message is from there: by SPF, or by a signature of that very
/// domain.
bool vouches_for(const Findings& findings, const std::string& domain);

/// Whether mail of a device of ours may pass over what DMARC (or SPF) says, provided that all domains in From and that
/// of the envelope are ours: not where a trusted forwarder is said to have brought it, which others wrote to.
bool may_be_a_device(const Findings& findings, const Judgement& judgement, const AuthenticationOptions& options);

/// "spf=pass, dkim=fail, dmarc=pass" and so on, for the trail and the log.
std::string summary(const Findings& findings, const Judgement& judgement);

} // namespace paquebot::intake
