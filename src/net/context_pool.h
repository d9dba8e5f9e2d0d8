#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <memory>

namespace paquebot::net {

class Wheel;

/// The I/O threads: each has its own context and wheel, and whatever is started on an executor stays on its thread.
class ContextPool {
public:
  /// `threads` from 1 to 256.
  explicit ContextPool(std::size_t threads);
  /// Stops and joins. Coroutines still waiting are destroyed, context by context: an object that one of them shares
  /// with another must not need an executor of this pool in its destructor.
  ~ContextPool();
  ContextPool(const ContextPool&) = delete;
  ContextPool& operator=(const ContextPool&) = delete;

  std::size_t size() const;
  boost::asio::any_io_executor executor(std::size_t index) const;
  /// The wheel of that executor; to be used from there only.
  Wheel& wheel(std::size_t index) const;
  /// The index whose turn it is, going round. Thread-safe.
  std::size_t next();

  /// Starts the threads (signals blocked in them, but for faults, so that the main thread takes them). Call once.
  void run();
  /// Makes all threads end soon, whatever is still waiting. Thread-safe.
  void stop();
  /// Waits until the threads have ended, which they do only after stop(). Not from one of them.
  void join();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::net
