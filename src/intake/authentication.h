#pragma once

#include "base/clock.h"
#include "dns/resolver.h"
#include "intake/authentication_policy.h"
#include "intake/patience.h"
#include "intake/shares.h"
#include "mail/address.h"
#include "mail/head.h"
#include "mailauth/dkim_key.h"
#include "net/task_group.h"

#include <memory>
#include <string>
#include <string_view>

namespace paquebot::intake {

/// What checks of all messages share; outlives them. Thread-safe.
struct Verifier {
  Verifier(dns::Resolver& r, const Clock& c) : resolver(r), clock(c) {}
  dns::Resolver& resolver;
  const Clock& clock;
  mailauth::DkimKeyCache keys;
  Shares shares;          ///< of the questions that one network's mail may have under way
  Patience patience;      ///< with mail whose author the DNS does not let us find out
  net::TaskCount lookups; ///< that still run: to be waited for before the contexts stop
};

/// Whose message it is.
struct AuthenticationSubject {
  std::string hostname; ///< ours: the authserv-id
  mailauth::Ip client;
  std::string helo;
  mail::Address sender; ///< of MAIL; empty for "<>"
};

/// Says where one message is from, while it comes: SPF is asked for at once, what signatures need once the head is
/// there, and the body is hashed piece by piece. All questions run at the same time, and what is not answered in time
/// counts as a failure of the DNS for that question. Use on one executor.
class Authentication {
public:
  /// `options` outlives it.
  Authentication(Verifier& verifier, const AuthenticationOptions& options, AuthenticationSubject subject);
  ~Authentication();

  /// Starts asking for SPF.
  Task<void> begin();
  /// Instead: the client is one of ours, and SPF says nothing of the message.
  void leave_spf();
  /// The content as it came. True once: the head is complete, call ask_ahead().
  bool feed(std::string_view chunk);
  /// Starts asking for keys and the author's policy, so that finish() has less to wait for.
  Task<void> ask_ahead();
  /// The content is over. `head`: as it will be stored, before anything is added. Waits for options.timeout at most.
  Task<void> finish(const mail::Head& head);

  // After finish():
  const Findings& findings() const { return findings_; }
  const Judgement& judgement() const { return judgement_; }
  /// The domains of which all have to be ours, so that pass_over() is right: those in From and that of the envelope.
  /// Empty: it never is.
  std::vector<std::string> domains_of_a_device() const;
  /// It is from a device of ours: accepted, whatever DMARC says.
  void pass_over();
  /// Empty before.
  std::string summary() const { return finished_ ? intake::summary(findings_, judgement_) : std::string(); }
  /// Puts Authentication-Results in front, and with the action `tag` the fields of quarantine.
  void stamp(mail::Head& head) const;

private:
  struct State;
  void take_head();
  Task<void> check_signatures();
  Task<void> check_policy(const mail::Head& head, Instant until);
  bool waited_long();
  std::string who_waits() const;
  std::string results() const;

  Verifier& verifier_;
  const AuthenticationOptions& options_;
  std::string hostname_;
  mail::HeadSplitter splitter_;
  bool head_taken_ = false;
  bool finished_ = false;
  std::shared_ptr<State> state_; ///< shared with questions that may outlive this
  net::TaskGroup asked_;         ///< finish() waits for these
  net::TaskGroup ahead_;         ///< nobody waits for these
  Findings findings_;
  Judgement judgement_;
};

/// Takes out what only we may say: Authentication-Results with our name, and our fields of quarantine.
void remove_forged_fields(mail::Head& head, const std::string& hostname);

} // namespace paquebot::intake
