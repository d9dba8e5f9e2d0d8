#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace paquebot::app {

/// A thread for what may take long because of a file, such as a reload: one thing after the other, so that neither
/// sessions nor signals wait for it.
class Errands {
public:
  /// `now_and_then` is run whenever nothing was asked for `pause`.
  Errands(std::function<void()> now_and_then, std::chrono::milliseconds pause);
  /// Waits for the thread's end.
  ~Errands();
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  /// From any thread. False, and nothing done, once finish() was called.
  bool post(std::function<void()> errand);
  /// No more now_and_then; true when all that was posted is done within `bound`. If false the destructor would wait on.
  bool finish(std::chrono::milliseconds bound);

private:
  void run();

  std::function<void()> now_and_then_;
  std::chrono::milliseconds pause_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::deque<std::function<void()>> waiting_;
  bool at_work_ = false;
  bool ending_ = false;
  std::thread thread_; ///< last: it uses all of the above
};

} // namespace paquebot::app
