#include "intake/patience.h"

#include "base/encoding.h"
#include "mailauth/crypto.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>
#include <iterator>
#include <optional>

namespace paquebot::intake {
namespace {

constexpr std::size_t kKeyDigits = 32;

/// Of fixed length, and names nobody.
std::string key_of(std::string_view who) {
  const auto digest = mailauth::sha256(who);
  return hex_encode(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()))
      .substr(0, kKeyDigits);
}

/// A row: for how many seconds it has waited, and when it came last in milliseconds since 1970.
struct Row {
  std::chrono::seconds waited{};
  WallTime last{};
};

std::optional<Row> read_row(std::string_view text) {
  std::int64_t waited = 0, last = 0;
  const char* const end = text.data() + text.size();
  const auto [blank, error] = std::from_chars(text.data(), end, waited);
  if (error != std::errc() || blank == end || *blank != ' ' || waited < 0) return {};
  const auto [behind, wrong] = std::from_chars(blank + 1, end, last);
  if (wrong != std::errc() || behind != end || last < 0) return {};
  const std::chrono::seconds most = 2 * Patience::kLong; // longer ones say no more
  return Row{std::min(std::chrono::seconds(waited), most), from_millis(last)};
}

} // namespace

Patience::All::iterator Patience::drop(All::iterator one) {
  // Past the bound rows stay where they are until they are read again.
  if (one->second.has_row && changed_.size() < 2 * kMost) changed_.insert(one->first);
  return seen_.erase(one);
}

void Patience::make_room(Instant now) {
  for (auto one = seen_.begin(); one != seen_.end();)
    one = now - one->second.last > kForgotten ? drop(one) : std::next(one);
  if (seen_.size() < kMost) return;
  // Who has waited longest stays: a stranger who makes up names must not make an honest one begin anew.
  drop(std::ranges::max_element(seen_, {}, [](const auto& one) { return one.second.first; }));
}

/// It came: its row is due when that says so little by now that a restart would cost it kStep.
void Patience::touch(const std::string& key, Seen& one, Instant now) {
  one.last = std::max(one.last, now);
  if (one.last - (one.has_row ? one.kept : one.first) >= kStep && changed_.size() < 2 * kMost) changed_.insert(key);
}

bool Patience::is_over(std::string_view who, Instant now) {
  const std::string key = key_of(who);
  const std::lock_guard lock(mutex_);
  auto found = seen_.find(key);
  if (found != seen_.end() && now - found->second.last > kForgotten) {
    drop(found);
    found = seen_.end();
  }
  if (found == seen_.end()) {
    if (seen_.size() >= kMost) make_room(now);
    found = seen_.emplace(key, Seen{now, now}).first;
  }
  touch(key, found->second, now);
  return now - found->second.first > kLong;
}

void Patience::forget(std::string_view who) {
  const std::lock_guard lock(mutex_);
  if (seen_.empty()) return;
  if (const auto found = seen_.find(key_of(who)); found != seen_.end()) drop(found);
}

std::vector<std::pair<std::string, std::string>> Patience::take_changes(std::size_t most, Instant now, WallTime wall) {
  std::vector<std::pair<std::string, std::string>> rows;
  const std::lock_guard lock(mutex_);
  while (!changed_.empty() && rows.size() < most) {
    auto& [key, row] = rows.emplace_back(std::move(changed_.extract(changed_.begin()).value()), std::string());
    const auto found = seen_.find(key);
    if (found == seen_.end()) continue;
    Seen& one = found->second;
    one.kept = one.last;
    one.has_row = true;
    const auto waited = std::chrono::floor<std::chrono::seconds>(one.last - one.first);
    const auto ago = std::chrono::floor<std::chrono::milliseconds>(now - one.last);
    row = fmt::format("{} {}", waited.count(), std::max<std::int64_t>(millis(wall - ago), 0));
  }
  return rows;
}

void Patience::put_back(const std::string& key) {
  const std::lock_guard lock(mutex_);
  if (changed_.size() < 2 * kMost) changed_.insert(key);
}

void Patience::load(const std::string& key, std::string_view row, Instant now, WallTime wall) {
  const auto read = read_row(row);
  const std::lock_guard lock(mutex_);
  const auto found = seen_.find(key);
  const auto age = read ? std::max(wall - read->last, std::chrono::milliseconds(0)) : std::chrono::milliseconds(0);
  const bool usable = read && key.size() == kKeyDigits && age <= kForgotten;
  if (found == seen_.end() && (!usable || seen_.size() >= kMost)) {
    if (changed_.size() < 2 * kMost) changed_.insert(key);
    return;
  }
  Seen& one = found == seen_.end() ? seen_.emplace(key, Seen{now, now}).first->second : found->second;
  one.has_row = true;
  one.kept = one.last;
  if (usable) one.first = std::min(one.first, now - read->waited);
}

} // namespace paquebot::intake
