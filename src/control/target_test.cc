#include "control/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::control {
namespace {

using ::testing::ElementsAre;

TEST(Target, Good) {
  const auto target = parse_target("/v1/accounts/ann%40example.org?full=1&x=a%20b&y");
  ASSERT_TRUE(target);
  EXPECT_THAT(target->segments, ElementsAre("v1", "accounts", "ann@example.org"));
  EXPECT_EQ(target->query.at("full"), "1");
  EXPECT_EQ(target->query.at("x"), "a b");
  EXPECT_EQ(target->query.at("y"), "");
  EXPECT_TRUE(parse_target("/?"));
}

TEST(Target, Bad) {
  std::string many = "/";
  for (int i = 0; i < 20; ++i) many += "a/";
  for (const std::string& bad : {std::string(), std::string("v1"), std::string("/%"), std::string("/%4"),
                                 std::string("/%zz"), std::string("/%00"), std::string("/a?x=1&x=2"), many}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
}

TEST(Target, EncodingRoundTrip) {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(percent_decode(percent_encode(all)).value(), all);
  EXPECT_EQ(percent_encode("ann+x@example.org"), "ann%2Bx%40example.org");
}

} // namespace
} // namespace paquebot::control
