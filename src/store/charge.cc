#include "store/charge.h"

#include "base/text.h"

#include <algorithm>
#include <cassert>

namespace paquebot::store {

std::vector<std::string> named_recipients(const AcceptRequest& request) {
  std::vector<std::string> named;
  for (const NewRecipient& recipient : request.recipients)
    if (recipient.parent < 0) named.push_back(to_lower(recipient.address));
  std::ranges::sort(named);
  named.erase(std::ranges::unique(named).begin(), named.end());
  return named;
}

std::uint64_t wanted_of(LimitKind kind, const AcceptRequest& request, std::size_t named, std::size_t unknown) {
  assert(unknown <= named);
  switch (kind) {
    case LimitKind::messages_per_hour:
    case LimitKind::messages_per_day: return 1;
    case LimitKind::recipients_per_message:
    case LimitKind::recipients_per_day: return named;
    case LimitKind::new_recipients_per_day: return unknown;
    case LimitKind::bytes_per_day: break;
  }
  return request.head.size() + (request.body.staged ? request.body.size : request.body.bytes.size());
}

std::optional<LimitHit> first_broken(std::span<const LimitHit> hits) {
  const auto broken = [](const LimitHit& hit) {
    return hit.most != 0 && hit.wanted != 0 && hit.used + hit.wanted > hit.most;
  };
  const auto found = std::ranges::find_if(hits, broken);
  if (found == hits.end()) return std::nullopt;
  return *found;
}

std::vector<LimitHit> passed_shares(std::span<const LimitHit> hits) {
  std::vector<LimitHit> passed;
  for (const LimitHit& hit : hits) {
    if (window_of(hit.kind) == 0 || hit.most == 0) continue;
    const auto beyond = [&hit](std::uint64_t value) { return value * 100 >= hit.most * kWarnPercent; };
    if (!beyond(hit.used) && beyond(hit.used + hit.wanted)) passed.push_back(hit);
  }
  return passed;
}

bool marks_hold(const NewMessage::Settles& settles, std::span<const Owed> owed) {
  assert(owed.size() == settles.recipients.size());
  for (std::size_t i = 0; i < owed.size(); ++i)
    if (owed[i] == Owed::none || (i < settles.marks.size() && settles.marks[i] != owed[i])) return false;
  return true;
}

} // namespace paquebot::store
