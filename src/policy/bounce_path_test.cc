#include "base/text.h"
#include "policy/bounce_path.h"

#include <gtest/gtest.h>

namespace paquebot::policy {
namespace {

Ulid a_message(std::int64_t ms, std::uint8_t last = 7) {
  Ulid id;
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(ms >> (8 * (5 - i)));
  id.bytes[15] = last;
  return id;
}

constexpr std::int64_t kWhen = 1'796'000'000'123;

TEST(BouncePath, ServesItsMessageAndRecipientOnly) {
  const BouncePath paths("secret");
  const Ulid message = a_message(kWhen);
  const std::string local = paths.local_for(message, 41);
  EXPECT_TRUE(BouncePath::looks_like(local)) << local;
  EXPECT_LE(local.size(), 64U);
  EXPECT_EQ(BouncePath::time_of(local, kWhen + 5'000'000), kWhen);
  ASSERT_TRUE(paths.serves(local, message));
  EXPECT_EQ(paths.serves(local, message)->recipient, 41U);
  EXPECT_EQ(paths.serves(paths.local_for(message, 0), message)->recipient, 0U);
  EXPECT_FALSE(paths.serves(paths.local_for(message, std::nullopt), message)->recipient) << "it served several";
  std::string upper = local;
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  EXPECT_TRUE(paths.serves(upper, message)) << "some servers change the case";
  EXPECT_FALSE(paths.serves(local, a_message(kWhen, 8))) << "another message of the same millisecond";
  EXPECT_FALSE(BouncePath("other").serves(local, message));
}

TEST(BouncePath, AnyOtherLetterMakesItWrong) {
  const BouncePath paths("secret");
  const Ulid message = a_message(kWhen);
  const std::string local = paths.local_for(message, 3);
  for (std::size_t i = 0; i < local.size(); ++i) {
    std::string forged = local;
    forged[i] = forged[i] == 'b' ? 'c' : 'b';
    EXPECT_FALSE(paths.serves(forged, message)) << forged;
  }
}

TEST(BouncePath, OtherAddressesAreNone) {
  for (const char* local : {"bounce", "bounce-", "bounce-aaaaaaaaaaaa-aaaaaaaaaaa", "bounce-aaaaaaaaaaaa-aaaaaaaaaaaaa",
                            "bounce-aaaaaaaaaaaa+aaaaaaaaaaaa", "bounce-aaaaaaaaaa11-aaaaaaaaaaaa", "ann"}) {
    EXPECT_FALSE(BouncePath::looks_like(local)) << local;
    EXPECT_FALSE(BouncePath::time_of(local, kWhen)) << local;
  }
}

TEST(BouncePath, AClockThatWasSetBackFindsItStill) {
  const BouncePath paths("secret");
  const std::string local = paths.local_for(a_message(kWhen), 1);
  EXPECT_EQ(BouncePath::time_of(local, kWhen - 3'600'000), kWhen);
}

} // namespace
} // namespace paquebot::policy
