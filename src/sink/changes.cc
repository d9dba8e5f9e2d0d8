#include "sink/changes.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace paquebot::sink {

class Changes::Place {
public:
  Place(std::set<Timer*>& all, Timer& timer) : all_(all), timer_(&timer) { all_.insert(timer_); }
  ~Place() { all_.erase(timer_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

private:
  std::set<Timer*>& all_;
  Timer* timer_;
};

Task<void> Changes::wait(Instant until) {
  if (stopped_) co_return;
  auto executor = co_await boost::asio::this_coro::executor;
  Timer timer(executor, until);
  const Place place(waiting_, timer);
  const auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
  co_await timer.async_wait(token);
}

void Changes::notify() {
  for (Timer* one : waiting_) one->cancel();
}

void Changes::stop() {
  stopped_ = true;
  notify();
}

} // namespace paquebot::sink
