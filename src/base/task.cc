#include "base/task.h"

#include "base/log.h"

#include <algorithm>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <vector>

namespace paquebot {
namespace {

/// A completion handler of any type, kept until its event happens. Boost 1.81 has no
/// any_completion_handler, and an awaitable's handler can only be moved.
class Waiter {
public:
  virtual ~Waiter() = default;
  /// Resumes the waiting coroutine through its own executor, never inside this call.
  virtual void resume() = 0;
  /// The execution context that it will resume on.
  virtual const void* context() const = 0;
  /// Resumes every waiter of the group, all of one context, with a single post.
  virtual void resume_group(std::vector<std::unique_ptr<Waiter>> group) = 0;
  /// Resumes at once where the executor allows it: only from its own context.
  virtual void resume_here() = 0;
};

template <class Handler>
class WaiterOf final : public Waiter {
public:
  explicit WaiterOf(Handler&& handler) : handler_(std::move(handler)) {}
  void resume() override { boost::asio::post(std::move(handler_)); }
  const void* context() const override { return &boost::asio::get_associated_executor(handler_).context(); }
  void resume_group(std::vector<std::unique_ptr<Waiter>> group) override {
    const auto executor = boost::asio::get_associated_executor(handler_);
    boost::asio::post(executor, [waiters = std::move(group)] {
      const log::Batch lines; // one write for what they all log
      for (const auto& waiter : waiters) waiter->resume_here();
    });
  }
  void resume_here() override { boost::asio::dispatch(std::move(handler_)); }

private:
  Handler handler_;
};

template <class Handler>
std::unique_ptr<Waiter> make_waiter(Handler&& handler) {
  return std::make_unique<WaiterOf<std::decay_t<Handler>>>(std::forward<Handler>(handler));
}

} // namespace

struct OneShot::State {
  std::mutex mutex;
  bool fired = false;
  std::unique_ptr<Waiter> waiter;

  bool has_fired() {
    const std::lock_guard lock(mutex);
    return fired;
  }

  /// Marks the event as happened and gives up its waiter, if there is one.
  std::unique_ptr<Waiter> set_fired() {
    const std::lock_guard lock(mutex);
    fired = true;
    return std::move(waiter);
  }

  /// Keeps the waiter, or resumes it at once when the event was first.
  void add(std::unique_ptr<Waiter> w) {
    {
      const std::lock_guard lock(mutex);
      if (!fired) {
        waiter = std::move(w);
        return;
      }
    }
    w->resume();
  }

  struct Initiate {
    std::shared_ptr<State> state;
    template <class Handler>
    void operator()(Handler&& handler) const {
      state->add(make_waiter(std::forward<Handler>(handler)));
    }
  };
};

OneShot::OneShot() : state_(std::make_shared<State>()) {}

void OneShot::fire() const {
  if (const auto waiter = state_->set_fired()) waiter->resume();
}

void OneShot::fire_all(std::span<const OneShot> events) {
  struct Group {
    const void* context;
    std::vector<std::unique_ptr<Waiter>> waiters;
  };
  std::vector<Group> groups; // as many as there are threads with a context: a short list
  for (const OneShot& event : events) {
    auto waiter = event.state_->set_fired();
    if (!waiter) continue;
    const void* context = waiter->context();
    auto group = std::ranges::find(groups, context, &Group::context);
    if (group == groups.end()) group = groups.insert(groups.end(), Group{context, {}});
    group->waiters.push_back(std::move(waiter));
  }
  for (Group& group : groups) {
    Waiter& first = *group.waiters.front();
    if (group.waiters.size() == 1)
      first.resume(); // a lone line goes to the log before the reply that follows it
    else
      first.resume_group(std::move(group.waiters));
  }
}

Task<void> OneShot::wait() const {
  const std::shared_ptr<State> state = state_;
  if (state->has_fired()) co_return;
  State::Initiate initiate{state};
  const boost::asio::use_awaitable_t<> token;
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(initiate, token);
}

struct Condition::State {
  std::vector<std::unique_ptr<Waiter>> waiters;

  struct Initiate {
    State* state;
    template <class Handler>
    void operator()(Handler&& handler) const {
      state->waiters.push_back(make_waiter(std::forward<Handler>(handler)));
    }
  };
};

Condition::Condition() : state_(std::make_unique<State>()) {}
Condition::~Condition() = default;

Task<void> Condition::wait() {
  State::Initiate initiate{state_.get()};
  const boost::asio::use_awaitable_t<> token;
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(initiate, token);
}

void Condition::notify_all() {
  const auto waiters = std::exchange(state_->waiters, {});
  for (const auto& waiter : waiters) waiter->resume();
}

} // namespace paquebot
