#include "policy/limit_book.h"

#include "base/text.h"
#include "base/units.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace paquebot::policy {
namespace {

using store::LimitKind;
using store::LimitUse;

constexpr std::size_t kMostPages = 10'000; // accounts remembered

std::string window_end(std::int64_t ms) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(static_cast<std::time_t>(ms / 1000)));
}

/// The bound that `wanted` more of this kind would break.
std::optional<store::LimitHit> broken(const std::vector<LimitUse>& uses, LimitKind kind, std::uint64_t wanted) {
  for (const LimitUse& use : uses) {
    if (use.kind != kind || use.most == 0 || use.used + wanted <= use.most) continue;
    return store::LimitHit{kind, use.used, wanted, use.most, use.until};
  }
  return std::nullopt;
}

} // namespace

LimitBook::LimitBook(store::Books& store, const Clock& clock)
    : store_(store), clock_(clock), general_(std::make_shared<const store::Limits>()) {}

void LimitBook::configure(const store::Limits& general) {
  auto next = std::make_shared<const store::Limits>(general);
  const std::lock_guard lock(mutex_);
  general_ = std::move(next);
  pages_.clear();
}

std::shared_ptr<const store::Limits> LimitBook::general() const {
  const std::lock_guard lock(mutex_);
  return general_;
}

void LimitBook::forget(store::Id account) {
  const std::lock_guard lock(mutex_);
  pages_.erase(account);
}

Task<std::shared_ptr<const LimitBook::Uses>> LimitBook::uses(store::Id account) {
  const Instant now = clock_.now();
  store::Limits general;
  {
    const std::lock_guard lock(mutex_);
    const auto known = pages_.find(account);
    if (known != pages_.end() && now - known->second.read < kFresh) co_return known->second.uses;
    general = *general_;
  }
  const std::int64_t wall = millis(clock_.wall());
  auto read = co_await store_.limit_use(account, general, wall);
  if (!read) co_return nullptr;
  auto fresh = std::make_shared<const Uses>(std::move(*read));
  const std::lock_guard lock(mutex_);
  if (pages_.size() >= kMostPages) pages_.clear();
  pages_[account] = {fresh, now};
  co_return fresh;
}

Task<mail::Reply> LimitBook::check_message(store::Id account, std::string login, std::uint64_t size) {
  const auto page = co_await uses(account);
  if (!page) co_return mail::Reply();
  for (const LimitKind kind : {LimitKind::messages_per_hour, LimitKind::messages_per_day})
    if (const auto hit = broken(*page, kind, 1)) co_return over_limit(*hit, login);
  if (const auto hit = broken(*page, LimitKind::bytes_per_day, std::max<std::uint64_t>(size, 1)))
    co_return over_limit(*hit, login);
  co_return mail::Reply();
}

Task<mail::Reply> LimitBook::check_recipient(store::Id account, std::string login, std::uint64_t before) {
  const auto page = co_await uses(account);
  if (!page) co_return mail::Reply();
  for (const LimitKind kind : {LimitKind::recipients_per_message, LimitKind::recipients_per_day})
    if (const auto hit = broken(*page, kind, before + 1)) co_return over_limit(*hit, login);
  co_return mail::Reply();
}

std::string limit_text(LimitKind kind, std::uint64_t most) {
  switch (kind) {
    case LimitKind::messages_per_hour: return fmt::format("{} messages an hour", most);
    case LimitKind::messages_per_day: return fmt::format("{} messages a day", most);
    case LimitKind::recipients_per_message: return fmt::format("{} recipients a message", most);
    case LimitKind::recipients_per_day: return fmt::format("{} recipients a day", most);
    case LimitKind::new_recipients_per_day: return fmt::format("{} first-time recipients a day", most);
    case LimitKind::bytes_per_day: return octets_text(most) + " a day";
  }
  return {};
}

mail::Reply over_limit(const store::LimitHit& hit, const std::string& login) {
  const std::string who = printable(login, 256);
  const std::string bound = limit_text(hit.kind, hit.most);
  // RFC 3463 section 3.8: X.7.1, not permitted. Temporary while waiting helps: then the client keeps the message.
  if (hit.until == 0) return {550, {5, 7, 1}, fmt::format("the limit of {} is {}", who, bound)};
  if (hit.wanted > hit.most)
    return {550, {5, 7, 1}, fmt::format("the limit of {} is {}: this message is beyond it", who, bound)};
  return {
      452,
      {4, 7, 1},
      fmt::format("the limit of {} is {}, {} used: try again after {}", who, bound, hit.used, window_end(hit.until))};
}

} // namespace paquebot::policy
