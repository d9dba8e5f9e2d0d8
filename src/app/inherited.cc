#include "app/inherited.h"

#include "base/log.h"
#include "base/text.h"
#include "net/endpoint.h"

#include <algorithm>
#include <cstdlib>
#include <unistd.h>

namespace paquebot::app {
namespace {

constexpr int kFirstPassed = 3;           // SD_LISTEN_FDS_START
constexpr std::uint64_t kMostPassed = 64; // more than anybody has listeners

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

} // namespace

Inherited::Inherited(const std::vector<int>& descriptors, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    std::string name = i < names.size() ? names[i] : std::string();
    auto adopted = net::Listener::adopt(descriptors[i]);
    if (adopted)
      passed_.push_back({std::move(name), std::move(*adopted)});
    else
      log::warning("socket-unused", {{"name", name}, {"why", adopted.error().message}});
  }
}

Inherited Inherited::take_from_environment() {
  const auto count = parse_u64(variable("LISTEN_FDS")), whose = parse_u64(variable("LISTEN_PID"));
  const std::string names = variable("LISTEN_FDNAMES");
  for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) ::unsetenv(name);
  if (!count || *count > kMostPassed || whose != static_cast<std::uint64_t>(::getpid())) return {};
  std::vector<int> descriptors;
  for (int i = 0; i < static_cast<int>(*count); ++i) descriptors.push_back(kFirstPassed + i);
  std::vector<std::string> each;
  for (const std::string_view name : split(names, ':')) each.emplace_back(name);
  return Inherited(descriptors, each);
}

std::optional<net::Listener> Inherited::take(const ListenerConfig& listener) {
  const auto wanted =
      net::parse_endpoint(listener.is_local() ? listener.address.substr(kLocalSocket.size()) : listener.address);
  const auto found = std::ranges::find_if(passed_, [&](const Passed& one) {
    if (!listener.socket.empty()) return one.name == listener.socket;
    return wanted && one.listener.bound() == *wanted;
  });
  if (found == passed_.end()) return std::nullopt;
  net::Listener taken = std::move(found->listener);
  log::info("socket-taken", {{"name", found->name}, {"address", taken.bound().to_string()}});
  passed_.erase(found);
  return taken;
}

void Inherited::close_rest() {
  for (const Passed& one : passed_)
    log::warning("socket-unused", {{"name", one.name},
                                   {"address", one.listener.bound().to_string()},
                                   {"why", "no [[listener]] has this address, or this name as its socket"}});
  passed_.clear();
}

} // namespace paquebot::app
