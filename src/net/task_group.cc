#include "net/task_group.h"

#include "base/log.h"
#include "base/timer.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

namespace paquebot::net {

void TaskCount::enter() {
  const std::lock_guard lock(mutex_);
  ++running_;
}

void TaskCount::leave() {
  const std::lock_guard lock(mutex_);
  if (--running_ == 0) idle_.notify_all();
}

bool TaskCount::wait_idle(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  return idle_.wait_until(lock, until, [this] { return running_ == 0; });
}

Task<void> give_way() {
  const auto executor = co_await boost::asio::this_coro::executor;
  const boost::asio::use_awaitable_t<> token;
  co_await boost::asio::post(executor, token);
}

struct TaskGroup::State {
  explicit State(TaskCount& c) : count(c) {}

  void ended(std::exception_ptr error) {
    count.leave();
    --running;
    if (error && abandoned) log_it(error);
    if (error && !thrown) thrown = error;
    if (running == 0 && timer) timer->cancel();
  }

  static void log_it(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      log::error("task-broke", {{"task", "left alone"}, {"why", e.what()}});
    }
  }

  TaskCount& count;
  std::size_t running = 0;
  bool abandoned = false;
  std::exception_ptr thrown;
  Timer* timer = nullptr; ///< of who waits
};

TaskGroup::TaskGroup(TaskCount& count) : state_(std::make_shared<State>(count)) {}
TaskGroup::~TaskGroup() {
  state_->abandoned = true;
  if (state_->thrown) State::log_it(state_->thrown);
}

Task<void> TaskGroup::start(Task<void> task) {
  const auto executor = co_await boost::asio::this_coro::executor;
  ++state_->running;
  state_->count.enter();
  boost::asio::co_spawn(executor, std::move(task), [state = state_](std::exception_ptr error) { state->ended(error); });
}

Task<bool> TaskGroup::wait_until(std::chrono::steady_clock::time_point until) {
  const std::shared_ptr<State> state = state_;
  if (state->running > 0) {
    const auto executor = co_await boost::asio::this_coro::executor;
    Timer timer(executor, until);
    state->timer = &timer;
    const auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    co_await timer.async_wait(token);
    state->timer = nullptr;
  }
  if (state->thrown) std::rethrow_exception(std::exchange(state->thrown, nullptr));
  co_return state->running == 0;
}

} // namespace paquebot::net
