#include "delivery/finding.h"

#include <algorithm>

namespace paquebot::delivery {
namespace {

using smtp::Settled;
using Session = Finding::Session;

bool is_any(const mail::Reply& reply, std::initializer_list<mail::EnhancedCode> codes) {
  return std::ranges::find(codes, reply.enhanced) != codes.end();
}

/// RFC 5321 section 4.5.3.1.10: 452 says that a transaction has room for no further recipient, and from old servers 552
/// does. Only where it took some before: else it is about this one. 552 says also that a mailbox is full or the message
/// too large.
bool no_further(const mail::Reply& reply) {
  if (reply.code == 452) return !reply.enhanced || is_any(reply, {{4, 5, 3}});
  return reply.code == 552 && !is_any(reply, {{5, 2, 2}, {5, 3, 4}});
}

Session session_of(const Transmission& sent, const mail::Reply* broken, const mail::Reply* to_mail) {
  if (broken != nullptr) {
    const bool said_why = broken->code == 421;
    const bool had_closed = sent.breakage == smtp::Breakage::lost && !sent.content_begun;
    if (!said_why && sent.breakage == smtp::Breakage::none) return Session::judged; // we ended it
    const bool of_connection = said_why ? sent.carried > 0 : had_closed && sent.reused && !sent.in_doubt;
    return of_connection ? Session::used_up : Session::broken;
  }
  if (to_mail == nullptr || !to_mail->transient()) return Session::judged;
  const bool of_session = to_mail->code == 451 || to_mail->code == 452; // "too many messages in this session"
  return sent.carried > 0 && of_session ? Session::used_up : Session::elsewhere;
}

/// A peer that thinks long about each command keeps a delivery from the others as one does that says nothing.
bool is_slow(const Transmission& sent) {
  constexpr std::uint64_t kPace = 65'536; // octets in a second
  return sent.took > std::chrono::seconds(20) + std::chrono::seconds(sent.replies.size() + sent.size / kPace);
}

} // namespace

Finding find(const Transmission& sent) {
  Finding finding;
  finding.slow = is_slow(sent);
  const std::size_t count = sent.replies.size();
  finding.again.assign(count, false);
  finding.next.assign(count, false);
  const auto reply_to = [&](Settled what) -> const mail::Reply* {
    const auto at = std::ranges::find(sent.settled, what);
    return at == sent.settled.end() ? nullptr : &sent.replies[static_cast<std::size_t>(at - sent.settled.begin())];
  };
  const mail::Reply* broken = reply_to(Settled::broken);
  finding.session = session_of(sent, broken, reply_to(Settled::mail));
  if (broken != nullptr) finding.broken = *broken;
  if (finding.session == Session::broken && !sent.in_doubt && (broken->code == 421 || !sent.content_begun))
    finding.strikes = 1;
  const Settled open = broken != nullptr ? Settled::broken : Settled::mail;
  bool some_before = false; // the transaction has a recipient
  for (std::size_t i = 0; i < count; ++i) {
    const Settled what = sent.settled[i];
    if (what == Settled::rcpt) finding.next[i] = some_before && no_further(sent.replies[i]);
    some_before = some_before || what == Settled::data || what == Settled::content || what == Settled::broken;
    if (finding.session != Session::judged && what == open) finding.again[i] = !sent.in_doubt;
  }
  return finding;
}

} // namespace paquebot::delivery
