#include "policy/stranger_rules.h"

#include <gtest/gtest.h>

namespace paquebot::policy {
namespace {

const std::string kPeer = "192.0.2.9";

StrangerVerdict verdict(const StrangerRules& options, const ClientFacts& facts, Stranger stranger = {}) {
  stranger.address = kPeer;
  return judge(options, facts, stranger);
}

TEST(Guard, NothingIsAgainstANormalClient) {
  StrangerRules options;
  options.reverse_dns = options.helo = options.early_talker = Measure::refuse;
  for (const ReverseDns reverse : {ReverseDns::confirmed, ReverseDns::unknown}) {
    ClientFacts facts;
    facts.reverse = reverse;
    const auto found = verdict(options, facts);
    EXPECT_TRUE(found.findings.empty());
    EXPECT_EQ(found.reply.code, 0);
    EXPECT_TRUE(found.tags.empty());
  }
}

/// Each check with each measure.
TEST(Guard, MeasuresOfOneCheck) {
  const struct {
    Measure measure;
    std::size_t findings, tags;
    int code;
  } cases[] = {{Measure::off, 0, 0, 0},
               {Measure::log, 1, 0, 0},
               {Measure::tag, 1, 1, 0},
               {Measure::defer, 1, 0, 450},
               {Measure::refuse, 1, 0, 550}};
  for (const auto& c : cases) {
    StrangerRules nameless, named, early;
    nameless.reverse_dns = named.helo = early.early_talker = c.measure;
    ClientFacts none;
    none.reverse = ReverseDns::none;
    Stranger odd, hasty;
    odd.helo_fault = "\"x\" in EHLO is odd";
    hasty.early = true;
    named.early_talker = nameless.early_talker = Measure::off;
    for (const auto& found : {verdict(nameless, none), verdict(named, {}, odd), verdict(early, {}, hasty)}) {
      EXPECT_EQ(found.findings.size(), c.findings) << name_of(c.measure);
      EXPECT_EQ(found.tags.size(), c.tags) << name_of(c.measure);
      EXPECT_EQ(found.reply.code, c.code) << name_of(c.measure);
    }
  }
}

TEST(Guard, Replies) {
  StrangerRules options;
  options.reverse_dns = Measure::refuse;
  ClientFacts facts;
  facts.reverse = ReverseDns::none;
  EXPECT_EQ(verdict(options, facts).reply.to_string(),
            "550 5.7.25 192.0.2.9 has no name in the DNS; if this is wrong, write to postmaster");
  facts.reverse = ReverseDns::mismatch;
  options.reverse_dns = Measure::defer;
  EXPECT_EQ(verdict(options, facts).reply.to_string(),
            "450 4.7.25 the name of 192.0.2.9 in the DNS leads elsewhere; please try again later");
}

TEST(Guard, ListsByTheSumOfTheirScores) {
  StrangerRules options;
  options.tag_at = 1;
  options.defer_at = 3;
  options.refuse_at = 5;
  const struct {
    std::vector<int> scores;
    Measure measure;
  } cases[] = {{{1}, Measure::tag},       {{1, 1}, Measure::tag},    {{1, 2}, Measure::defer}, {{5}, Measure::refuse},
               {{3, 3}, Measure::refuse}, {{6, -3}, Measure::defer}, {{5, -9}, Measure::log}};
  for (const auto& c : cases) {
    ClientFacts facts;
    for (const int score : c.scores)
      facts.hits.push_back({std::to_string(facts.hits.size()) + ".test", score, "spam", "192.0.2.9"});
    const auto found = verdict(options, facts);
    ASSERT_EQ(found.findings.size(), 1U);
    EXPECT_EQ(found.findings[0].measure, c.measure) << c.scores.size();
  }
  ClientFacts facts;
  facts.hits = {{"a.test", 2, "", "192.0.2.9"}, {"b.test", 3, "see https://b.test/", "192.0.2.9"}};
  EXPECT_EQ(verdict(options, facts).reply.to_string(), "550 5.7.1 192.0.2.9 is listed by a.test, b.test: see "
                                                       "https://b.test/; if this is wrong, write to postmaster");
  facts.hits.pop_back();
  EXPECT_EQ(verdict(options, facts).tags,
            std::vector<std::string>{"dns-list; 192.0.2.9 is listed by a.test (score 2)"});
  EXPECT_EQ(verdict({}, facts).findings[0].measure, Measure::log) << "a list alone refuses nobody";
  facts.hits = {{"a.test", 2, "", "192.0.2.9"}, {"d.test", 3, "phish", "a.example"}, {"d.test", 3, "", "b.example"}};
  EXPECT_EQ(
      verdict(options, facts).reply.text,
      "192.0.2.9 is listed by a.test and a.example is listed by d.test: phish; if this is wrong, write to postmaster")
      << "a list counts once";
}

TEST(Guard, TheGravestMeasureDecides) {
  StrangerRules options;
  options.reverse_dns = Measure::defer;
  options.helo = Measure::refuse;
  ClientFacts facts;
  facts.reverse = ReverseDns::none;
  Stranger stranger;
  stranger.helo_fault = "\"x\" in EHLO is odd";
  const auto found = verdict(options, facts, stranger);
  EXPECT_EQ(found.findings.size(), 2U);
  EXPECT_EQ(found.reply.code, 550);
}

TEST(Guard, NamesInHelo) {
  const struct {
    const char* helo;
    const char* peer;
    const char* fault; ///< "": plausible
  } cases[] = {
      {"mail.far.test", "192.0.2.9", ""},
      {"[192.0.2.9]", "192.0.2.9", ""},
      {"[IPv6:2001:DB8::9]", "2001:db8:0:0::9", ""},
      {"[192.0.2.8]", "192.0.2.9", "is not the address you come from"},
      {"[]", "192.0.2.9", "is not the address you come from"},
      {"[", "192.0.2.9", "is not the address you come from"},
      {"[192.0.2.1]", "192.0.2.9", "is our own address"},
      {"192.0.2.9", "192.0.2.9", "is an address without brackets"},
      {"MX.example.org", "192.0.2.9", "is our own name"},
      {"friend", "192.0.2.9", "is not the full name of a host"},
      {"localhost", "192.0.2.9", "is not the full name of a host"},
      {"printer.local", "192.0.2.9", "is not the full name of a host"},
  };
  for (const auto& c : cases) {
    const std::string fault = helo_fault(c.helo, c.peer, "mx.example.org", "192.0.2.1");
    EXPECT_EQ(fault, *c.fault == 0 ? "" : "\"" + std::string(c.helo) + "\" in EHLO " + c.fault) << c.helo;
  }
}

TEST(Guard, SendersOnLists) {
  const std::vector<std::string> list = {sender_entry("Far.test").value(), sender_entry(".Below.test").value(),
                                         sender_entry("Bob@one.test").value()};
  const struct {
    mail::Address sender;
    bool named;
  } cases[] = {{{"x", "far.test"}, true},       {{"x", "a.far.test"}, false},
               {{"x", "below.test"}, true},     {{"x", "a.b.below.test"}, true},
               {{"x", "notbelow.test"}, false}, {{"BOB", "one.test"}, true},
               {{"x", "one.test"}, false},      {{}, false}};
  for (const auto& c : cases) EXPECT_EQ(names_sender(list, c.sender), c.named) << c.sender.to_string();
  for (const char* wrong : {"", "@", "a b", "x@", "..", "@far.test"}) EXPECT_FALSE(sender_entry(wrong)) << wrong;
}

TEST(Guard, GreylistingSaysWhen) {
  EXPECT_EQ(greylisted(std::chrono::seconds(300)).to_string(), "451 4.7.1 greylisted: try again in 5 minutes");
  EXPECT_EQ(greylisted(std::chrono::seconds(1)).to_string(), "451 4.7.1 greylisted: try again in 1 minute");
}

} // namespace
} // namespace paquebot::policy
