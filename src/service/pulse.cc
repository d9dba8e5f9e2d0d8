#include "service/pulse.h"

#include "base/clock.h"
#include "net/wheel.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <string>

namespace paquebot::service {
namespace {

constexpr const char* kPulseSetting = "server.pulse";
/// The end of the server waits no longer than this.
constexpr std::chrono::milliseconds kPulseNap{500};

} // namespace

Task<void> Pulse::beat() {
  for (std::size_t i = 0; i < contexts_.size(); ++i) {
    const OneShot answered;
    boost::asio::post(contexts_.executor(i), [answered] { answered.fire(); });
    co_await answered.wait();
  }
  if (!own_store_) co_return;
  std::string key = kPulseSetting, now = std::to_string(millis(system_clock().wall()));
  (void)co_await store_.set_setting(std::move(key), std::move(now));
}

Task<void> Pulse::run(const bool& stopping, std::chrono::milliseconds pause, std::function<void()> alive) {
  while (!stopping) {
    co_await beat();
    alive();
    const Instant next = system_clock().now() + pause;
    while (!stopping && system_clock().now() < next) {
      const auto nap = std::min(kPulseNap, pause);
      co_await net::sleep_for(nap);
    }
  }
}

} // namespace paquebot::service
