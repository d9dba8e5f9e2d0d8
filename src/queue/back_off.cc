#include "queue/back_off.h"

#include <utility>

namespace paquebot::queue {

void BackOff::fail(std::int64_t now, std::int64_t until, std::string error) {
  if (!rests(now)) ++failures_;
  until_ = until;
  error_ = std::move(error);
}

void BackOff::work() {
  failures_ = 0;
  until_ = 0;
}

void BackOff::learn(std::int64_t until, std::uint32_t failures, std::string error) {
  until_ = until;
  failures_ = failures;
  error_ = std::move(error);
}

bool BackOff::end_beyond(std::int64_t latest) {
  if (until_ <= latest) return false;
  until_ = 0;
  return true;
}

std::int64_t BackOff::next(const Schedule& schedule, std::int64_t now, std::uint32_t random) const {
  if (rests(now)) return until_;
  return now + retry_after(schedule, failures_ + 1, random).count();
}

} // namespace paquebot::queue
