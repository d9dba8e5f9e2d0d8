#include "base/fake_clock.h"
#include "sink/inboxes.h"
#include "sink/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::sink {
namespace {

using ::testing::ElementsAre;

std::string mail(const std::string& subject, const std::string& text = "hello", const std::string& more = {}) {
  return "From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: " + subject + "\r\n" + more + "\r\n" + text +
         "\r\n";
}
Envelope to(std::vector<std::string> recipients) {
  return {.from = "ann@example.org", .to = std::move(recipients), .login = {}, .helo = {}, .client = {}, .tls = {}};
}

TEST(SinkInboxes, Names) {
  EXPECT_EQ(inbox_name("Checkout"), "checkout");
  EXPECT_EQ(inbox_name(" a/b?c "), "a-b-c");
  EXPECT_EQ(inbox_name(".."), "default");
  EXPECT_EQ(inbox_name(""), "default");
  EXPECT_EQ(inbox_name("<script>"), "-script-");
  EXPECT_EQ(inbox_name(std::string(500, 'x')).size(), 100u);
  EXPECT_EQ(inbox_of("carl+ci-4711@example.com"), "ci-4711");
  EXPECT_EQ(inbox_of("carl@Example.com"), "example.com");
  EXPECT_EQ(inbox_of("+x@example.com"), "example.com");
  EXPECT_EQ(inbox_of("carl+@example.com"), "example.com");
  EXPECT_EQ(inbox_of("postmaster"), "postmaster");
}

TEST(SinkInboxes, WhereAMessageGoes) {
  Envelope envelope = to({"a+one@x.example", "b@x.example", "c@x.example"});
  EXPECT_THAT(inboxes_for(envelope, mail("x")), ElementsAre("one", "x.example"));
  envelope.login = "Signup";
  EXPECT_THAT(inboxes_for(envelope, mail("x")), ElementsAre("signup"));
  EXPECT_THAT(inboxes_for(envelope, mail("x", "", "X-Inbox: ci 7\r\n")), ElementsAre("ci-7"));
}

TEST(SinkInboxes, KeepsTheNewestOfEach) {
  Inboxes inboxes({.messages = 3});
  for (int i = 0; i < 5; ++i) inboxes.add(to({"b@x.example"}), mail(std::to_string(i)), {"a", i == 0 ? "b" : "a"});
  const auto newest = inboxes.list("a");
  ASSERT_EQ(newest.size(), 3u);
  EXPECT_EQ(newest[0]->brief.subject, "4");
  EXPECT_EQ(newest[2]->brief.subject, "2");
  EXPECT_EQ(inboxes.list("b").size(), 1u) << "another inbox has it still";
  EXPECT_EQ(inboxes.list("").size(), 4u);
  EXPECT_EQ(inboxes.find("a", "latest")->brief.subject, "4");
  EXPECT_EQ(inboxes.find("a", newest[1]->id), newest[1]);
  EXPECT_EQ(inboxes.find("b", newest[1]->id), nullptr);
  EXPECT_EQ(inboxes.find("nowhere", "latest"), nullptr);
}

TEST(SinkInboxes, RemovesFromOneOrFromAll) {
  Inboxes inboxes({});
  const auto one = inboxes.add(to({"b@x.example"}), mail("1"), {"a", "b"});
  const auto two = inboxes.add(to({"b@x.example"}), mail("2"), {"a"});
  inboxes.remove("a", one);
  EXPECT_EQ(inboxes.list("a").size(), 1u);
  EXPECT_EQ(inboxes.list("b").size(), 1u);
  inboxes.remove("", two);
  EXPECT_EQ(inboxes.list("").size(), 1u);
  inboxes.drop_inbox("b");
  EXPECT_TRUE(inboxes.list("").empty());
  EXPECT_EQ(inboxes.octets(), 0u);
  EXPECT_EQ(inboxes.counts.deleted, 2u);
}

TEST(SinkInboxes, BoundsOfNumberOctetsAndAge) {
  FakeClock clock;
  Inboxes inboxes({.inboxes = 3, .octets = 100'000}, clock);
  for (const char* name : {"a", "b", "c"}) inboxes.add(to({"b@x.example"}), mail("x"), {name});
  inboxes.touch("a");
  inboxes.add(to({"b@x.example"}), mail("x"), {"d"});
  EXPECT_FALSE(inboxes.all().contains("b")) << "it was used least recently";
  EXPECT_TRUE(inboxes.all().contains("a"));
  for (int i = 0; i < 20; ++i) inboxes.add(to({"b@x.example"}), mail("big", std::string(20'000, 'x')), {"a"});
  EXPECT_LE(inboxes.octets(), 100'000u);
  EXPECT_FALSE(inboxes.list("a").empty());
  clock.advance(std::chrono::hours(8 * 24));
  inboxes.expire();
  EXPECT_TRUE(inboxes.list("").empty());
  EXPECT_EQ(inboxes.octets(), 0u);
}

TEST(SinkInboxes, TellsOfChanges) {
  Inboxes inboxes({});
  int told = 0;
  inboxes.on_change = [&] { ++told; };
  const std::uint64_t before = inboxes.version();
  inboxes.touch("a");
  inboxes.touch("a");
  EXPECT_EQ(told, 1);
  inboxes.add(to({"b@x.example"}), mail("x"), {"a"});
  EXPECT_EQ(told, 2);
  EXPECT_GT(inboxes.version(), before);
}

class SinkSearch : public ::testing::Test {
protected:
  bool fits(const std::string& query) {
    const auto parsed = Query::parse(query);
    EXPECT_TRUE(parsed) << query << ": " << parsed.error().message;
    return parsed && parsed->fits(*message);
  }
  Inboxes inboxes{{}};
  MessagePtr message = inboxes.add(to({"bob@example.net", "blind@example.net"}),
                                   mail("Your Invoice 7", "Please pay https://pay.example/7",
                                        "Cc: Carl <carl@example.com>\r\nX-Tags: Big "
                                        "One, two\r\n"),
                                   {"shop"});
};

TEST_F(SinkSearch, Terms) {
  for (const char* yes : {"",
                          "invoice",
                          "\"your invoice\"",
                          "pay INVOICE",
                          "from:ann",
                          "from:example.org",
                          "to:bob",
                          "cc:carl",
                          "cc:Carl",
                          "bcc:blind",
                          "addressed:blind",
                          "subject:\"invoice 7\"",
                          "tag:two",
                          "tag:\"big one\"",
                          "is:unread",
                          "is:tagged",
                          "-is:read",
                          "!from:bob",
                          "-nothing",
                          "inbox:shop",
                          "smaller:10k",
                          "larger:10",
                          "after:2020-01-01",
                          "before:2999-01-01",
                          "https://pay.example",
                          "-has:attachment",
                          "bob@example.net"})
    EXPECT_TRUE(fits(yes)) << yes;
  for (const char* no : {"nothing", "\"invoice your\"", "from:bob", "to:carl", "bcc:bob", "subject:pay", "tag:three",
                         "is:read", "-invoice", "inbox:other", "larger:10k", "before:2020-01-01", "has:attachments",
                         "has:inline", "invoice nothing"})
    EXPECT_FALSE(fits(no)) << no;
}

TEST_F(SinkSearch, WhatIsNoTermIsTold) {
  for (const char* wrong : {"is:", "is:blue", "has:legs", "larger:many", "before:yesterday", "after:2026-02-30"})
    EXPECT_FALSE(Query::parse(wrong)) << wrong;
  std::string many;
  for (int i = 0; i < 51; ++i) many += "x ";
  EXPECT_FALSE(Query::parse(many));
  EXPECT_TRUE(Query::parse("\"never ends"));
  EXPECT_TRUE(Query::parse("- ! \"\""));
}

} // namespace
} // namespace paquebot::sink
