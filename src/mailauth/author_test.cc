#include "mailauth/author.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace paquebot::mailauth {
namespace {

using State = Author::State;

struct Case {
  std::string head;
  State state;
  const char* domains; ///< parted by blanks
};

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

void expect_authors(const std::vector<Case>& cases) {
  for (const auto& c : cases) {
    const auto author = author_of(*mail::Head::parse(c.head + "\r\n"));
    EXPECT_EQ(author.state, c.state) << c.head << author.reason;
    EXPECT_EQ(joined(author.domains), c.domains) << c.head;
    EXPECT_EQ(author.domain, c.state == State::one ? c.domains : "") << c.head;
    EXPECT_EQ(author.reason.empty(), c.state == State::one) << c.head;
  }
}

TEST(Author, Domains) {
  expect_authors({
      {"From: a@a.test\r\n", State::one, "a.test"},
      {"FROM : \"x@evil.test\" <a@A.Test>\r\n", State::one, "a.test"},
      {"From: x@evil.test (not me), <a@a.test>\r\n", State::several, "evil.test a.test"},
      {"From:\r\n\t<a@a.test>\r\n", State::one, "a.test"},
      {"From: a@b\xc3\xbc"
       "cher.test\r\n",
       State::one, "xn--bcher-kva.test"},
      {"From: A <a@a.test>, B <b@a.test>\r\n", State::one, "a.test"},
      {"From: a@a.test, b@a.test, c@a.test, d@a.test, e@a.test\r\n", State::one, "a.test"},
      {"From: a@a.test, b@b.test\r\n", State::several, "a.test b.test"},
      {"From: a@a.test, b@sub.a.test\r\n", State::several, "a.test sub.a.test"},
      {"From: a@a.test, a@b.test, a@c.test, a@d.test\r\n", State::several, "a.test b.test c.test d.test"},
      {"From: a@a.test, a@b.test, a@c.test, a@d.test, a@e.test\r\n", State::several, ""},
      {"", State::missing, ""},
      {"To: a@a.test\r\n", State::missing, ""},
      {"From:\r\n", State::missing, ""},
      {"From: undisclosed:;\r\n", State::missing, ""},
      {"From: team: a@a.test;\r\n", State::one, "a.test"},
      {"From: team: a@a.test, b@b.test;\r\n", State::several, "a.test b.test"},
      {"From: a@(b)a.test\r\n", State::one, "a.test"},
      {"From: a@a.test (an (inner) comment)\r\n", State::one, "a.test"},
      {"From: =?utf-8?q?a=40evil=2Etest?= <a@a.test>\r\n", State::one, "a.test"},
      {"From: a@a.test (x@evil.test)\r\n", State::one, "a.test"},
      {"From\x01x: x@evil.test\r\nFrom: a@a.test\r\n", State::one, "a.test"},
      {"X: y\r\n From: x@evil.test\r\nFrom: a@a.test\r\n", State::one, "a.test"}, // folded: part of X
  });
}

TEST(Author, AnUntidyFieldLeadsToAllThatProgramsMayRead) {
  expect_authors({
      {"From: shop@one.test <shop@one.test>\r\n", State::one, "one.test"},
      {"From: Ann [Support] <ann@one.test>\r\n", State::one, "one.test"},
      {"From: Smith, Ann <ann@one.test>\r\n", State::one, "one.test"},
      {"From: Shop: news <ann@one.test>\r\n", State::one, "one.test"},
      {"From: Ann @ Work <ann@one.test>\r\n", State::one, "one.test"},
      {"From: Ann; sales <ann@one.test>\r\n", State::one, "one.test"},
      {"From: J\xf6rg <ann@one.test>\r\n", State::one, "one.test"},
      {"From: \x1b$B;3ED\x1b(B <ann@one.test>\r\n", State::one, "one.test"},
      {"From: =?utf-8?q?Smith,_Ann?= <ann@one.test>\r\n", State::one, "one.test"},
      {"From: =?utf-8?q?S, x?= <ann@one.test>\r\n", State::one, "one.test"},
      {"From: a@a.test (open\r\n", State::one, "a.test"},
      {"From: \"open <a@a.test>\r\n", State::one, "a.test"},
      {"From: <a@a.test\r\n", State::one, "a.test"},
      {"From: a@a..test\r\n", State::one, "a.test"},
      {"From: a@a.test\x80\r\n", State::one, "a.test"},
      {"From: a@a.test.\r\n", State::one, "a.test"},
      {"From: a@a\xe2\x80\x8b.test\r\n", State::one, "a.test"},
      {"From: =?utf-8?q?a=40evil=2Etest?=\r\n", State::one, "evil.test"},
      {"From: =?utf-8?b?YUBldmlsLnRlc3Q?=\r\n", State::one, "evil.test"},
      {"From: a@=?utf-8?q?evil?= =?x?Q?.test?=\r\n", State::one, "evil.test"},
      {"From: a@a.test <b@b.test>\r\n", State::several, "a.test b.test"},
      {"From: <a@a.test>b.test\r\n", State::several, "a.test a.testb.test"},
      {"From: <a@a.test> <b@b.test>\r\n", State::several, "a.test b.test"},
      {"From: a@a.test b@b.test\r\n", State::several, "a.test b.test"},
      {"From: a@a.test@b.test\r\n", State::several, "a.test b.test"},
      {"From: <@evil.test:a@a.test>\r\n", State::several, "evil.test a.test"},
      {"From: \"a@a.test\"@b.test\r\n", State::several, "a.test b.test"},
      {"From: \"a@a.test\" [x] <b@b.test>\r\n", State::several, "a.test b.test"},
      {"From: (a(b)<a@a.test>)b@b.test\r\n", State::several, "a.test b.test"},
      {"From: a@a.test(x).b.test\r\n", State::several, "a.test a.test.b.test"},
      {"From: a@a\xe2\x80\x8b.test, b@b.test\r\n", State::several, "a.test b.test"},
      {"From: =?utf-8?q?x,<a=40a.test>?= <b@b.test>\r\n", State::several, "b.test a.test"},
      {"From: a@ a . test <b@b.test>\r\n", State::several, "b.test a.test"},
      {std::string("From: a@a.test\0<b@b.test>\r\n", 28), State::several, "a.test b.test"},
      {std::string("From: a@a\0.test, b@b.test\r\n", 28), State::several, "b.test a.test"},
      {"From: a@a. te st, b@b.test\r\n", State::several, "b.test a.te a.test"},
      {"From: <a@a.te><st>, b@b.test\r\n", State::several, "a.te b.test a.test"},
      {"From: a@a.test\r<b@b.test>\r\n", State::several, "a.test b.test"},
      // Quotes that some programs leave out, and draw together what stands around them.
      {"From: \"a@a.test\"x\r\n", State::several, "a.test a.testx"},
      {"From: \"a@a.\"test <b@b.test\r\n", State::several, "b.test a.test"},
      // What ends an address for JavaScript's \s and \b.
      {"From: a@a.test\xc2\xa0x.b.test\r\n", State::several, "a.test a.testx.b.test"},
      {"From: a@a.test\xe3\x80\x80.b.test\r\n", State::several, "a.test a.test.b.test"},
      {"From: a@a.test\xef\xbb\xbfx.b.test\r\n", State::several, "a.testx.b.test a.test"},
      {"From: a@a.test- x.b.test\r\n", State::several, "a.test a.test-x.b.test"},
      {"From: a@a.test-.- x.b.test\r\n", State::one, "a.test"},
      {"From: a@a.test\xc3\xa9 x.b.test\r\n", State::several, "a.xn--test-epa a.test"},
      {"From: a@b\xc3\xbc.test [x]\r\n", State::one, "xn--b-eha.test"},
      {"From: a@mail.b\xc3\xbc.test [x]\r\n", State::one, "mail.xn--b-eha.test"},
      {"From: Jan\xc2\xa0- <ann@one.test>\r\n", State::one, "one.test"},
  });
}

/// Programs show the first, the last, or all of them.
TEST(Author, OfSeveralFieldsEachIsToBeJudged) {
  const std::string a = "From: a@a.test\r\n", b = "from:b@b.test\r\n", many = "From: a@a.test, b@b.test, c@c.test\r\n";
  expect_authors({
      {a + a, State::one, "a.test"},
      {a + "Subject: x\r\nFROM : Ann [x] <ann@A.test>\r\n", State::one, "a.test"},
      {a + b, State::several, "a.test b.test"},
      {b + a + b, State::several, "b.test a.test"},
      {many + "From: d@d.test\r\n", State::several, "a.test b.test c.test d.test"},
      {many + many, State::several, "a.test b.test c.test"},
      {many + "From: d@d.test\r\nFrom: e@e.test\r\n", State::several, ""},
      {a + a + a + a, State::one, "a.test"},
      {a + a + a + a + a, State::several, ""},
      // A field that nobody can judge makes the message one: some program shows it.
      {a + "From: \r\n", State::missing, ""},
      {"From: undisclosed:;\r\n" + a, State::missing, ""},
      {a + "From: boss\r\n", State::malformed, ""},
      {"From: boss@[192.0.2.1]\r\n" + a, State::malformed, ""},
      {a + " From: b@b.test\r\nFrom: a@a.test\r\n", State::several, "a.test b.test a.testfrom"}, // folded
      {a + "From\x01: b@b.test\r\n", State::malformed, ""},
      // Read as one list, as some programs do, they may say more.
      {"From: \"a <a@a.test>\r\nFrom: x\"@b.test\r\n", State::several, "a.test b.test"},
  });
}

/// Whatever octets stand around the name or in it, and wherever the line is folded.
TEST(Author, OfALineThatResemblesOneNothingCanBeJudged) {
  const std::string honest = "From: eve@evil.test\r\n";
  const auto judge = [&](const std::string& line) {
    for (const std::string& head : {line + honest, honest + line})
      EXPECT_TRUE(author_of(*mail::Head::parse(head + "\r\n")).domains.empty()) << testing::PrintToString(line);
  };
  for (const char* name : {"From\r\n ", "From \r\n\t", "Fr\r\n om", "FROM\r\n \r\n "})
    judge(std::string(name) + ": boss@legit.test\r\n");
  for (int octet = 0; octet < 256; ++octet) {
    const std::string odd(1, static_cast<char>(octet));
    if (octet == '\r' || octet == '\n' || octet == ':' || (octet > ' ' && octet < 127)) continue;
    if (octet == ' ' || octet == '\t') continue; // it would be a From field, or folded
    judge("From" + odd + ": boss@legit.test\r\n");
    judge(odd + "From: boss@legit.test\r\n");
    judge("Fr" + odd + odd + "om: boss@legit.test\r\n");
  }
  expect_authors({{"Frome: x@x.test\r\n" + honest, State::one, "evil.test"},
                  {"Fro: x@x.test\r\n" + honest, State::one, "evil.test"},
                  {"X-From: x@x.test\r\n" + honest, State::one, "evil.test"},
                  {"F\xc3\xa9rom: x@x.test\r\n" + honest, State::malformed, ""},
                  {"Frim\xa0: x@x.test\r\n" + honest, State::one, "evil.test"}});
}

TEST(Author, OfWhatNobodyReadsNothingCanBeJudged) {
  expect_authors({
      {"From: a\r\n", State::malformed, ""},
      {"From: a@b\r\n", State::one, "b"},
      {"From: x@y z@w\r\n", State::malformed, ""},
      {"From: a@[192.0.2.1]\r\n", State::malformed, ""},
      {"From: a@[192.0.2.1] x\r\n", State::malformed, ""},
      {" From: x@evil.test\r\nFrom: a@a.test\r\n", State::malformed, ""},
      {"From\x01: x@evil.test\r\nFrom: a@a.test\r\n", State::malformed, ""},
      {std::string("From: a@a.test\r\nFrom\0: x@evil.test\r\n", 36), State::malformed, ""},
      {"From: a a@a.test a@b.test a@c.test a@d.test a@e.test\r\n", State::several, ""},
      {"From: a a@a.test" + std::string(20'000, '(') + "\r\n", State::several, ""},
  });
}

TEST(Author, TheReasonQuotesTheField) {
  const auto of = [](const std::string& field) { return author_of(*mail::Head::parse(field + "\r\n\r\n")).reason; };
  EXPECT_NE(of("From: nobody\x1b[1m").find("\"nobody\\x1b[1m\""), std::string::npos) << of("From: nobody\x1b[1m");
  EXPECT_LT(of("From: " + std::string(900, 'x') + " y").size(), 400U);
  const std::string two = of("From: a@a.test\r\nFrom: b@b.test");
  EXPECT_NE(two.find("2 From fields"), std::string::npos) << two;
  EXPECT_NE(two.find("\"a@a.test\", \"b@b.test\""), std::string::npos) << two;
  const std::string long_one = "From: " + std::string(900, 'x') + " y\r\n";
  EXPECT_LT(of(long_one + long_one + long_one + long_one + long_one + "X: y").size(), 600U);
  EXPECT_NE(of("From: a@a.test\r\nFrom: nobody").find("\"nobody\""), std::string::npos);
  EXPECT_NE(of("From: a@a.test, b@b.test").find("\"a@a.test, b@b.test\""), std::string::npos);
}

} // namespace
} // namespace paquebot::mailauth
