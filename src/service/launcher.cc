#include "service/launcher.h"

#include "base/log.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

namespace paquebot::service {

void Launcher::launch(boost::asio::any_io_executor where, Task<void> task, std::string what) {
  {
    const std::lock_guard lock(mutex_);
    ++running_;
  }
  boost::asio::co_spawn(where, std::move(task), [this, what = std::move(what)](std::exception_ptr error) {
    if (error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& thrown) {
        log::error("task-broke", {{"task", what}, {"why", thrown.what()}});
      }
    }
    const std::lock_guard lock(mutex_);
    --running_;
    done_.notify_all();
  });
}

bool Launcher::wait_idle(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  return done_.wait_until(lock, until, [this] { return running_ == 0; });
}

} // namespace paquebot::service
