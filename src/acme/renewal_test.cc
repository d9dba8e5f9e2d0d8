#include "acme/renewal.h"
#include "acme/test_authority.h"

#include <gtest/gtest.h>

namespace paquebot::acme {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST(AcmeRenewal, AMomentInTheWindowStays) {
  const Window window{1000, 2000, {}};
  for (const std::uint64_t random : {0ull, 999ull, 1000ull, ~0ull}) {
    const auto moment = moment_in(window, 0, random);
    EXPECT_GE(moment, window.start);
    EXPECT_LT(moment, window.end);
    EXPECT_EQ(moment_in(window, moment, random + 7), moment);
  }
  EXPECT_EQ(moment_in({5000, 6000, {}}, 1500, 3), 5003) << "another window";
}

TEST(AcmeRenewal, BacksOffFromAMinuteToADay) {
  EXPECT_EQ(back_off(1, seconds(0)), minutes(1));
  EXPECT_EQ(back_off(2, seconds(0)), minutes(2));
  EXPECT_EQ(back_off(11, seconds(0)), minutes(1024));
  EXPECT_EQ(back_off(12, seconds(0)), minutes(1440));
  EXPECT_EQ(back_off(~0u, seconds(0)), minutes(1440));
  EXPECT_EQ(back_off(1, seconds(7200)), minutes(120)) << "the authority said so";
  EXPECT_EQ(back_off(1, seconds(700000)), minutes(1440));
}

TEST(AcmeRenewal, TwoThirdsAndAQuarter) {
  const Issued facts{.not_before = 1000, .not_after = 13000, .id = {}};
  EXPECT_EQ(two_thirds(facts), 9000);
  EXPECT_EQ(late_from(facts), 10000);
}

RenewalQuery::Answer ask(TestAuthority& authority, const std::string& id) {
  RenewalQuery query(TestAuthority::kDirectory, PrivateKey::make().value(), id);
  for (int i = 0; i < 100; ++i) {
    const auto action = query.next();
    if (const auto* request = std::get_if<Conversation::Ask>(&action))
      query.answered(authority.handle(*request->request), authority.now);
    else if (std::get_if<Conversation::Pause>(&action) != nullptr)
      query.waited();
    else
      return std::get<RenewalQuery::Answer>(action);
  }
  ADD_FAILURE() << "no end";
  return {};
}

TEST(AcmeRenewal, IsAskedOfTheAuthority) {
  TestAuthority authority;
  authority.window = R"({"suggestedWindow":{"start":"2026-01-02T04:00:00Z","end":"2026-01-03T06:00:00+02:00"},)"
                     R"("explanationURL":"https://ca.test/why"})";
  const auto answer = ask(authority, "a.b");
  ASSERT_TRUE(answer.window);
  EXPECT_EQ(answer.window->start, 1'767'326'400'000);
  EXPECT_EQ(answer.window->end, 1'767'412'800'000);
  EXPECT_EQ(answer.window->explanation, "https://ca.test/why");
  EXPECT_EQ(answer.again, seconds(7200));
  EXPECT_EQ(authority.asked.back(), "GET /renewal/a.b");
}

TEST(AcmeRenewal, WhatIsNoWindowIsNone) {
  TestAuthority authority;
  for (const char* text : {R"({"suggestedWindow":{"start":"2026-01-02T04:00:00Z","end":"2026-01-02T04:00:00Z"}})",
                           R"({"suggestedWindow":{"start":"2026-01-02T04:00:00Z"}})", R"({"suggestedWindow":7})", "[]",
                           R"({"suggestedWindow":{"start":"2026-13-02T04:00:00Z","end":"2026-12-40T04:00:00Z"}})"}) {
    authority.window = text;
    const auto answer = ask(authority, "a.b");
    EXPECT_FALSE(answer.window) << text;
    EXPECT_EQ(answer.again, seconds(6 * 3600)) << text;
  }
  authority.says_when_to_renew = false;
  EXPECT_FALSE(ask(authority, "a.b").window);
  authority.in_place = [](const Request&) { return Reply{500, {}, ""}; };
  EXPECT_FALSE(ask(authority, "a.b").window);
}

} // namespace
} // namespace paquebot::acme
