#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <sys/epoll.h>

namespace paquebot::net {

/// Tells the streams of one io_context when their sockets are ready. Asio's own wait makes an epoll_ctl each time, four
/// for each message that a client sends; here a socket is registered once, edge-triggered, and Asio waits for all of
/// them together, on the descriptor of this epoll (epoll(7): one may be watched by another).
///
/// An edge that comes while nobody waits is remembered, so a coroutine that tries first and waits when there was
/// nothing misses none:
///
///     clear()           what was told before is about to be looked at
///     recv → EAGAIN
///                       … the peer sends: the edge is remembered, or ends the wait
///     take(), wait()
///
/// Belongs to its context (use_service) and is used on its thread only. It keeps the context running while somebody
/// waits.
class Poller final : public boost::asio::execution_context::service {
public:
  static boost::asio::execution_context::id id;

  enum Wanted : unsigned char { readable = 1, writable = 2 };
  using Handler = boost::asio::async_result<boost::asio::use_awaitable_t<>, void()>::handler_type;

  /// One socket's place here; its address must not change while it is in. Two coroutines may wait at once (a reader and
  /// a writer), also for the same.
  class Registration {
  public:
    Registration() = default;
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

  private:
    friend class Poller;
    struct Waiter {
      Wanted wanted = readable;
      std::optional<Handler> handler;
    };
    std::array<Waiter, 2> waiters_;
    unsigned char ready_ = 0; ///< told, and not looked at since
    unsigned char ended_ = 0; ///< what stays ready for good: the peer has closed its side, or an error
    bool urgent_ = false;
    int descriptor_ = -1;
    Registration* previous_ = nullptr;
    Registration* next_ = nullptr;
  };

  explicit Poller(boost::asio::execution_context& context);
  ~Poller() override;
  static Poller& of(const boost::asio::any_io_executor& executor);

  /// Begins to watch the descriptor. Gives errno, or 0.
  int add(Registration& registration, int descriptor);
  /// Ends it; who waits goes on. To be called before the descriptor is closed; harmless when it is not in.
  void remove(Registration& registration);
  /// Everybody who waits goes on, soon.
  void cancel(Registration& registration);

  /// What is told from now on is news: to be called before an attempt.
  static void clear(Registration& registration, Wanted wanted) {
    registration.ready_ &= static_cast<unsigned char>(~wanted);
  }
  /// Whether the peer has ever sent urgent data (RFC 9293 section 3.8.5): reads may end early at its mark.
  static bool urgent(const Registration& registration) { return registration.urgent_; }
  /// Whether it was told since then: another attempt, rather than a wait.
  static bool take(Registration& registration, Wanted wanted);

  /// Suspends the coroutine until the socket is ready, or cancel(): `co_await async_initiate(wait, use_awaitable)`.
  struct Wait {
    Poller& poller;
    Registration& registration;
    Wanted wanted;
    void operator()(Handler&& handler) const { poller.wait(registration, wanted, std::move(handler)); }
  };

private:
  static constexpr std::size_t kMostEvents = 128;

  void shutdown() override;
  void wait(Registration& registration, Wanted wanted, Handler&& handler);
  void arm();
  void turn();
  void tell(Registration& registration, unsigned events);
  std::array<std::optional<Handler>, 2> release(Registration& registration, unsigned char ready);

  int epoll_;
  std::optional<boost::asio::posix::stream_descriptor> outer_; ///< Asio's side of epoll_
  bool armed_ = false;                                         ///< Asio waits for it
  std::size_t waiting_ = 0;                                    ///< handlers in all registrations
  std::array<epoll_event, kMostEvents> events_;
  std::span<epoll_event> untold_; ///< of events_, while they are told one by one: any of them may be removed meanwhile
  Registration registered_;       ///< the ring of those that are in
};

} // namespace paquebot::net
