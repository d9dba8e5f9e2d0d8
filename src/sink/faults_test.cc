#include "base/fake_clock.h"
#include "sink/faults.h"
#include "sink/present.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::sink {
namespace {

using ::testing::HasSubstr;

Occasion rcpt(const std::string& recipient, const std::string& sender = "ann@example.org") {
  return {
      .stage = Stage::rcpt, .client = "127.0.0.1", .sender = sender, .recipients = {recipient}, .inboxes = {"shop"}};
}
Fault fault(Does does, Stage at = Stage::rcpt) {
  Fault made;
  made.does = does;
  made.at = at;
  return made;
}
/// Which of so many are hit: "1010".
std::string pattern(Faults& faults, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += faults.strike(rcpt("bob@example.net")) ? '1' : '0';
  return out;
}

TEST(SinkFaults, Patterns) {
  for (const auto& [text, wanted] : {std::pair("bob@example.net", "*"), std::pair("Bob@Example.net", "bob@*"),
                                     std::pair("bob@example.net", "*@example.net"), std::pair("aab", "*ab"),
                                     std::pair("", "*"), std::pair("abcabd", "*ab*d"), std::pair("x", "x")})
    EXPECT_TRUE(fits_pattern(text, wanted)) << text << " " << wanted;
  for (const auto& [text, wanted] : {std::pair("bob@example.net", "bob"), std::pair("bob", "bob@*"), std::pair("", "x"),
                                     std::pair("xy", "x"), std::pair("abc", "*d")})
    EXPECT_FALSE(fits_pattern(text, wanted)) << text << " " << wanted;
  EXPECT_FALSE(fits_pattern(std::string(300, 'a'), "*a*a*a*a*a*a*a*a*a*b")) << "soon";
}

TEST(SinkFaults, WhomTheyMeet) {
  Faults faults;
  Fault full = fault(Does::full);
  full.recipient = "full@*";
  full.sender = "ann@*";
  full.inbox = "shop";
  ASSERT_TRUE(faults.add(full));
  const auto hit = faults.strike(rcpt("Full@example.net"));
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->reply.to_string(), "452 4.2.2 the mailbox is full, try again later");
  EXPECT_FALSE(faults.strike(rcpt("bob@example.net")));
  EXPECT_FALSE(faults.strike(rcpt("full@example.net", "eve@example.org")));
  Occasion other = rcpt("full@example.net");
  other.inboxes = {"signup"};
  EXPECT_FALSE(faults.strike(other));
  other = rcpt("full@example.net");
  other.stage = Stage::data;
  EXPECT_FALSE(faults.strike(other));
  EXPECT_EQ(faults.all()[0].hits, 1u);
}

TEST(SinkFaults, FirstThatFits) {
  Faults faults;
  Fault first = fault(Does::reply), second = fault(Does::drop);
  first.times = 1;
  ASSERT_TRUE(faults.add(first));
  ASSERT_TRUE(faults.add(second));
  EXPECT_EQ(faults.strike(rcpt("a@b.example"))->does, Does::reply);
  EXPECT_EQ(faults.strike(rcpt("a@b.example"))->does, Does::drop);
}

TEST(SinkFaults, NthEachTimes) {
  Faults faults;
  Fault one = fault(Does::drop);
  one.nth = 3;
  ASSERT_TRUE(faults.add(one));
  EXPECT_EQ(pattern(faults, 6), "001000");
  one.nth = 0;
  one.each = 3;
  one.times = 2;
  ASSERT_TRUE(faults.replace({one}, {}));
  EXPECT_EQ(pattern(faults, 12), "001001000000");
}

TEST(SinkFaults, TheSeedDecides) {
  Faults faults;
  Fault chance = fault(Does::drop);
  chance.percent = 30;
  ASSERT_TRUE(faults.replace({chance}, 7));
  const std::string first = pattern(faults, 200);
  ASSERT_TRUE(faults.replace({chance}, 7));
  EXPECT_EQ(pattern(faults, 200), first) << "the same seed, the same faults";
  ASSERT_TRUE(faults.replace({chance}, 8));
  EXPECT_NE(pattern(faults, 200), first);
  chance.seed = 7;
  ASSERT_TRUE(faults.replace({chance}, 99));
  EXPECT_EQ(pattern(faults, 200), first) << "its own seed goes before";
  const auto hits = std::ranges::count(first, '1');
  EXPECT_GT(hits, 30);
  EXPECT_LT(hits, 90);
  chance.percent = 0;
  ASSERT_TRUE(faults.replace({chance}, {}));
  EXPECT_EQ(pattern(faults, 50), std::string(50, '0'));
  chance.percent = 100;
  ASSERT_TRUE(faults.replace({chance}, {}));
  EXPECT_EQ(pattern(faults, 50), std::string(50, '1'));
}

TEST(SinkFaults, GreylistingLetsWhoComesAgainPass) {
  FakeClock clock;
  Faults faults(clock);
  Fault grey = fault(Does::greylist);
  grey.time = std::chrono::seconds(60);
  ASSERT_TRUE(faults.add(grey));
  EXPECT_EQ(faults.strike(rcpt("bob@example.net"))->reply.code, 451);
  clock.advance(std::chrono::seconds(30));
  EXPECT_TRUE(faults.strike(rcpt("bob@example.net"))) << "too early";
  EXPECT_TRUE(faults.strike(rcpt("carl@example.net"))) << "each by itself";
  clock.advance(std::chrono::seconds(31));
  EXPECT_FALSE(faults.strike(rcpt("bob@example.net")));
}

TEST(SinkFaults, WhatDoesNotGoTogetherIsRefused) {
  Faults faults;
  const auto refused = [&](Fault one) { return !faults.add(std::move(one)).has_value(); };
  EXPECT_TRUE(refused(fault(Does::bounce, Stage::rcpt)));
  EXPECT_TRUE(refused(fault(Does::duplicate, Stage::end)));
  EXPECT_TRUE(refused(fault(Does::certificate, Stage::connect)));
  EXPECT_TRUE(refused(fault(Does::full, Stage::mail)));
  EXPECT_TRUE(refused(fault(Does::greylist, Stage::ehlo)));
  Fault one = fault(Does::drop, Stage::connect);
  one.recipient = "x";
  EXPECT_TRUE(refused(one));
  one = fault(Does::drop);
  one.percent = 101;
  EXPECT_TRUE(refused(one));
  one = fault(Does::drop);
  one.time = std::chrono::hours(1);
  EXPECT_TRUE(refused(one));
  one = fault(Does::drop);
  one.id = "../x";
  EXPECT_TRUE(refused(one));
  EXPECT_TRUE(faults.all().empty());
  for (std::size_t i = 0; i < Faults::kMost; ++i) ASSERT_TRUE(faults.add(fault(Does::drop)));
  EXPECT_TRUE(refused(fault(Does::drop)));
}

Fault read(const std::string& text) {
  const auto fault = read_fault(control::parse_json(text, "x").value());
  EXPECT_TRUE(fault) << text << ": " << fault.error().error.message;
  return fault.value_or(Fault());
}

TEST(SinkFaults, AsJson) {
  const Fault one = read(R"({"at":"RCPT","does":"reply","recipient":"full@*","each":3,"percent":10,"seed":7,)"
                         R"("reply":"552 5.2.2 too much","seconds":1.5})");
  EXPECT_EQ(one.reply->to_string(), "552 5.2.2 too much");
  EXPECT_EQ(one.time, std::chrono::milliseconds(1500));
  const json::object told = fault_json(one);
  EXPECT_EQ(control::get_text(told, "when"), "to full@*, each 3rd, 10 %, seed 7");
  EXPECT_EQ(control::get_text(told, "said"), "552 5.2.2 too much");
  EXPECT_EQ(fault_json(read(control::to_text(told))), told) << "what is told can be given back";
  for (const char* wrong :
       {R"([])", R"({})", R"({"at":"rcpt"})", R"({"at":"noon","does":"drop"})", R"({"at":"rcpt","does":"dance"})",
        R"({"at":"rcpt","does":"drop","nth":-1})", R"({"at":"rcpt","does":"drop","nth":"3"})",
        R"({"at":"rcpt","does":"drop","often":3})", R"({"at":"rcpt","does":"reply","reply":"250 ok"})",
        R"({"at":"rcpt","does":"reply","reply":"452 5.2.2 two classes"})",
        R"({"at":"rcpt","does":"drop","seconds":601})"})
    EXPECT_FALSE(read_fault(control::parse_json(wrong, "x").value())) << wrong;
}

TEST(SinkFaults, Lists) {
  const auto list = [](const std::string& text) { return read_faults(control::parse_json(text, "x").value()); };
  EXPECT_EQ(list(R"([{"at":"rcpt","does":"drop"}])")->faults.size(), 1u);
  EXPECT_EQ(list(R"({"seed":9,"faults":[]})")->seed, 9u);
  EXPECT_THAT(list(R"([{"at":"rcpt","does":"drop"},{"at":"x"}])").error().error.message, HasSubstr("fault 2"));
  EXPECT_FALSE(list(R"({"faults":3})"));
  EXPECT_FALSE(list(R"("x")"));
}

TEST(SinkFaults, Chaos) {
  Faults faults;
  const auto set = [&](const std::string& text) {
    return set_chaos(faults, control::parse_object(text, "x").value()).has_value();
  };
  EXPECT_TRUE(set(R"({"Recipient":{"ErrorCode":550,"Probability":100}})"));
  const auto hit = faults.strike(rcpt("bob@example.net"));
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->reply.code, 550);
  EXPECT_EQ(control::to_text(chaos_json(faults)),
            R"({"Sender":{"ErrorCode":451,"Probability":0},"Recipient":{"ErrorCode":550,"Probability":100},)"
            R"("Authentication":{"ErrorCode":535,"Probability":0}})");
  EXPECT_FALSE(set(R"({"Sender":{"ErrorCode":200,"Probability":5}})"));
  EXPECT_TRUE(set("{}"));
  EXPECT_TRUE(faults.all().empty());
}

} // namespace
} // namespace paquebot::sink
