#pragma once

#include "mail/told.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace paquebot::mail {

/// Why mail for a recipient was not taken, as far as programs can act on it. Numbers are stored: never change them.
enum class BounceClass : std::uint8_t {
  none = 0,       ///< it was taken, or nothing is known of an attempt
  no_such_user,   ///< the mailbox does not exist there
  no_such_domain, ///< the domain does not exist, or takes no mail
  disabled,       ///< the mailbox exists and takes nothing
  full,           ///< the mailbox has no room
  rate,           ///< too much, or too fast, for now
  greylist,       ///< who comes for the first time is to come again
  blocked_source, ///< the address that we send from is on a list
  blocked_domain, ///< so is a domain of the sender, or of what the message has in it
  spam_content,   ///< what the message says looks like spam
  authentication, ///< SPF, DKIM or DMARC did not satisfy; or our login there
  tls,            ///< the protection that somebody asks for can't be had
  size,           ///< the message is too large
  policy,         ///< it is not wanted there, without a more exact reason
  loop,           ///< it goes round
  expired,        ///< its time was over, and no server had named a reason of its own
  network,        ///< no connection, or it broke; or the DNS has no answer
  protocol,       ///< the other side does not take a message of this kind, or does not understand us
  unknown,        ///< none of these can be told from what was said
};
inline constexpr std::size_t kBounceClasses = 19;

/// "no-such-user"; empty for `none`.
std::string_view name_of(BounceClass klass);

/// The class of what came of an attempt. Our own words tell it by their enhanced code (each kind of failure of ours has
/// one); else only what the other server said counts: an enhanced code that leaves no doubt, then kBounceRules, then
/// what is left in enhanced code and reply code. Pure.
BounceClass class_of(const Told& told);
/// The same once the message is given up since its time is over: what only says that there was no way yet is `expired`.
BounceClass class_at_end(BounceClass klass);

/// A server has said with its enhanced code 5.1.1 and a permanent reply, in its own words, that there is no such
/// mailbox.
bool is_hard_no_such_user(const Told& told);

/// Words that other servers are known to use. A rule matches where the codes are so, and `text` stands in the reply,
/// whatever the case of letters; a `*` in it stands for anything. Each comes with a reply that it is for: a test
/// refuses a rule that does not match its own example, or whose example another class gets.
struct BounceRule {
  std::string_view text;
  BounceClass klass;
  std::string_view example;     ///< "550 5.7.1 …"
  std::string_view source;      ///< whose words these are, or where they are documented
  std::string_view status = {}; ///< only with this enhanced code, which they use otherwise than RFC 3463 has it: such a
                                ///< rule goes before what the code says by itself
};
std::span<const BounceRule> bounce_rules();

} // namespace paquebot::mail
