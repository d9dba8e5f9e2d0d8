#include "service/dns_keeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "net/wheel.h"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>
#include <map>

namespace paquebot::service {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 500ms;
constexpr auto kWhenValidating = 6h;
constexpr auto kWhenNot = 5min;
constexpr auto kWhenUnknown = 1min;
constexpr std::size_t kMost = 1000; ///< resolvers remembered

const char* name_of(dns::Stand stand) {
  switch (stand) {
    case dns::Stand::off: return "off";
    case dns::Stand::unknown: return "unknown";
    case dns::Stand::validating: return "validating";
    case dns::Stand::failing: return "failing";
    case dns::Stand::without: return "without";
  }
  return "";
}

const char* name_of(dns::Signatures signatures) {
  switch (signatures) {
    case dns::Signatures::unknown: return "unknown";
    case dns::Signatures::silent: return "silent";
    case dns::Signatures::failing: return "failing";
    case dns::Signatures::stripped: return "stripped";
    case dns::Signatures::passed: return "passed";
  }
  return "";
}

void tell(const dns::UpstreamState& state) {
  switch (state.stand) {
    case dns::Stand::without:
      log::warning("dnssec-off",
                   {{"why", state.why},
                    {"means", "mail leaves, but where it goes is not checked, and nothing counts as secure"},
                    {"advice", "name a resolver that passes signatures in [dns] resolvers, or run one on this machine; "
                               "dns.dnssec = \"off\" if it is to stay so"}});
      break;
    case dns::Stand::failing:
      log::error("dnssec-failing",
                 {{"why", state.why},
                  {"means", "answers that do not validate are not used: mail waits"},
                  {"advice", "mend the resolver or the clock; paquebot dns forget, if it is another resolver now"}});
      break;
    case dns::Stand::validating:
      log::info("dnssec-on", {{"resolvers", names_of(state.seen, dns::Signatures::passed)}});
      break;
    case dns::Stand::off:
    case dns::Stand::unknown: break;
  }
}

std::chrono::steady_clock::duration rest_after(dns::Stand stand) {
  switch (stand) {
    case dns::Stand::off:
    case dns::Stand::validating: return kWhenValidating;
    case dns::Stand::unknown: return kWhenUnknown;
    case dns::Stand::failing:
    case dns::Stand::without: break;
  }
  return kWhenNot;
}

} // namespace

DnsKeeper::DnsKeeper(store::Upkeep& store, std::shared_ptr<dns::Upstream> upstream,
                     std::function<void(Task<void>)> launch)
    : store_(store), upstream_(std::move(upstream)) {
  upstream_->on_change = tell;
  upstream_->on_proven = [this, launch = std::move(launch)](const std::string& address, WallTime when) {
    launch(remember(address, millis(when)));
  };
}

Result<> DnsKeeper::recall() {
  Result<std::vector<std::pair<std::string, std::string>>> rows;
  auto ask = [](store::Upkeep& store, auto& into) -> Task<void> {
    std::string prefix = dns::kProvenSetting, beginning;
    const std::size_t most = kMost;
    into = co_await store.list_settings(std::move(prefix), most, std::move(beginning));
  };
  boost::asio::co_spawn(here_, ask(store_, rows), [](const std::exception_ptr&) {});
  here_.run();
  if (!rows) return std::unexpected(rows.error());
  std::map<std::string, WallTime> proven;
  for (const auto& [key, value] : *rows)
    if (const auto when = parse_u64(value))
      proven[key.substr(std::string_view(dns::kProvenSetting).size())] = from_millis(static_cast<std::int64_t>(*when));
  upstream_->recall(proven);
  return {};
}

Task<void> DnsKeeper::remember(std::string address, std::int64_t when) {
  std::string key = dns::kProvenSetting + address, value = std::to_string(when);
  const auto written = co_await store_.set_setting(std::move(key), std::move(value));
  if (!written) log::warning("dns-not-remembered", {{"resolver", address}, {"why", written.error().message}});
}

Task<void> DnsKeeper::run() {
  while (!stopping_) {
    look_now_ = false;
    co_await upstream_->examine();
    const auto until = system_clock().now() + rest_after(upstream_->state().stand);
    while (!stopping_ && !look_now_ && system_clock().now() < until) co_await net::sleep_for(kTick);
  }
}

std::string DnsKeeper::status() const {
  const dns::UpstreamState state = upstream_->state();
  std::string seen;
  for (const dns::Seen& one : state.seen)
    seen += fmt::format(R"({}{{"address":"{}","signatures":"{}"}})", seen.empty() ? "" : ",", one.server.to_string(),
                        name_of(one.signatures));
  return fmt::format(R"({{"dnssec":"{}","why":"{}","resolvers":[{}]}})", name_of(state.stand), state.why, seen);
}

} // namespace paquebot::service
