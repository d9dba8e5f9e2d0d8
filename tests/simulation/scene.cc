#include "scene.h"

#include "base/log.h"

#include <boost/asio/co_spawn.hpp>
#include <cerrno>
#include <exception>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace paquebot::simulation {

std::string between(const std::string& text, const std::string& before, const std::string& behind) {
  const std::size_t at = text.find(before);
  if (at == std::string::npos) return {};
  const std::size_t from = at + before.size();
  return text.substr(from, text.find(behind, from) - from);
}

Scene::Scene(std::uint64_t seed)
    : simulation(clock, seed), chance(seed), ledger([this](const std::string& what) { tell("broken", what); }) {}

void Scene::start(Task<void> task) {
  boost::asio::co_spawn(io, std::move(task), [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
}

void Scene::tell(const char* event, const std::string& what) const { log::info(event, {{"world", what}}); }

void Scene::pass(Instant until) {
  static const FakeClock kBegin; // at which both clocks begin
  clock.set_now(until);
  clock.set_wall(kBegin.wall() + std::chrono::floor<std::chrono::milliseconds>(until - kBegin.now()));
}

std::pair<int, int> Scene::connect() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  return {ends[0], ends[1]};
}

Wire::Wire(Scene& scene, int descriptor, std::shared_ptr<const bool> gone)
    : scene_(scene), stream_(scene.io.get_executor(), descriptor, scene.wheel), gone_(std::move(gone)),
      number_(scene.next_wire++) {
  scene_.wires.emplace(number_, this);
  stream_.set_deadline(scene.clock.now() + std::chrono::hours(2));
}

Wire::~Wire() { scene_.wires.erase(number_); }

Task<std::optional<std::string>> Wire::line() {
  for (;;) {
    const std::size_t end = input_.find("\r\n", at_);
    if (end != std::string::npos) {
      std::string line = input_.substr(at_, end - at_);
      at_ = end + 2;
      co_return line;
    }
    input_.erase(0, std::exchange(at_, 0));
    const auto more = co_await stream_.read();
    if (*gone_ || !more || more->empty()) co_return std::nullopt;
    input_ += *more;
    ++scene_.activity;
  }
}

Task<bool> Wire::say(std::string words) {
  ++scene_.activity;
  const auto written = co_await stream_.write(words);
  co_return written.has_value() && !*gone_;
}

Task<void> Wire::wait_for_end() {
  for (;;) {
    const auto more = co_await stream_.read();
    if (!more || more->empty()) co_return;
  }
}

} // namespace paquebot::simulation
