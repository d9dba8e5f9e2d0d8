#include "delivery/standing.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using policy::Trust;

TEST(Standing, WhatOurOwnResultsSayOfTheReturnPath) {
  const struct {
    std::string_view results; ///< each a field
    bool spf_failed;
    Trust trust;
  } cases[] = {
      {"", false, Trust::unknown},
      {"mx.our.test; none", false, Trust::unknown},
      {"mx.our.test; spf=pass smtp.mailfrom=ann@far.test", false, Trust::vouched},
      {"MX.our.TEST; spf=fail smtp.mailfrom=ann@far.test", true, Trust::forged},
      {"mx.our.test; spf=softfail smtp.mailfrom=ann@far.test", true, Trust::forged},
      {"mx.our.test; spf=neutral smtp.mailfrom=ann@far.test", false, Trust::unknown},
      {"mx.our.test; spf=temperror; dkim=pass header.d=far.test", false, Trust::vouched},
      {"mx.our.test; spf=fail; dkim=pass header.d=FAR.test", true, Trust::vouched},
      {"mx.our.test; spf=none; dkim=pass header.d=evil.test; dmarc=pass header.from=evil.test", false, Trust::unknown},
      {"mx.our.test; dkim=pass header.d=sub.far.test", false, Trust::unknown},
      {"mx.our.test; dkim=fail header.d=far.test", false, Trust::unknown},
      {"mx.other.test; spf=pass smtp.mailfrom=ann@far.test", false, Trust::unknown},
  };
  for (const auto& one : cases) {
    const std::string field = one.results.empty() ? "" : "Authentication-Results: " + std::string(one.results) + "\r\n";
    const auto head = mail::Head::parse(field + "Subject: x\r\n\r\n");
    ASSERT_TRUE(head);
    const Standing standing = standing_of(*head, "mx.our.test", "far.test");
    EXPECT_EQ(standing.spf_failed, one.spf_failed) << one.results;
    EXPECT_EQ(standing.trust(), one.trust) << one.results;
  }
}

} // namespace
} // namespace paquebot::delivery
