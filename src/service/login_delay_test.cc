#include "service/login_delay.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using std::chrono::seconds;

TEST(LoginDelay, CountsFromTheLastOpening) {
  LoginDelay delay;
  const Instant start{};
  EXPECT_TRUE(delay.may(1, seconds(60), start));
  delay.opened(1, start);
  EXPECT_FALSE(delay.may(1, seconds(60), start + seconds(59)));
  EXPECT_TRUE(delay.may(1, seconds(60), start + seconds(60)));
  EXPECT_TRUE(delay.may(1, seconds(0), start));
  EXPECT_TRUE(delay.may(2, seconds(60), start));
}

TEST(LoginDelay, ForgetsTheOldestWhenThereAreTooMany) {
  LoginDelay delay;
  const Instant start{};
  const auto most = static_cast<store::Id>(LoginDelay::kMost);
  for (store::Id account = 1; account <= most + 1; ++account) delay.opened(account, start + seconds(account));
  const Instant end = start + seconds(most + 1);
  EXPECT_TRUE(delay.may(1, seconds(10 * most), end));
  EXPECT_FALSE(delay.may(most, seconds(10 * most), end));
  EXPECT_FALSE(delay.may(most + 1, seconds(10 * most), end));
}

} // namespace
} // namespace paquebot::service
