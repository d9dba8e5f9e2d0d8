#include "service/patience_keeper.h"

#include "base/log.h"

#include <string>
#include <string_view>

namespace paquebot::service {
namespace {

constexpr std::string_view kPatienceSetting = "patience.";
constexpr std::size_t kPatienceRows = 3 * intake::Patience::kMost; // those too many are read to be deleted
constexpr std::size_t kPatienceAtOnce = 100;

} // namespace

Task<void> PatienceKeeper::load(intake::Patience& patience) {
  std::string prefix(kPatienceSetting), beginning;
  const auto rows = co_await store_.list_settings(std::move(prefix), kPatienceRows, std::move(beginning));
  if (!rows) {
    log::error("patience-unreadable", {{"why", rows.error().message}});
    co_return;
  }
  const Instant now = clock_.now();
  const WallTime wall = clock_.settled();
  for (const auto& [key, row] : *rows) patience.load(key.substr(kPatienceSetting.size()), row, now, wall);
}

Task<void> PatienceKeeper::save(intake::Patience& patience) {
  const auto rows = patience.take_changes(kPatienceAtOnce, clock_.now(), clock_.settled());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::string key = std::string(kPatienceSetting) + rows[i].first, value = rows[i].second;
    const auto saved = co_await store_.set_setting(std::move(key), std::move(value));
    if (saved) continue;
    log::warning("patience-not-saved", {{"why", saved.error().message}});
    for (; i < rows.size(); ++i) patience.put_back(rows[i].first); // the store fails now: the rest later
  }
}

} // namespace paquebot::service
