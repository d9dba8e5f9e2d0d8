#pragma once

// For tests only: two connected streams, and a way to run a coroutine to its end.

#include "net/stream.h"
#include "net/wheel.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace paquebot::net::test {

/// While it lives nobody in this process gets another descriptor.
class NoDescriptors {
public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit few{200, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    for (int one; (one = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) held_.push_back(one);
  }
  ~NoDescriptors() {
    for (const int one : held_) ::close(one);
    setrlimit(RLIMIT_NOFILE, &before_);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

private:
  rlimit before_{};
  std::vector<int> held_;
};

struct StreamPair {
  Stream left;
  Stream right;
};

/// Two streams that are each other's peers, on one executor and its wheel. `send_buffer` octets in the kernel, if
/// given.
inline StreamPair socket_pair(const boost::asio::any_io_executor& executor, Wheel& wheel, int send_buffer = 0) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  for (const int end : ends)
    if (send_buffer > 0) setsockopt(end, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
  return {Stream(executor, ends[0], wheel), Stream(executor, ends[1], wheel)};
}

/// A context with its wheel for a test that runs on its own thread.
class Loop {
public:
  boost::asio::any_io_executor executor() { return io_.get_executor(); }
  Wheel& wheel() { return wheel_; }
  StreamPair pair(int send_buffer = 0) { return socket_pair(executor(), wheel_, send_buffer); }

  /// Starts a coroutine; an exception in it comes out of run(). Bind the lambda of a coroutine to a name that
  /// lives until run() is done: the coroutine refers to its captures.
  template <class T>
  void start(Task<T> task) {
    boost::asio::co_spawn(io_, std::move(task), [](const std::exception_ptr& thrown, auto&&...) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }

  /// Runs until nothing is left to do.
  void run() {
    io_.restart();
    io_.run();
  }

  /// Runs one coroutine to its end and gives its result; whatever else was started may still be waiting then and
  /// goes on with the next run.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    boost::asio::co_spawn(io_, keep(std::move(task), &result), [this](const std::exception_ptr& thrown) {
      io_.stop();
      if (thrown) std::rethrow_exception(thrown);
    });
    run();
    if (!result) throw std::logic_error("the coroutine did not end");
    return std::move(*result);
  }

private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>* into) {
    T value = co_await std::move(task);
    into->emplace(std::move(value));
  }

  boost::asio::io_context io_{1};
  Wheel wheel_{io_.get_executor()};
};

} // namespace paquebot::net::test
