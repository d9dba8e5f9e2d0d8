#include "base/log.h"
#include "intake/pickup.h"

#include <algorithm>
#include <deque>

namespace paquebot::intake {
namespace {

constexpr std::size_t kRound = 100;
constexpr std::size_t kMostPostponed = 1000; // of one user; what is beyond is tried in each of his turns
constexpr std::chrono::seconds kFirstWait{5};
constexpr std::chrono::seconds kMostWait{600};
constexpr std::chrono::minutes kToldAgain{1};
constexpr std::chrono::hours kForgotten{1};

} // namespace

std::vector<DropEntry> DropDesk::choose(Instant now) {
  std::erase_if(postponed_, [&](const auto& one) { return one.second.next + kForgotten < now; }); // it is gone
  std::map<std::uint32_t, std::deque<DropEntry>> lines; // of each user, the oldest in front
  for (DropEntry& entry : scan_.look()) {
    const auto known = postponed_.find(entry.name);
    if (known == postponed_.end() || known->second.next <= now) lines[entry.uid].push_back(std::move(entry));
  }
  std::vector<std::deque<DropEntry>*> turns;
  for (auto at = lines.upper_bound(last_uid_); at != lines.end(); ++at) turns.push_back(&at->second);
  for (auto at = lines.begin(); at != lines.upper_bound(last_uid_); ++at) turns.push_back(&at->second);
  for (auto* line : turns) std::ranges::sort(*line, {}, &DropEntry::name);
  std::vector<DropEntry> chosen;
  for (bool any = true; any && chosen.size() < kRound;) {
    any = false;
    for (auto* line : turns) {
      if (line->empty() || chosen.size() == kRound) continue;
      last_uid_ = line->front().uid;
      chosen.push_back(std::move(line->front()));
      line->pop_front();
      any = true;
    }
  }
  return chosen;
}

void DropDesk::postpone(const DropEntry& entry, Instant now) {
  const auto of_user = [&](const auto& one) { return one.second.uid == entry.uid; };
  const bool known = postponed_.contains(entry.name);
  if (!known && postponed_.size() >= kMostPostponed &&
      static_cast<std::size_t>(std::ranges::count_if(postponed_, of_user)) >= kMostPostponed)
    return;
  auto [at, first] = postponed_.try_emplace(entry.name, Wait{now, kFirstWait, entry.uid});
  if (!first) at->second.length = std::min(at->second.length * 2, kMostWait);
  at->second.next = now + at->second.length;
}

void DropDesk::set_aside(const DropEntry& entry, const std::string& why, bool seen, Instant now) {
  Misfits& misfits = misfits_[entry.uid];
  ++misfits.files;
  const bool kept = scan_.set_aside(entry);
  const bool removed = !kept && seen && remove_drop(directory_, entry.name);
  misfits.removed += removed ? 1 : 0;
  if (kept || removed)
    postponed_.erase(entry.name);
  else
    postpone(entry, now);
  if (misfits.ever_told && now - misfits.told < kToldAgain) return;
  log::warning("drop-set-aside", {{"uid", static_cast<std::int64_t>(entry.uid)},
                                  {"files", misfits.files},
                                  {"removed", misfits.removed},
                                  {"file", entry.name},
                                  {"why", why}});
  misfits = {now, true, 0, 0};
}

} // namespace paquebot::intake
