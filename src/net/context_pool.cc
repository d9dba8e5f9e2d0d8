#include "net/context_pool.h"

#include "net/wheel.h"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cassert>
#include <csignal>
#include <pthread.h>
#include <string>
#include <thread>
#include <vector>

namespace paquebot::net {

namespace {

struct Context {
  boost::asio::io_context io{1}; // one thread runs it
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work = make_work_guard(io);
  Wheel wheel{io.get_executor()};
  std::thread thread;
};

} // namespace

struct ContextPool::Impl {
  std::vector<std::unique_ptr<Context>> contexts;
  std::atomic<std::size_t> turn = 0;
};

ContextPool::ContextPool(std::size_t threads) : impl_(std::make_unique<Impl>()) {
  assert(threads >= 1 && threads <= 256);
  for (std::size_t i = 0; i < threads; ++i) impl_->contexts.push_back(std::make_unique<Context>());
}

ContextPool::~ContextPool() {
  stop();
  join();
}

std::size_t ContextPool::size() const { return impl_->contexts.size(); }

boost::asio::any_io_executor ContextPool::executor(std::size_t index) const {
  return impl_->contexts.at(index)->io.get_executor();
}

Wheel& ContextPool::wheel(std::size_t index) const { return impl_->contexts.at(index)->wheel; }

std::size_t ContextPool::next() { return impl_->turn.fetch_add(1, std::memory_order_relaxed) % size(); }

void ContextPool::run() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) sigdelset(&all, fault);
  pthread_sigmask(SIG_BLOCK, &all, &before); // inherited by the threads
  for (std::size_t i = 0; i < size(); ++i) {
    Context& context = *impl_->contexts[i];
    assert(!context.thread.joinable());
    context.thread = std::thread([&context] { context.io.run(); });
    pthread_setname_np(context.thread.native_handle(), ("io-" + std::to_string(i)).c_str());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void ContextPool::stop() {
  for (auto& context : impl_->contexts) context->io.stop();
}

void ContextPool::join() {
  for (auto& context : impl_->contexts)
    if (context->thread.joinable()) context->thread.join();
}

} // namespace paquebot::net
