#include "service/grey_keeper.h"

#include "base/clock.h"
#include "base/log.h"

namespace paquebot::service {
namespace {

constexpr std::size_t kPage = 1000; // rows

} // namespace

Task<void> GreyKeeper::load() {
  std::string after;
  const std::int64_t now = millis(system_clock().wall());
  constexpr std::size_t most = policy::GreyTable::kWaiting + policy::GreyTable::kKnown;
  for (std::size_t read = 0; read < most && !stopping_; read += kPage) {
    auto rows = co_await store_.load_greylist(after, kPage);
    if (!rows) log::error("greylist-unreadable", {{"why", rows.error().message}});
    if (!rows || rows->empty()) co_return;
    table_.learn(*rows, now);
    after = rows->back().key;
  }
}

Task<void> GreyKeeper::save() {
  auto rows = table_.take_changes(kPage);
  if (rows.empty()) co_return;
  const auto saved = co_await store_.save_greylist(std::move(rows));
  if (!saved) log::warning("greylist-not-saved", {{"why", saved.error().message}});
}

Task<void> load_listed_book(store::Upkeep& store, policy::ListedBook& book) {
  std::string prefix(policy::kListedSetting), beginning;
  const std::size_t most = policy::kMaxListed;
  const auto rows = co_await store.list_settings(std::move(prefix), most, std::move(beginning));
  if (!rows) {
    log::error("lists-unreadable", {{"why", rows.error().message}});
    co_return;
  }
  for (const auto& [key, value] : *rows)
    if (const auto entry = policy::unpacked(key, value)) book.put(*entry);
}

Task<void> refresh_listed(store::Upkeep& store, policy::ListedBook& book, std::string key) {
  if (!key.empty() && !key.starts_with(policy::kListedSetting)) co_return;
  if (key.empty()) co_return co_await load_listed_book(store, book);
  std::string asked = key;
  const auto value = co_await store.get_setting(std::move(asked));
  if (!value) co_return log::error("lists-unreadable", {{"why", value.error().message}});
  if (const auto entry = policy::unpacked(key, *value); !value->empty() && entry)
    book.put(*entry);
  else
    book.remove(key.substr(policy::kListedSetting.size()));
}

} // namespace paquebot::service
