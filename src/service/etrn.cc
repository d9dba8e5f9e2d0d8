#include "service/etrn.h"

#include "base/text.h"
#include "store/destination_key.h"

#include <algorithm>

namespace paquebot::service {
namespace {

constexpr auto kWindow = std::chrono::minutes(1);
constexpr std::size_t kMaxWindows = 10'000;
constexpr std::size_t kMaxDestinations = 1000; // of one order

mail::Reply not_now(const std::string& node, std::string text, std::string cause = {}) {
  return mail::Reply(458, {4, 3, 0}, "unable to queue messages for node " + node + ": " + std::move(text),
                     std::move(cause));
}

} // namespace

bool Etrn::allowed(const std::string& who) {
  std::lock_guard lock(mutex_);
  const Instant now = clock_.now();
  std::erase_if(windows_, [&](const auto& one) { return one.second.began + kWindow <= now; });
  if (windows_.size() >= kMaxWindows && !windows_.contains(who)) return false;
  Window& window = windows_.try_emplace(who, Window{now, 0}).first->second;
  return ++window.used <= kPerMinute;
}

/// The destinations with something waiting that the order means.
Task<Result<std::vector<std::string>>> Etrn::destinations(EtrnOrder order) {
  auto listed = co_await store_.list_destinations(false);
  if (!listed) co_return std::unexpected(listed.error());
  const auto options = queue_.options();
  const std::string exact = order.option == '#' ? "route:" + order.node : options->routes.destination(order.node);
  const std::string suffix = "." + order.node;
  std::vector<std::string> found;
  for (const store::DestinationFacts& facts : *listed) {
    const std::string_view place = store::bound_of(facts.key).destination;
    const bool below = order.option == '@' && place.ends_with(suffix) && !facts.key.starts_with("route:");
    if ((place == exact || below) && found.size() < kMaxDestinations) found.push_back(facts.key);
  }
  co_return found;
}

Task<mail::Reply> Etrn::start(EtrnOrder order) {
  const std::string node = (order.option == 0 ? "" : std::string(1, order.option)) + order.node;
  const std::string who = "ETRN of " + order.who;
  if (!allowed(order.who)) co_return not_now(node, "asked too often; try again in a minute");
  auto keys = co_await destinations(std::move(order));
  if (!keys) co_return not_now(node, "try again later", keys.error().message);
  std::size_t started = 0;
  for (const std::string& key : *keys) {
    store::QueueFilter filter;
    filter.destination = key;
    auto changed = co_await queue_.orders().operate(store::QueueAction::retry, filter, who);
    if (!changed) co_return not_now(node, "try again later", changed.error().message);
    started += *changed;
  }
  if (started == 0) co_return mail::Reply(251, {2, 0, 0}, "no messages waiting for node " + node);
  co_await queue_.load();
  co_return mail::Reply(253, {2, 0, 0}, std::to_string(started) + " pending messages for node " + node + " started");
}

} // namespace paquebot::service
