#include "base/text.h"
#include "policy/srs.h"

#include <gtest/gtest.h>
#include <random>

namespace paquebot::policy {
namespace {

constexpr std::int64_t kToday = 20780;

mail::Address parse(const std::string& text) { return mail::parse_address(text).value(); }

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

TEST(Srs, ThereAndBack) {
  const Srs srs("key");
  for (const char* text : {"ann@far.test", "Ann.B+tag@far.test", "a=b@far.test", "SRS@far.test", "srs0@far.test",
                           "\"a b\"@far.test", "b\xc3\xbc@far.test", "-@f.test"}) {
    const mail::Address sender = parse(text);
    const auto away = srs.forward(sender, "ours.test", kToday);
    ASSERT_TRUE(away) << text;
    EXPECT_EQ(away->domain, "ours.test");
    EXPECT_TRUE(away->local.starts_with("SRS0=")) << away->local;
    EXPECT_TRUE(mail::parse_address(away->to_string())) << away->to_string();
    const auto back = srs.reverse(*away, kToday + kSrsDays);
    ASSERT_TRUE(back) << text << ": " << back.error().message;
    EXPECT_EQ(*back, sender);
  }
}

TEST(Srs, ItsFormIsWhatOthersRead) {
  const std::string local = Srs("key").forward(parse("ann@far.test"), "ours.test", kToday)->local;
  EXPECT_EQ(local.size(), std::string("SRS0=hhhhhh=tt=far.test=ann").size());
  EXPECT_EQ(local.substr(11, 1) + local.substr(14), "==far.test=ann");
}

TEST(Srs, AnEmptyLocalPartIsLeftAlone) {
  EXPECT_FALSE(Srs("key").forward(parse("\"\"@far.test"), "ours.test", kToday));
}

/// What was rewritten already is not wrapped again and again: it names the first host and ourselves.
TEST(Srs, ThroughSeveralHosts) {
  const Srs one("one"), two("two"), three("three");
  const mail::Address sender = parse("ann@far.test");
  const auto first = one.forward(sender, "one.test", kToday);
  const auto second = two.forward(*first, "two.test", kToday);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->local.starts_with("SRS1=")) << second->local;
  EXPECT_NE(second->local.find("=one.test==" + first->local.substr(5)), std::string::npos) << second->local;
  const auto third = three.forward(*second, "three.test", kToday);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->local.size(), second->local.size());
  EXPECT_EQ(three.reverse(*third, kToday).value(), *first);
  EXPECT_EQ(two.reverse(*second, kToday).value(), *first);
  EXPECT_EQ(one.reverse(*first, kToday).value(), sender);
}

TEST(Srs, OtherSeparatorsOfTheFirstHostStay) {
  const auto away = Srs("k").forward(parse("SRS0+abcd=tt=far.test=ann@one.test"), "ours.test", kToday);
  ASSERT_TRUE(away);
  EXPECT_EQ(Srs("k").reverse(*away, kToday)->to_string(), "SRS0+abcd=tt=far.test=ann@one.test");
}

TEST(Srs, LettersOfEitherCaseMeanTheSame) {
  const Srs srs("key");
  const auto away = srs.forward(parse("ann@far.test"), "ours.test", kToday);
  for (const std::string& local : {to_lower(away->local), upper(away->local)}) {
    const auto back = srs.reverse({local, "ours.test"}, kToday);
    ASSERT_TRUE(back) << local;
    EXPECT_TRUE(iequals(back->to_string(), "ann@far.test"));
  }
}

TEST(Srs, NobodyElseCanMakeOne) {
  const Srs srs("key");
  const std::string right = srs.forward(parse("ann@far.test"), "ours.test", kToday)->local;
  std::string other_day = right;
  other_day[13] = other_day[13] == 'A' ? 'B' : 'A';
  const std::string again = srs.forward(parse("SRS0=x=y=far.test=ann@one.test"), "ours.test", kToday)->local;
  for (const std::string& local :
       {std::string("SRS0="), std::string("SRS0=aaaaaa=AA=far.test=ann"), std::string("SRS1="),
        std::string("SRS0====="), std::string("SRS1====="), right.substr(0, right.size() - 1), right + "a",
        std::string("SRS0==") + right.substr(12), std::string("SRS1") + right.substr(4),
        std::string("SRS0") + again.substr(4), again + "b", other_day, right.substr(0, 5) + "=" + right.substr(11),
        std::string("ann"), std::string()}) {
    EXPECT_FALSE(srs.reverse({local, "ours.test"}, kToday)) << local;
  }
  EXPECT_FALSE(Srs("another").reverse({right, "ours.test"}, kToday));
}

/// Whatever is done to one, it is either refused or still leads to the same address.
TEST(Srs, MutationsAreRefused) {
  const Srs srs("key");
  const mail::Address sender = parse("ann@far.test"), before = parse("SRS0=aaaaaa=bb=far.test=ann@one.test");
  std::mt19937 random(7);
  constexpr std::string_view kOctets = "=+-@.SsRr01aAzZ27 \"\\\xc3\x80\x01";
  for (const mail::Address& from : {sender, before}) {
    const std::string right = srs.forward(from, "ours.test", kToday)->local;
    for (int i = 0; i < 5000; ++i) {
      std::string local = right;
      for (auto changes = 1 + random() % 3; changes > 0; --changes) {
        const std::size_t at = random() % (local.size() + 1);
        if (random() % 3 == 0) {
          local.erase(at, 1 + random() % 4);
        } else if (random() % 2 == 0) {
          local.insert(at, 1, kOctets[random() % kOctets.size()]);
        } else if (at < local.size()) {
          local[at] = kOctets[random() % kOctets.size()];
        }
      }
      const auto back = srs.reverse({local, "ours.test"}, kToday);
      if (back) {
        EXPECT_TRUE(iequals(back->to_string(), from.to_string())) << local;
      }
    }
  }
}

TEST(Srs, ItEnds) {
  const Srs srs("key");
  const auto away = srs.forward(parse("ann@far.test"), "ours.test", kToday);
  for (const auto& [day, good] : {std::pair(kToday - 1, true),
                                  {kToday, true},
                                  {kToday + kSrsDays, true},
                                  {kToday + kSrsDays + 1, false},
                                  {kToday - 2, false},
                                  {kToday + 1024, true}}) {
    const auto back = srs.reverse(*away, day);
    EXPECT_EQ(back.has_value(), good) << day - kToday;
    if (!good) {
      EXPECT_EQ(back.error().code, Errc::timeout);
    }
  }
}

TEST(Srs, WhatDoesNotFitIsLeftAlone) {
  const Srs srs("key");
  for (const mail::Address& sender :
       {mail::Address{}, mail::Address{"postmaster", ""}, mail::Address{"a", "[192.0.2.1]"},
        mail::Address{std::string(45, 'a'), "far.test"}, mail::Address{"SRS1=x", "a.test"}})
    EXPECT_FALSE(srs.forward(sender, "ours.test", kToday)) << sender.to_string();
}

} // namespace
} // namespace paquebot::policy
