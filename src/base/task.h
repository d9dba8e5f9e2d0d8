#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace paquebot {

/// A coroutine of ours. Under `co_await` pass only names, std::move(name) or scalars: GCC 12
/// destroys other temporaries wrongly (docs/architecture.md, "Coroutines"; `make lint` checks it).
template <class T = void>
using Task = boost::asio::awaitable<T>;

/// A one-shot event that one coroutine waits for and any thread fires. Waiting resumes on the
/// waiter's own executor. Firing before the wait is remembered. Never cancelled: whoever holds the
/// firing end must fire. Copies share the same event.
class OneShot {
public:
  OneShot();
  /// Marks the event as happened and wakes the waiter. Thread-safe; a second call does nothing.
  void fire() const;
  /// Fires all of them with one post for each execution context that waits: for a thread that finishes
  /// many coroutines' work at once (a group commit).
  static void fire_all(std::span<const OneShot> events);
  /// Suspends until fired. At most one waiter.
  Task<void> wait() const;

private:
  struct State;
  std::shared_ptr<State> state_;
};

/// A OneShot that carries a value: one coroutine awaits `take()`, any thread calls `set()`.
template <class T>
class Promised {
public:
  /// Stores the value and wakes the waiter. Call once. Thread-safe against take().
  void set(T value) const {
    *slot_ = std::move(value);
    event_.fire();
  }
  /// Stores the value without waking the waiter: whoever calls this fires `event()` afterwards.
  void put(T value) const { *slot_ = std::move(value); }
  const OneShot& event() const { return event_; }
  /// Waits for the value and moves it out. At most one caller.
  Task<T> take() const {
    co_await event_.wait();
    co_return std::move(**slot_);
  }

private:
  std::shared_ptr<std::optional<T>> slot_ = std::make_shared<std::optional<T>>();
  OneShot event_;
};

/// Lets coroutines on one executor wait for a condition: `notify_all()` wakes every waiter, who
/// then looks at its condition again. Use from one executor only. Coroutines that still wait when it is
/// destroyed are destroyed with it, without resuming.
class Condition {
public:
  Condition();
  ~Condition();
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;
  Task<void> wait();
  void notify_all();

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace paquebot
