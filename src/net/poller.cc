#include "net/poller.h"

#include <boost/asio/post.hpp>
#include <cassert>
#include <cerrno>
#include <unistd.h>
#include <vector>

namespace paquebot::net {
namespace {

constexpr int kRounds = 4; // of events before others of the context have their turn

constexpr unsigned kWatched = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

} // namespace

boost::asio::execution_context::id Poller::id;

Poller::Poller(boost::asio::execution_context& context) : service(context), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  registered_.previous_ = &registered_;
  registered_.next_ = &registered_;
}

Poller::~Poller() {
  if (epoll_ >= 0) ::close(epoll_);
}

Poller& Poller::of(const boost::asio::any_io_executor& executor) {
  return boost::asio::use_service<Poller>(boost::asio::query(executor, boost::asio::execution::context));
}

int Poller::add(Registration& registration, int descriptor) {
  assert(registration.next_ == nullptr);
  if (epoll_ < 0) epoll_ = ::epoll_create1(EPOLL_CLOEXEC); // there was no descriptor left for it before
  if (epoll_ < 0) return errno;
  epoll_event event{};
  event.events = kWatched;
  event.data.ptr = &registration;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) return errno;
  registration.descriptor_ = descriptor;
  registration.previous_ = registered_.previous_;
  registration.next_ = &registered_;
  registration.previous_->next_ = &registration;
  registration.next_->previous_ = &registration;
  return 0;
}

void Poller::remove(Registration& registration) {
  if (registration.next_ == nullptr) return;
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, registration.descriptor_, nullptr);
  for (epoll_event& event : untold_)
    if (event.data.ptr == &registration) event.data.ptr = nullptr;
  registration.previous_->next_ = registration.next_;
  registration.next_->previous_ = registration.previous_;
  registration.previous_ = nullptr;
  registration.next_ = nullptr;
  cancel(registration);
}

void Poller::cancel(Registration& registration) {
  for (auto& handler : release(registration, readable | writable))
    if (handler) boost::asio::post(std::move(*handler));
  if (waiting_ == 0 && armed_ && outer_) {
    boost::system::error_code ignored;
    outer_->cancel(ignored); // NOLINT(bugprone-unused-return-value): nothing waiting is no error
  }
}

bool Poller::take(Registration& registration, Wanted wanted) {
  if (((registration.ready_ | registration.ended_) & wanted) == 0) return false;
  clear(registration, wanted);
  return true;
}

void Poller::wait(Registration& registration, Wanted wanted, Handler&& handler) {
  Registration::Waiter& free = registration.waiters_[0].handler ? registration.waiters_[1] : registration.waiters_[0];
  assert(!free.handler && "a stream has one reader and one writer at a time");
  free.wanted = wanted;
  free.handler.emplace(std::move(handler));
  ++waiting_;
  if (!outer_) outer_.emplace(free.handler->get_executor(), epoll_);
  arm();
}

/// Asio waits once for all, as long as anybody does.
void Poller::arm() {
  if (armed_ || waiting_ == 0) return;
  armed_ = true;
  outer_->async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    armed_ = false;
    if (!error) turn();
    arm();
  });
}

void Poller::turn() {
  for (int round = 0; round < kRounds; ++round) {
    const int count = ::epoll_wait(epoll_, events_.data(), kMostEvents, 0);
    if (count <= 0) return;
    untold_ = std::span(events_).first(static_cast<std::size_t>(count));
    while (!untold_.empty()) {
      const epoll_event event = untold_.front();
      untold_ = untold_.subspan(1);
      if (event.data.ptr != nullptr) tell(*static_cast<Registration*>(event.data.ptr), event.events);
    }
  }
}

/// The registration may be gone when this returns: who is told may close it.
void Poller::tell(Registration& registration, unsigned events) {
  unsigned char ready = 0;
  if ((events & EPOLLPRI) != 0) registration.urgent_ = true;
  if ((events & (EPOLLIN | EPOLLPRI)) != 0) ready |= readable;
  if ((events & EPOLLOUT) != 0) ready |= writable;
  if ((events & EPOLLRDHUP) != 0) registration.ended_ |= readable;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) registration.ended_ |= readable | writable;
  registration.ready_ |= ready;
  for (auto& handler : release(registration, registration.ready_ | registration.ended_))
    if (handler) (*handler)();
}

std::array<std::optional<Poller::Handler>, 2> Poller::release(Registration& registration, unsigned char ready) {
  std::array<std::optional<Handler>, 2> released;
  for (std::size_t i = 0; i < released.size(); ++i) {
    Registration::Waiter& waiter = registration.waiters_[i];
    if (!waiter.handler || (waiter.wanted & ready) == 0) continue;
    released[i].emplace(std::move(*waiter.handler));
    waiter.handler.reset();
    --waiting_;
  }
  return released;
}

/// The coroutines that still wait are destroyed with the context; their streams come to remove() then.
void Poller::shutdown() {
  std::vector<Handler> waiting;
  for (Registration* registration = registered_.next_; registration != &registered_; registration = registration->next_)
    for (auto& handler : release(*registration, readable | writable))
      if (handler) waiting.push_back(std::move(*handler));
  if (!outer_) return;
  outer_.reset(); // while Asio's service for it is there
  epoll_ = -1;
}

} // namespace paquebot::net
