#include "service/search_desk.h"

#include "net/wheel.h"
#include "service/status.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <pthread.h>
#include <thread>
#include <unistd.h>

namespace paquebot::service {
namespace {

constexpr int kGiveWayToAll = 19;
constexpr std::chrono::milliseconds kLook{50};
constexpr int kLooks = 10;

} // namespace

Task<void> let_fill(search::Index& index) {
  auto pause = kLook;
  for (int i = 0; i < kLooks && index.facts().state == search::IndexFacts::State::filling; ++i)
    co_await net::sleep_for(pause);
}

control::SearchHooks search_hooks(search::Index& index) {
  control::SearchHooks hooks;
  hooks.facts = [&index] { return control::to_text(search_status(index.facts())); };
  hooks.rebuild = [&index]() -> Result<> {
    if (index.facts().state == search::IndexFacts::State::off)
      return fail(Errc::refused, "there is no index: search.index is false in the configuration");
    index.rebuild();
    return {};
  };
  hooks.go_on = [&index] { return let_fill(index); };
  return hooks;
}

struct SearchDesk::Impl {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{context.get_executor()};
  std::thread thread;
};

SearchDesk::SearchDesk(store::Store& store, const std::string& directory)
    : index(store, directory), impl_(std::make_unique<Impl>()) {}

SearchDesk::~SearchDesk() {
  index.stop();
  end();
}

boost::asio::any_io_executor SearchDesk::begin() {
  impl_->thread = std::thread([&context = impl_->context] {
    pthread_setname_np(pthread_self(), "search-index");
    [[maybe_unused]] const int priority = ::nice(kGiveWayToAll); // of this thread alone (nice(2))
    context.run();
  });
  return impl_->context.get_executor();
}

void SearchDesk::end() {
  impl_->guard.reset();
  impl_->context.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

} // namespace paquebot::service
