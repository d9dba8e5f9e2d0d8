#include "mailauth/author.h"

#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

using State = Author::State;

struct Case {
  std::string head;
  State state;
  const char* domain;
};

TEST(Author, Domains) {
  const Case cases[] = {
      {"From: a@a.test\r\n", State::one, "a.test"},
      {"FROM : \"x@evil.test\" <a@A.Test>\r\n", State::one, "a.test"},
      {"From: x@evil.test (not me), <a@a.test>\r\n", State::several, ""},
      {"From:\r\n\t<a@a.test>\r\n", State::one, "a.test"},
      {"From: a@b\xc3\xbc"
       "cher.test\r\n",
       State::one, "xn--bcher-kva.test"},
      {"From: A <a@a.test>, B <b@a.test>\r\n", State::one, "a.test"},
      {"From: a@a.test, b@b.test\r\n", State::several, ""},
      {"From: a@a.test, b@sub.a.test\r\n", State::several, ""},
      {"From: a@a.test\r\nFrom: a@a.test\r\n", State::several, ""},
      {"From: a@a.test\r\nfrom:b@b.test\r\n", State::several, ""},
      {"", State::missing, ""},
      {"To: a@a.test\r\n", State::missing, ""},
      {"From:\r\n", State::missing, ""},
      {"From: undisclosed:;\r\n", State::missing, ""},
      {"From: team: a@a.test;\r\n", State::one, "a.test"},
      {"From: team: a@a.test, b@b.test;\r\n", State::several, ""},
      {"From: a\r\n", State::malformed, ""},
      {"From: a@a.test <b@b.test>\r\n", State::malformed, ""},
      {"From: <a@a.test> <b@b.test>\r\n", State::malformed, ""},
      {"From: a@a.test b@b.test\r\n", State::malformed, ""},
      {"From: a@a.test@b.test\r\n", State::malformed, ""},
      {"From: a@(b)a.test\r\n", State::one, "a.test"},
      {"From: a@a.test (an (inner) comment)\r\n", State::one, "a.test"},
      {"From: a@a.test (open\r\n", State::malformed, ""},
      {"From: \"open <a@a.test>\r\n", State::malformed, ""},
      {"From: <a@a.test\r\n", State::malformed, ""},
      {"From: =?utf-8?q?a=40evil=2Etest?=\r\n", State::malformed, ""},
      {"From: =?utf-8?q?a=40evil=2Etest?= <a@a.test>\r\n", State::one, "a.test"},
      {"From: <@evil.test:a@a.test>\r\n", State::one, "a.test"},
      {"From: a@[192.0.2.1]\r\n", State::malformed, ""},
      {"From: a@a..test\r\n", State::malformed, ""},
      {std::string("From: a@a.test\0<b@b.test>\r\n", 28), State::malformed, ""},
      {"From: a@a.test\r<b@b.test>\r\n", State::malformed, ""},
      {"From: a@a.test\x80\r\n", State::malformed, ""},
      {" From: x@evil.test\r\nFrom: a@a.test\r\n", State::malformed, ""},
      {"From\x01: x@evil.test\r\nFrom: a@a.test\r\n", State::malformed, ""},
      {std::string("From: a@a.test\r\nFrom\0: x@evil.test\r\n", 36), State::malformed, ""},
      {"From\x01x: x@evil.test\r\nFrom: a@a.test\r\n", State::one, "a.test"},
      {"X: y\r\n From: x@evil.test\r\nFrom: a@a.test\r\n", State::one, "a.test"}, // folded: part of X
  };
  for (const auto& c : cases) {
    const auto author = author_of(*mail::Head::parse(c.head + "\r\n"));
    EXPECT_EQ(author.state, c.state) << c.head << author.reason;
    EXPECT_EQ(author.domain, c.domain) << c.head;
    EXPECT_EQ(author.reason.empty(), c.state == State::one) << c.head;
  }
}

} // namespace
} // namespace paquebot::mailauth
