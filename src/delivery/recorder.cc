#include "delivery/recorder.h"

#include "base/log.h"
#include "net/wheel.h"

#include <cassert>
#include <exception>
#include <iterator>

namespace paquebot::delivery {
namespace {

constexpr std::size_t kMostOpen = 100; // messages that a crash could have delivered a second time

} // namespace

Task<void> Recorder::add(std::string destination, std::vector<store::Outcome> outcomes, bool works) {
  if (works && queue_.standing().failing(destination)) {
    co_await queue_.settle(destination, std::move(outcomes), works);
    co_return;
  }
  waiting_.push_back({std::move(destination), std::move(outcomes)});
  ++open_;
}

Task<void> Recorder::room() {
  while (open_ > kMostOpen) co_await recorded_.wait();
}

Task<void> Recorder::flush() {
  if (flushing_) co_return;
  flushing_ = true;
  while (!waiting_.empty()) {
    std::vector<queue::Settled> several;
    several.swap(waiting_);
    std::string failed;
    try {
      co_await queue_.settling().settle_several(several);
    } catch (const std::exception& error) {
      failed = error.what();
    }
    if (failed.empty()) {
      assert(open_ >= several.size());
      open_ -= several.size();
    } else { // our own fault, and perhaps half of it is recorded: what is already, changes nothing a second time
      log::error("outcome-not-recorded", {{"why", failed}});
      waiting_.insert(waiting_.begin(), std::make_move_iterator(several.begin()),
                      std::make_move_iterator(several.end()));
      const std::chrono::milliseconds rest(500);
      co_await net::sleep_for(rest);
    }
    recorded_.notify_all();
  }
  flushing_ = false;
}

} // namespace paquebot::delivery
