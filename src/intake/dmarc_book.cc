#include "intake/dmarc_book.h"

#include "base/log.h"
#include "mailauth/dmarc_row.h"

namespace paquebot::intake {
namespace {

constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
constexpr std::size_t kBatch = 200; // rows in one transaction

} // namespace

void DmarcBook::count(const mailauth::DmarcOutcome& dmarc, mailauth::DmarcReport::Row row) {
  if (!on_ || !dmarc.record || dmarc.record->rua.empty() || dmarc.policy_domain.empty()) return;
  store::DmarcDay of{millis(clock_.wall()) / kDayMs * kDayMs, dmarc.policy_domain};
  std::pair key(row.source_ip, std::string());
  key.second = mailauth::pack_dmarc_row(std::move(row), store::kMaxDmarcDetail);
  std::string policy = mailauth::compose_dmarc_record(*dmarc.record);
  const std::lock_guard lock(mutex_);
  const auto page = pages_.find(of);
  const bool known = page != pages_.end() && page->second.rows.contains(key);
  if (!known && rows_ >= kMostRows) {
    ++lost_;
    return;
  }
  Page& into = page != pages_.end() ? page->second : pages_[std::move(of)];
  into.policy = std::move(policy);
  ++into.rows[std::move(key)];
  if (!known) ++rows_;
}

DmarcBook::Pages DmarcBook::tear_off() {
  const std::lock_guard lock(mutex_);
  rows_ = 0;
  return std::exchange(pages_, {});
}

Task<void> DmarcBook::flush() {
  Pages pages = tear_off();
  std::vector<store::DmarcCount> all;
  for (auto& [of, page] : pages)
    for (const auto& [key, count] : page.rows) all.push_back({of, page.policy, {key.first, key.second, count}});
  std::uint64_t lost = 0;
  for (std::size_t i = 0; i < all.size(); i += kBatch) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(i);
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(i + kBatch, all.size()));
    std::vector<store::DmarcCount> batch(begin, end);
    const auto written = co_await store_.count_dmarc(std::move(batch));
    if (written)
      lost += *written;
    else
      log::error("dmarc-rows-lost", {{"why", written.error().message}});
  }
  {
    const std::lock_guard lock(mutex_);
    lost += std::exchange(lost_, 0);
  }
  if (lost > 0) log::warning("dmarc-rows-lost", {{"messages", lost}, {"why", "the bounds for reports are reached"}});
}

} // namespace paquebot::intake
