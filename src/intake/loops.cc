#include "intake/loops.h"

#include "base/text.h"
#include "mail/received.h"

namespace paquebot::intake {

Loops::Loops(const mail::Head& head, std::size_t max_hops) : head_(head), max_hops_(max_hops) {
  for (const mail::Field& field : head)
    if (field.is("Delivered-To")) been_.insert(to_lower(mail::unfold(field.value())));
}

mail::Reply Loops::hops() const {
  if (mail::count_received(head_) <= max_hops_) return mail::Reply();
  return mail::Reply(554, {5, 4, 6},
                     "this message has passed through too many servers: it seems to go round in a loop");
}

mail::Reply Loops::of(const queue::DraftRecipient& recipient) const {
  if (been_.empty()) return mail::Reply();
  for (const directory::Node& node : recipient.nodes)
    if (been_.contains(to_lower(node.address)))
      return mail::Reply(554, {5, 4, 6},
                         "this message was at " + to_lower(node.address) + " before: forwarding goes round in a loop");
  return mail::Reply();
}

mail::Reply Loops::any(const std::vector<queue::DraftRecipient>& recipients) const {
  if (mail::Reply many = hops(); many.code != 0) return many;
  if (been_.empty()) return mail::Reply();
  for (const queue::DraftRecipient& recipient : recipients)
    if (mail::Reply loop = of(recipient); loop.code != 0) return loop;
  return mail::Reply();
}

} // namespace paquebot::intake
