#include "service/login_keeper.h"

#include "base/log.h"
#include "store/settings.h"

#include <string>
#include <string_view>

namespace paquebot::service {
namespace {

constexpr std::string_view kKnownSetting = store::kKnownNetworks;
constexpr std::size_t kKnownRows = 100'000;
constexpr std::size_t kSavedAtOnce = 100;

} // namespace

Task<void> LoginKeeper::load() {
  std::string prefix(kKnownSetting), beginning;
  const auto rows = co_await store_.upkeep().list_settings(std::move(prefix), kKnownRows, std::move(beginning));
  if (!rows) {
    log::error("known-addresses-unreadable", {{"why", rows.error().message}});
    co_return;
  }
  for (const auto& [key, row] : *rows) throttle_.load(key.substr(kKnownSetting.size()), row);
}

Task<void> LoginKeeper::save() {
  const auto rows = throttle_.take_changes(kSavedAtOnce);
  for (const auto& [name, row] : rows) {
    std::string key = std::string(kKnownSetting) + name, value = row;
    std::string login = name;
    const auto account = co_await store_.directory().find_account(std::move(login));
    if (!account && account.error().code == Errc::not_found) { // removed meanwhile
      throttle_.forget(name);
      value.clear();
    }
    const auto saved = co_await store_.upkeep().set_setting(std::move(key), std::move(value));
    if (saved) continue;
    log::warning("known-addresses-not-saved", {{"account", name}, {"why", saved.error().message}});
    throttle_.put_back(name);
  }
}

} // namespace paquebot::service
