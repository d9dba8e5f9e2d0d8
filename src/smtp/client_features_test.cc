#include "smtp/client_features.h"

#include <gtest/gtest.h>
#include <initializer_list>

namespace paquebot::smtp {
namespace {

PeerFeatures read_lines(std::initializer_list<std::string_view> lines) {
  PeerFeatures features;
  for (const auto line : lines) read_feature(features, line);
  return features;
}

TEST(ClientFeatures, ReadsKeywordsInAnyCase) {
  const auto f = read_lines({"pipelining", "8BITMIME", "SmtpUtf8", "DSN", "STARTTLS", "CHUNKING", "BINARYMIME",
                             "ENHANCEDSTATUSCODES", "REQUIRETLS", "MT-PRIORITY MIXER", "X-UNKNOWN word", ""});
  EXPECT_TRUE(f.pipelining && f.eight_bit && f.smtputf8 && f.dsn && f.starttls && f.chunking && f.binary && f.enhanced);
  EXPECT_TRUE(f.requiretls && f.priority);
  EXPECT_FALSE(f.size || f.deliver_by || f.future_release);
  const auto none = read_lines({"PIPELININGS", "DSNX", "8BITMIME-EXTRA"});
  EXPECT_FALSE(none.pipelining || none.dsn || none.eight_bit);
}

TEST(ClientFeatures, ReadsSizes) {
  EXPECT_EQ(read_lines({"SIZE 1000"}).max_size, 1000U);
  for (const auto* line : {"SIZE", "SIZE x", "SIZE -1", "SIZE 99999999999999999999"}) {
    const auto f = read_lines({line});
    EXPECT_TRUE(f.size) << line;
    EXPECT_EQ(f.max_size, 0U) << line;
  }
}

TEST(ClientFeatures, ReadsMechanismsOnce) {
  const std::vector<std::string> both{"PLAIN", "LOGIN"};
  EXPECT_EQ(read_lines({"AUTH PLAIN LOGIN", "AUTH=plain LOGIN"}).auth, both);
  EXPECT_EQ(read_lines({"AUTH=PLAIN  LOGIN"}).auth, both);
  EXPECT_TRUE(read_lines({"AUTH", "AUTH ", "AUTHOR PLAIN"}).auth.empty());
}

TEST(ClientFeatures, ReadsLimitsAndTimes) {
  const auto f = read_lines({"LIMITS MAILMAX=10 rcptmax=999999 RCPTDOMAINMAX=1 OTHER=3", "DELIVERBY 240,RETRY",
                             "FUTURERELEASE 86400 2030-01-01T00:00:00Z"});
  EXPECT_EQ(f.mail_max, 10U);
  EXPECT_EQ(f.rcpt_max, 999999U);
  EXPECT_EQ(f.rcpt_domain_max, 1U);
  EXPECT_EQ(f.deliver_by_least, 240);
  EXPECT_EQ(f.hold_most, 86400);
  EXPECT_EQ(f.hold_latest, "2030-01-01T00:00:00Z");
  const auto bad = read_lines({"LIMITS MAILMAX=01 RCPTMAX=1000000 RCPTDOMAINMAX", "FUTURERELEASE 86400"});
  EXPECT_EQ(bad.mail_max, 0U);
  EXPECT_EQ(bad.rcpt_max, 0U);
  EXPECT_EQ(bad.rcpt_domain_max, 0U);
  EXPECT_FALSE(bad.future_release) << "both values are required";
  const auto longest = read_lines({"FUTURERELEASE 1 " + std::string(100, '9')});
  EXPECT_EQ(longest.hold_latest.size(), 40U);
}

} // namespace
} // namespace paquebot::smtp
