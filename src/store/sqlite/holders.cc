#include "store/sqlite/holders.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kCompared = 20'000; // in one slice

/// "ID", where the rows of this count begin, and a letter once it has begun.
Id begin_of(const std::string& after) {
  const auto id = parse_u64(after.substr(0, after.find('-')));
  return id ? static_cast<Id>(std::min<std::uint64_t>(*id, INT64_MAX)) : 0;
}

std::optional<CheckPlace> check_holders(Check& check, const CheckPlace& from, HolderCount::Of of) {
  const Id begin = begin_of(from.after);
  CheckPlace next = from;
  if (!next.counted) next.counted = std::make_shared<HolderCount>(of, begin);
  if (next.counted->step(check)) {
    next.after = std::to_string(begin) + "-on";
    return next;
  }
  const Id on = next.counted->next();
  if (on == 0) return {};
  return CheckPlace{from.part, std::to_string(on), {}};
}

} // namespace

HolderCount::HolderCount(Of of, Id after, std::size_t at_once) : of_(of), at_once_(at_once), last_(after) {
  cursor_ = "i" + std::to_string(after);
}

bool HolderCount::step(Check& check) {
  switch (phase_) {
    case Phase::load: load(check); break;
    case Phase::entries: {
      constexpr Ordered kEntries{"entry e", {"e.mailbox", "e.uid"}};
      count(check, kEntries, bodies() ? "e.body" : "e.head", Phase::queue);
      break;
    }
    case Phase::queue: {
      constexpr Ordered kMessages{"message m", {"m.id"}};
      count(check, kMessages, bodies() ? "m.body" : "m.head", Phase::compare);
      break;
    }
    case Phase::compare: compare(check); break;
    case Phase::done: break;
  }
  return phase_ != Phase::done;
}

void HolderCount::load(Check& check) {
  constexpr Ordered kHeads{"head h", {"h.id"}};
  constexpr Ordered kBodies{"body b", {"b.id"}};
  Slice slice(check.main, bodies() ? kBodies : kHeads, "refs", cursor_);
  while (slice.row()) {
    last_ = slice.at().i64(0);
    ids_.push_back(last_);
    refs_.push_back(slice.at().u32(1));
    full_ = ids_.size() >= at_once_;
    if (full_) break;
  }
  cursor_ = full_ ? std::string() : slice.next();
  if (!cursor_.empty()) return;
  found_.resize(ids_.size());
  phase_ = ids_.empty() ? Phase::done : Phase::entries;
}

/// A holder is seen once at most: its key never changes.
void HolderCount::count(Check& check, const Ordered& table, const char* column, Phase then) {
  Slice slice(check.main, table, column, cursor_);
  while (slice.row()) {
    const auto place = std::ranges::lower_bound(ids_, slice.at().i64(table.columns()));
    if (place != ids_.end() && *place == slice.at().i64(table.columns()))
      ++found_[static_cast<std::size_t>(place - ids_.begin())];
  }
  cursor_ = slice.next();
  if (cursor_.empty()) phase_ = then;
}

void HolderCount::compare(Check& check) {
  const std::size_t end = std::min(compared_ + kCompared, ids_.size());
  for (; compared_ < end && !check.enough(); ++compared_) {
    if (found_[compared_] == refs_[compared_]) continue;
    const Id id = ids_[compared_];
    const char* sql = bodies() ? "SELECT refs FROM body WHERE id = ?" : "SELECT refs FROM head WHERE id = ?";
    const std::int64_t after = check.main.number(sql, 0, id);
    if (found_[compared_] < refs_[compared_] && found_[compared_] >= after) continue; // let go of meanwhile
    check.tell(bodies() ? kBodyHolders : kHeadHolders,
               (bodies() ? "body " : "head ") + std::to_string(id) + ": its count of holders is wrong", kMiscounted);
  }
  if (compared_ == ids_.size()) phase_ = Phase::done;
}

std::optional<CheckPlace> check_head_holders(Check& check, const CheckPlace& from) {
  return check_holders(check, from, HolderCount::Of::heads);
}

std::optional<CheckPlace> check_body_holders(Check& check, const CheckPlace& from) {
  return check_holders(check, from, HolderCount::Of::bodies);
}

} // namespace paquebot::store::sqlite
