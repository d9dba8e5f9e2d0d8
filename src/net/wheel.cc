#include "net/wheel.h"

#include "base/clock.h"
#include "base/timer.h"
#include "net/poller.h"

#include <algorithm>
#include <array>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cassert>
#include <cstdint>

namespace paquebot::net {

using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kTick = std::chrono::milliseconds(250);
/// 64 seconds a turn. An entry due later stays in its slot and is looked at once a turn.
constexpr std::size_t kSlots = 256;

std::int64_t tick_of(Clock::time_point when) { return when.time_since_epoch() / kTick; }

} // namespace

void Wheel::Entry::unlink() {
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = this;
  if (count_ != nullptr) --*count_;
  count_ = nullptr;
}

void Wheel::Entry::link_before(Entry& next) {
  previous_ = next.previous_;
  next_ = &next;
  previous_->next_ = this;
  next.previous_ = this;
}

/// Kept alive by the timer's handler too, which may outlast the wheel.
struct Wheel::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(boost::asio::any_io_executor executor) : timer(std::move(executor)) {}

  Timer timer;
  std::array<Entry, kSlots> slots; ///< heads of circular lists, never in one themselves
  Entry expired;                   ///< head of those to be told on every tick
  std::size_t count = 0;
  std::int64_t last_tick = 0; ///< every slot up to this tick has been looked at
  bool ticking = false;

  void insert(Entry& entry) {
    // An entry due within tick n is looked at when n is over, at the beginning of n + 1.
    const std::int64_t due = std::max(tick_of(entry.deadline_) + 1, last_tick + 1);
    entry.link_before(slots[static_cast<std::size_t>(due) % kSlots]);
    entry.count_ = &count;
    ++count;
  }

  void start() {
    if (ticking || count == 0) return;
    ticking = true;
    timer.expires_after(kTick);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      self->ticking = false;
      if (error) return;
      self->tick(system_clock().now());
      self->start();
    });
  }

  void tick(Clock::time_point now) {
    Entry again;
    take_all(expired, again);
    while (again.next_ != &again) notify(*again.next_);
    const std::int64_t current = tick_of(now);
    last_tick = std::max(last_tick, current - static_cast<std::int64_t>(kSlots));
    while (last_tick < current) {
      ++last_tick;
      Entry due;
      take_all(slots[static_cast<std::size_t>(last_tick) % kSlots], due);
      while (due.next_ != &due) visit(*due.next_, now);
    }
  }

  void visit(Entry& entry, Clock::time_point now) {
    if (entry.deadline_ <= now) return notify(entry);
    entry.unlink();
    insert(entry);
  }

  void notify(Entry& entry) {
    entry.unlink();
    entry.link_before(expired);
    entry.count_ = &count;
    ++count;
    entry.on_expired();
  }

  /// Moves a whole list under another, empty head, so that entries may come and go while it is worked off.
  static void take_all(Entry& from, Entry& to) {
    if (from.next_ == &from) return;
    to.next_ = from.next_;
    to.previous_ = from.previous_;
    to.next_->previous_ = &to;
    to.previous_->next_ = &to;
    from.next_ = from.previous_ = &from;
  }

  static void clear(Entry& head) {
    while (head.next_ != &head) head.next_->unlink();
  }
};

Wheel::Wheel(boost::asio::any_io_executor executor) : impl_(std::make_shared<Impl>(std::move(executor))) {
  Poller::of(impl_->timer.get_executor()); // takes its descriptor now, not when there may be none left for it
}

Wheel::~Wheel() {
  for (auto& slot : impl_->slots) Impl::clear(slot);
  Impl::clear(impl_->expired);
  impl_->timer.cancel();
}

void Wheel::set(Entry& entry, Clock::time_point deadline) {
  entry.unlink();
  entry.deadline_ = deadline;
  // Only when the wheel stood still: a lone entry that is set again and again must not push its own slot away.
  if (!impl_->ticking) impl_->last_tick = tick_of(system_clock().now());
  impl_->insert(entry);
  impl_->start();
}

Task<void> sleep_for(std::chrono::milliseconds duration) {
  auto executor = co_await boost::asio::this_coro::executor;
  Timer timer(executor, duration);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

} // namespace paquebot::net
