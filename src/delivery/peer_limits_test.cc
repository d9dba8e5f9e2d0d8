#include "base/text.h"
#include "delivery/peer_limits.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

std::vector<store::RecipientFacts> people(std::string_view addresses) {
  std::vector<store::RecipientFacts> all;
  for (const auto address : split(addresses, ' ')) {
    if (!address.empty()) all.emplace_back().address = address;
  }
  return all;
}

std::string names(const std::vector<store::RecipientFacts>& all) {
  std::string text;
  for (const auto& one : all) text += (text.empty() ? "" : " ") + one.address;
  return text;
}

TEST(Limits, Table) {
  struct Case {
    std::uint32_t rcpt_max, rcpt_domain_max;
    std::set<std::string> domains;
    const char* recipients;
    bool some;
    const char *going, *rest;
  };
  const Case cases[] = {
      {0, 0, {}, "a@x b@y c@z", true, "a@x b@y c@z", ""},
      {2, 0, {}, "a@x b@y c@z", true, "a@x b@y", "c@z"},
      {1, 0, {}, "a@x b@x", true, "a@x", "b@x"},
      {0, 1, {}, "a@x b@y c@X", true, "a@x c@X", "b@y"},
      {0, 2, {"x"}, "b@y c@z d@x", true, "b@y d@x", "c@z"},
      {0, 1, {"x"}, "b@y c@z", false, "b@y c@z", ""},
      {1, 1, {"x"}, "b@y c@x d@x", true, "c@x", "b@y d@x"},
      {999999, 999999, {}, "a@x", true, "a@x", ""},
  };
  for (const Case& c : cases) {
    smtp::PeerFeatures limits;
    limits.rcpt_max = c.rcpt_max;
    limits.rcpt_domain_max = c.rcpt_domain_max;
    auto domains = c.domains;
    auto recipients = people(c.recipients);
    std::vector<store::RecipientFacts> rest;
    EXPECT_EQ(keep_limits(limits, domains, recipients, rest), c.some) << c.recipients;
    EXPECT_EQ(names(recipients), c.going);
    EXPECT_EQ(names(rest), c.rest);
  }
}

} // namespace
} // namespace paquebot::delivery
