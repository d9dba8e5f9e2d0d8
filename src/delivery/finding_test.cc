#include "base/text.h"
#include "delivery/finding.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using smtp::Breakage;
using smtp::Settled;
using Session = Finding::Session;

const mail::Reply kTaken(250, {2, 0, 0}, "ok"), kLost(450, {4, 4, 2}, "the connection was lost"),
    kGoing(421, {4, 3, 2}, "going"), kMany(452, {4, 5, 3}, "too many recipients"),
    kNobody(550, {5, 1, 1}, "no such user");

struct Case {
  const char* name;
  std::vector<mail::Reply> replies;
  const char* settled; ///< a letter each: u(nsent) m(ail) r(cpt) d(ata) c(ontent) b(roken)
  Transmission how;
  Session session;
  unsigned strikes;
  const char *again, *next; ///< an x for each that goes on
};

void check(const Case& c) {
  std::vector<Settled> settled;
  for (const char* letter = c.settled; *letter != 0; ++letter)
    settled.push_back(static_cast<Settled>(std::string_view("umrdcb").find(*letter)));
  Transmission sent = c.how;
  sent.replies = c.replies;
  sent.settled = settled;
  const Finding finding = find(sent);
  EXPECT_EQ(finding.session, c.session) << c.name;
  EXPECT_EQ(finding.strikes, c.strikes) << c.name;
  std::string again, next;
  for (const bool goes_on : finding.again) again += goes_on ? 'x' : '-';
  for (const bool goes_on : finding.next) next += goes_on ? 'x' : '-';
  EXPECT_EQ(again, c.again) << c.name;
  EXPECT_EQ(next, c.next) << c.name;
}

TEST(Finding, WhatThePeerSaidOfTheMessageStands) {
  check({"taken", {kTaken, kNobody}, "cr", {}, Session::judged, 0, "--", "--"});
  check({"4xx at the end", {{451, {4, 3, 0}, "later"}}, "c", {.carried = 3}, Session::judged, 0, "-", "-"});
  check({"4xx to DATA", {{451, {4, 3, 0}, "later"}}, "d", {}, Session::judged, 0, "-", "-"});
  check({"4xx to RCPT", {{450, {4, 2, 1}, "grey"}}, "r", {.reused = true, .carried = 3}, Session::judged, 0, "-", "-"});
  check({"5xx to MAIL", {kNobody, kNobody}, "mm", {.carried = 1}, Session::judged, 0, "--", "--"});
  check({"unsent", {{550, {5, 6, 7}, "no"}}, "u", {}, Session::judged, 0, "-", "-"});
  check({"we broke it off",
         {{450, {4, 3, 0}, "unreadable here"}},
         "b",
         {.content_begun = true},
         Session::judged,
         0,
         "-",
         "-"});
}

TEST(Finding, AConnectionTakesNoFurtherMessage) {
  const Transmission used{.reused = true, .carried = 3};
  check({"421", {kGoing, kGoing}, "bb", used, Session::used_up, 0, "xx", "--"});
  check({"421 behind a refusal", {kNobody, kGoing}, "rb", used, Session::used_up, 0, "-x", "--"});
  check({"421 to the content",
         {kGoing},
         "b",
         {.content_begun = true, .reused = true, .carried = 1},
         Session::used_up,
         0,
         "x",
         "-"});
  check({"452 to MAIL", {{452, {4, 5, 3}, "too many messages"}}, "m", used, Session::used_up, 0, "x", "-"});
  check({"451 to MAIL", {{451, {4, 7, 0}, "too many messages"}}, "m", used, Session::used_up, 0, "x", "-"});
  check(
      {"closed meanwhile", {kLost}, "b", {.breakage = Breakage::lost, .reused = true}, Session::used_up, 0, "x", "-"});
}

TEST(Finding, AnotherHostMayBeBetter) {
  check({"451 to MAIL", {{451, {4, 3, 0}, "database"}}, "m", {}, Session::elsewhere, 0, "x", "-"});
  check({"450 to MAIL",
         {{450, {4, 7, 1}, "grey"}},
         "m",
         {.reused = true, .carried = 2},
         Session::elsewhere,
         0,
         "x",
         "-"});
  check({"421", {kGoing}, "b", {}, Session::broken, 1, "x", "-"});
  check({"421 where no message was judged", {kGoing}, "b", {.reused = true}, Session::broken, 1, "x", "-"});
  check({"421 to the content", {kGoing}, "b", {.content_begun = true}, Session::broken, 1, "x", "-"});
  check({"lost", {kLost, kNobody}, "br", {.breakage = Breakage::lost}, Session::broken, 1, "x-", "--"});
  check({"silent",
         {kLost},
         "b",
         {.breakage = Breakage::timeout, .reused = true, .carried = 1},
         Session::broken,
         1,
         "x",
         "-"});
  check({"nonsense", {kLost}, "b", {.breakage = Breakage::malformed}, Session::broken, 1, "x", "-"});
  check({"lost in the content: it may have been the message",
         {kLost},
         "b",
         {.breakage = Breakage::lost, .content_begun = true},
         Session::broken,
         0,
         "x",
         "-"});
}

TEST(Finding, NobodyIsSentTwiceInDoubt) {
  check({"no final reply",
         {kLost},
         "b",
         {.breakage = Breakage::lost, .in_doubt = true, .content_begun = true},
         Session::broken,
         0,
         "-",
         "-"});
  check({"nor over a used connection",
         {kLost},
         "b",
         {.breakage = Breakage::lost, .in_doubt = true, .content_begun = true, .reused = true, .carried = 4},
         Session::broken,
         0,
         "-",
         "-"});
  check({"LMTP, one of two",
         {kTaken, kLost},
         "cb",
         {.breakage = Breakage::timeout, .in_doubt = true, .content_begun = true},
         Session::broken,
         0,
         "--",
         "--"});
}

TEST(Finding, WhoATransactionHasNoRoomForGoesInTheNext) {
  const mail::Reply plain_452(452, {}, "too many"), full(452, {4, 2, 2}, "mailbox full"),
      storage(452, {4, 3, 1}, "disk full");
  const mail::Reply old_552(552, {}, "too many"), quota(552, {5, 2, 2}, "over quota"),
      large(552, {5, 3, 4}, "too large");
  check({"452 4.5.3", {kTaken, kMany, kMany}, "crr", {}, Session::judged, 0, "---", "-xx"});
  check({"without a code", {kTaken, plain_452}, "cr", {}, Session::judged, 0, "--", "-x"});
  check({"552", {kTaken, kNobody, old_552}, "crr", {}, Session::judged, 0, "---", "--x"});
  check({"nobody was accepted before", {kMany, kMany}, "rr", {}, Session::judged, 0, "--", "--"});
  check({"552 without anybody before", {old_552, kTaken}, "rc", {}, Session::judged, 0, "--", "--"});
  check({"about the recipient",
         {kTaken, full, storage, quota, large},
         "crrrr",
         {},
         Session::judged,
         0,
         "-----",
         "-----"});
  check({"552 at the end is about the message", {old_552, old_552}, "cc", {}, Session::judged, 0, "--", "--"});
  check({"DATA was refused then", {{451, {}, "later"}, kMany}, "dr", {}, Session::judged, 0, "--", "-x"});
  check({"the session broke then", {kLost, kMany}, "br", {.breakage = Breakage::lost}, Session::broken, 1, "x-", "-x"});
}

TEST(Finding, WhoTakesLongerThanTheMessageExplainsIsSlow) {
  using namespace std::chrono_literals;
  const struct {
    std::chrono::milliseconds took;
    std::size_t recipients;
    std::uint64_t size;
    bool slow;
  } cases[] = {
      {0ms, 1, 0, false},      {20s, 1, 1000, false},       {22s, 1, 1000, true},         {45s, 1, 1000, true},
      {45s, 100, 1000, false}, {45s, 1, 25'000'000, false}, {15min, 1, 25'000'000, true},
  };
  for (const auto& one : cases) {
    const std::vector<mail::Reply> replies(one.recipients, kTaken);
    const std::vector<Settled> settled(one.recipients, Settled::content);
    const Finding finding = find({.replies = replies, .settled = settled, .took = one.took, .size = one.size});
    EXPECT_EQ(finding.slow, one.slow) << one.took.count() << " ms, " << one.size;
  }
}

} // namespace
} // namespace paquebot::delivery
