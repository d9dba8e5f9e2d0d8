#include "queue/owed.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

using store::Owed;

TEST(Owed, FollowsNotifyAndNeverAnswersTheNullPath) {
  mail::Sender someone{.reverse_path = {"a", "example.org"}}, nobody{};
  struct Case {
    std::uint8_t notify;
    Owed failure, delay, success;
  } cases[] = {
      {mail::kNotifyUnspecified, Owed::failure, Owed::delay, Owed::none},
      {mail::kNotifyNever, Owed::none, Owed::none, Owed::none},
      {mail::kNotifySuccess, Owed::none, Owed::none, Owed::success},
      {mail::kNotifyFailure, Owed::failure, Owed::none, Owed::none},
      {mail::kNotifyFailure | mail::kNotifyDelay, Owed::failure, Owed::delay, Owed::none},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(owed_on_failure(someone, c.notify), c.failure) << int(c.notify);
    EXPECT_EQ(owed_on_delay(someone, c.notify), c.delay) << int(c.notify);
    EXPECT_EQ(owed_on_success(someone, c.notify), c.success) << int(c.notify);
    EXPECT_EQ(owed_on_failure(nobody, c.notify), Owed::none);
    EXPECT_EQ(owed_on_delay(nobody, c.notify), Owed::none);
    EXPECT_EQ(owed_on_success(nobody, c.notify), Owed::none);
  }
}

} // namespace
} // namespace paquebot::queue
