#include "queue/provider.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

mail::Reply said(const std::string& text) { return parse_said(text).value(); }

TEST(Provider, RatesAreReadAndWritten) {
  const struct {
    const char* text;
    std::uint32_t number;
    std::int64_t period;
    const char* words;
  } good[] = {{"10/min", 10, 60, "10 a minute"},
              {"5/s", 5, 1, "5 a second"},
              {"100/h", 100, 3600, "100 an hour"},
              {"1000/d", 1000, 86'400, "1000 a day"},
              {"5/10m", 5, 600, "5 in 600 s"}};
  for (const auto& c : good) {
    const auto rate = parse_rate(c.text);
    ASSERT_TRUE(rate) << c.text;
    EXPECT_EQ(*rate, (Rate{c.number, c.period})) << c.text;
    EXPECT_EQ(rate->words(), c.words);
    EXPECT_EQ(parse_rate(rate->to_string()).value(), *rate) << c.text;
  }
  for (const char* bad : {"", "10", "/min", "0/min", "-1/min", "10/", "10/fortnight", "1000001/s", "5/2d", "1/0s"})
    EXPECT_FALSE(parse_rate(bad)) << bad;
  EXPECT_EQ((Rate{10, 60}.interval()), 6000);
  EXPECT_EQ((Rate{1'000'000, 1}.interval()), 1) << "never none";
  EXPECT_EQ(Rate().interval(), 0);
}

TEST(Provider, RepliesAreReadAsAPeerSaysThem) {
  const mail::Reply two = said("421-4.7.28 unusual rate of\n421 4.7.28 unsolicited mail");
  EXPECT_EQ(two.code, 421);
  EXPECT_EQ(two.enhanced, (mail::EnhancedCode{4, 7, 28}));
  EXPECT_EQ(two.text, "unusual rate of\nunsolicited mail");
  EXPECT_TRUE(two.heard);
  EXPECT_EQ(said("550 no").text, "no");
  EXPECT_EQ(said("550 5.1.1").enhanced, (mail::EnhancedCode{5, 1, 1}));
  for (const char* bad : {"", "hello", "42", "999 no", "421x no", "421 a\n451 b", "1e3 no"})
    EXPECT_FALSE(parse_said(bad)) << bad;
}

TEST(Provider, IsKnownByAllOfItsHosts) {
  const Providers all(
      {{.name = "big", .mx = {".big.example", "mx.big2.example"}}, {.name = "any", .mx = {".example"}}});
  const auto of = [&](std::vector<std::string> hosts) {
    const Provider* const found = all.of_hosts(hosts);
    return found == nullptr ? std::string() : found->name;
  };
  EXPECT_EQ(of({"a.big.example", "MX.Big2.example"}), "big");
  EXPECT_EQ(of({"a.big.example", "mx.far.test"}), "") << "one host is somebody else's";
  EXPECT_EQ(of({"big.example"}), "any") << "names in the domain, not the domain";
  EXPECT_EQ(of({"notbig.example"}), "any");
  EXPECT_EQ(of({"x.mx.big2.example"}), "any") << "that one host only";
  EXPECT_EQ(of({}), "");
}

TEST(Provider, TheFirstRuleThatMatchesCounts) {
  const Provider one{
      .name = "p",
      .rules = {{.name = "exact", .code = 421, .status = {4, 7, 28}, .text = "your DKIM * rate", .examples = {}},
                {.name = "code", .code = 421, .examples = {}},
                {.name = "status", .status = {5, 7, 1}, .examples = {}},
                {.name = "text", .text = "go away", .examples = {}}}};
  const auto rule = [&](const mail::Reply& reply) {
    const Rule* const found = one.match(reply);
    return found == nullptr ? std::string() : found->name;
  };
  EXPECT_EQ(rule(said("421-4.7.28 of YOUR\n421 4.7.28 dkim  domain, a rate")), "exact");
  EXPECT_EQ(rule(said("421 4.7.0 of your dkim domain, a rate")), "code");
  EXPECT_EQ(rule(said("550 5.7.1 no")), "status");
  EXPECT_EQ(rule(said("450 please Go  Away")), "text");
  EXPECT_EQ(rule(said("450 4.2.1 later")), "");
  EXPECT_EQ(rule(said("250 2.0.0 go away")), "") << "that is no refusal";
  EXPECT_EQ(rule(mail::Reply(421, {4, 7, 28}, "your dkim rate")), "") << "our own words";
}

TEST(Provider, RulesAreHeldToTheirExamples) {
  const Provider before{.name = "p", .rules = {{.name = "all421", .code = 421, .examples = {"421 x"}}}};
  const auto fault = [&](Rule rule) { return fault_of_examples(before, rule).value_or(""); };
  const auto has = [](const std::string& text, const char* words) { return text.find(words) != std::string::npos; };
  EXPECT_EQ(fault({.name = "r", .code = 450, .examples = {"450 4.7.1 slow down"}}), "");
  EXPECT_TRUE(has(fault({.name = "r", .code = 450, .examples = {}}), "has no example"));
  EXPECT_TRUE(has(fault({.name = "r", .code = 450, .examples = {"slow down"}}), "is no reply"));
  EXPECT_TRUE(has(fault({.name = "r", .examples = {"250 ok"}}), "is no refusal"));
  EXPECT_TRUE(has(fault({.name = "r", .code = 450, .examples = {"450 x", "451 x"}}), "does not match"));
  EXPECT_TRUE(
      has(fault({.name = "r", .code = 421, .text = "slow", .examples = {"421 slow"}}), "rule all421 before it"));
}

} // namespace
} // namespace paquebot::queue
