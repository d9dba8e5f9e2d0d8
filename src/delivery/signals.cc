#include "delivery/signals.h"

#include "base/text.h"
#include "mail/bounce_class.h"

#include <string>

namespace paquebot::delivery {

queue::Signal signal_of(const mail::Reply& reply) {
  using queue::Signal;
  if (reply.positive() || !reply.heard) return Signal::none;
  const mail::BounceClass klass = mail::class_of(mail::Told::by(reply));
  if (klass == mail::BounceClass::blocked_source) return Signal::blocked;
  if (klass != mail::BounceClass::rate || reply.permanent()) return Signal::none;
  if (reply.enhanced && reply.enhanced.subject == 2) return Signal::none; // of one mailbox
  const std::string text = to_lower(reply.text);
  const auto says = [&](std::string_view words) { return text.find(words) != std::string::npos; };
  if (says("too many messages") || says("recipients")) return Signal::none; // of a session, or of a message
  const bool many = says("too many") || says("concurrent") || says("simultaneous");
  return many && (says("connection") || says("session")) ? Signal::connections : Signal::rate;
}

Heard heard_of(std::span<const mail::Reply> replies, bool before_recipients) {
  for (const mail::Reply& reply : replies) {
    if (reply.positive()) continue;
    const queue::Signal signal = signal_of(reply);
    if (signal == queue::Signal::none) continue;
    return {.signal = signal, .reply = &reply, .sure = before_recipients || reply.code == 421};
  }
  return {};
}

} // namespace paquebot::delivery
