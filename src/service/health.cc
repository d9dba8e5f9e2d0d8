#include "service/health.h"

#include <utility>

namespace paquebot::service {
namespace {

constexpr const char* kProbe = "health.probe";

} // namespace

Health::Health(store::Upkeep& store, std::function<void(Task<void>)> launch, const Clock& clock)
    : store_(store), launch_(std::move(launch)), clock_(clock), begun_(clock.now() - kEvery) {}

void Health::listens(const std::string& what) {
  const std::scoped_lock lock(mutex_);
  std::erase(deaf_, what);
}

void Health::ended(const std::string& what) {
  const std::scoped_lock lock(mutex_);
  deaf_.push_back(what);
}

void Health::stop() {
  const std::scoped_lock lock(mutex_);
  stopping_ = true;
}

void Health::drain(bool drained) {
  const std::scoped_lock lock(mutex_);
  drained_ = drained;
}

std::vector<std::string> Health::problems() {
  std::vector<std::string> all;
  bool look_now = false;
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) all.emplace_back("the server is about to end");
    if (drained_) all.emplace_back("the node is drained: others are to do its work");
    for (const std::string& one : deaf_) all.push_back(one + " has ended");
    const Instant now = clock_.now();
    if (looking_ && now - begun_ >= kPatience) all.emplace_back("the store does not commit: a write does not end");
    if (!looking_ && !failed_.empty()) all.push_back("the store does not commit: " + failed_);
    look_now = !looking_ && !stopping_ && now - begun_ >= kEvery;
    if (look_now) {
      looking_ = true;
      begun_ = now;
    }
  }
  if (look_now) launch_(look());
  return all;
}

Task<void> Health::look() {
  std::string key = kProbe, value = std::to_string(millis(clock_.wall()));
  const auto written = co_await store_.set_setting(std::move(key), std::move(value));
  const std::scoped_lock lock(mutex_);
  looking_ = false;
  failed_ = written ? std::string() : written.error().message;
}

} // namespace paquebot::service
