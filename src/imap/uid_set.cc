#include "imap/uid_set.h"

#include "base/text.h"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>
#include <iterator>

namespace paquebot::imap {

void append(UidSet& set, std::uint32_t number) {
  assert(set.empty() || number > set.back().last);
  if (!set.empty() && set.back().last + 1 == number)
    set.back().last = number;
  else
    set.push_back({number, number});
}

UidSet normalize(std::vector<UidRun> runs) {
  std::ranges::sort(runs, {}, &UidRun::first);
  UidSet out;
  for (const UidRun& run : runs) {
    if (run.first > run.last) continue;
    if (!out.empty() && (run.first <= out.back().last || run.first - 1 == out.back().last))
      out.back().last = std::max(out.back().last, run.last);
    else
      out.push_back(run);
  }
  return out;
}

std::uint64_t count_of(const UidSet& set) {
  std::uint64_t count = 0;
  for (const UidRun& run : set) count += std::uint64_t{run.last} - run.first + 1;
  return count;
}

bool contains(const UidSet& set, std::uint32_t number) {
  const auto at = std::ranges::lower_bound(set, number, {}, &UidRun::last);
  return at != set.end() && at->first <= number;
}

UidSet intersect(const UidSet& a, const UidSet& b) {
  UidSet out;
  for (std::size_t i = 0, k = 0; i < a.size() && k < b.size();) {
    const UidRun both{std::max(a[i].first, b[k].first), std::min(a[i].last, b[k].last)};
    if (both.first <= both.last) out.push_back(both);
    if (a[i].last < b[k].last)
      ++i;
    else
      ++k;
  }
  return normalize(std::move(out));
}

UidSet without(const UidSet& a, const UidSet& b) {
  UidSet out;
  std::size_t k = 0;
  for (UidRun run : a) {
    while (k < b.size() && b[k].last < run.first) ++k;
    bool left = true;
    for (std::size_t j = k; j < b.size() && b[j].first <= run.last; ++j) {
      if (b[j].first > run.first) out.push_back({run.first, b[j].first - 1});
      left = b[j].last < run.last;
      if (!left) break;
      run.first = std::max(run.first, b[j].last + 1);
    }
    if (left) out.push_back(run);
  }
  return out;
}

UidSet take_front(UidSet& set, std::uint64_t most) {
  UidSet out;
  std::size_t whole = 0;
  while (whole < set.size() && most > 0) {
    UidRun& run = set[whole];
    const std::uint64_t size = std::uint64_t{run.last} - run.first + 1;
    if (size <= most) {
      out.push_back(run);
      most -= size;
      ++whole;
      continue;
    }
    const auto last = static_cast<std::uint32_t>(run.first + most - 1);
    out.push_back({run.first, last});
    run.first = last + 1;
    most = 0;
  }
  set.erase(set.begin(), set.begin() + static_cast<std::ptrdiff_t>(whole));
  return out;
}

std::string to_text(const UidSet& set) {
  std::string out;
  for (const UidRun& run : set) {
    if (!out.empty()) out += ',';
    fmt::format_to(std::back_inserter(out), "{}", run.first);
    if (run.last != run.first) fmt::format_to(std::back_inserter(out), ":{}", run.last);
  }
  return out;
}

UidSet SequenceSet::resolve(std::uint32_t highest) const {
  std::vector<UidRun> out;
  out.reserve(ranges.size());
  for (const UidRun& range : ranges) {
    if (highest == 0 && (range.first == 0 || range.last == 0)) continue;
    const std::uint32_t a = range.first == 0 ? highest : range.first;
    const std::uint32_t b = range.last == 0 ? highest : range.last;
    out.push_back({std::min(a, b), std::max(a, b)});
  }
  return normalize(std::move(out));
}

std::optional<SequenceSet> parse_sequence_set(std::string_view text) {
  if (text == "$") return SequenceSet{{}, true};
  const auto number = [](std::string_view one) -> std::optional<std::uint32_t> {
    if (one == "*") return 0;
    const auto value = parse_u64(one);
    if (!value || *value == 0 || *value > UINT32_MAX) return {};
    return static_cast<std::uint32_t>(*value);
  };
  SequenceSet out;
  for (const std::string_view one : split(text, ',')) {
    const auto colon = one.find(':');
    const auto first = number(one.substr(0, colon));
    const auto last = colon == std::string_view::npos ? first : number(one.substr(colon + 1));
    if (!first || !last) return {};
    out.ranges.push_back({*first, *last});
  }
  return out;
}

// ---- View ----

View::View(const UidSet& uids) { add(uids); }

std::uint32_t View::uid_of(std::uint32_t number) const {
  assert(number >= 1 && number <= count_);
  const auto at = std::prev(std::ranges::upper_bound(runs_, number - 1, {}, &Run::before));
  return at->first + (number - 1 - at->before);
}

std::uint32_t View::number_of(std::uint32_t uid) const {
  const auto at = std::ranges::lower_bound(runs_, uid, {}, &Run::last);
  if (at == runs_.end() || at->first > uid) return 0;
  return at->before + (uid - at->first) + 1;
}

UidSet View::uids() const {
  UidSet out;
  out.reserve(runs_.size());
  for (const Run& run : runs_) out.push_back({run.first, run.last});
  return out;
}

UidSet View::uids_of(const UidSet& numbers) const {
  std::vector<UidRun> out;
  for (const UidRun& wanted : numbers) {
    const std::uint32_t last = std::min(wanted.last, count_);
    if (wanted.first > last) break;
    auto at = std::prev(std::ranges::upper_bound(runs_, wanted.first - 1, {}, &Run::before));
    for (; at != runs_.end() && at->before < last; ++at) {
      const std::uint32_t skip = std::max(wanted.first - 1, at->before) - at->before;
      const std::uint32_t until = std::min(last - at->before - 1, at->last - at->first);
      out.push_back({at->first + skip, at->first + until});
    }
  }
  return normalize(std::move(out));
}

UidSet View::numbers_of(const UidSet& uids) const {
  UidSet out;
  for (const UidRun& run : intersect(this->uids(), uids)) {
    // Within one run of the view: their numbers follow on each other, too.
    const UidRun numbers{number_of(run.first), number_of(run.last)};
    if (!out.empty() && out.back().last + 1 == numbers.first)
      out.back().last = numbers.last;
    else
      out.push_back(numbers);
  }
  return out;
}

void View::add(const UidSet& uids) {
  for (const UidRun& run : uids) {
    assert(run.first > highest());
    if (!runs_.empty() && runs_.back().last + 1 == run.first)
      runs_.back().last = run.last;
    else
      runs_.push_back({run.first, run.last, count_});
    count_ += run.last - run.first + 1;
  }
}

void View::remove(const UidSet& uids) {
  const UidSet left = without(this->uids(), uids);
  runs_.clear();
  count_ = 0;
  add(left);
}

} // namespace paquebot::imap
