#include "base/fake_clock.h"
#include "base/text.h"
#include "policy/srs.h"

#include <gtest/gtest.h>
#include <random>

namespace paquebot::policy {
namespace {

mail::Address parse(const std::string& text) { return mail::parse_address(text).value(); }

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

class SrsTest : public ::testing::Test {
protected:
  SrsTest() : ids(clock), message(ids.next()) {}
  std::string forward(const std::string& sender) const {
    return srs.forward(parse(sender), message, "ours.test").local;
  }

  FakeClock clock;
  UlidSource ids;
  Ulid message;
  Srs srs{"key"};
};

TEST_F(SrsTest, ThereAndBack) {
  for (const char* text : {"ann@far.test", "Ann.B+tag@far.test", "a=b@far.test", "SRS@far.test", "srs0@far.test",
                           "\"a b\"@far.test", "b\xc3\xbc@far.test", "-@f.test", "\"\"@far.test", "a@[192.0.2.1]",
                           "SRS0=aaaaaa=bb=far.test=ann@one.test", "SRS1=x=a.test==b=c=d=e@a.test"}) {
    const mail::Address away = srs.forward(parse(text), message, "ours.test");
    EXPECT_EQ(away.domain, "ours.test");
    EXPECT_TRUE(away.local.starts_with("SRS0=")) << away.local;
    EXPECT_LE(away.local.size(), mail::kMaxLocalPart);
    EXPECT_EQ(away.to_string(), away.local + "@ours.test") << "it needs no quotes";
    ASSERT_TRUE(mail::parse_address(away.to_string(), false)) << away.to_string();
    EXPECT_TRUE(srs.serves(away.local, message)) << away.local;
    EXPECT_EQ(Srs::time_of(away.local, millis(clock.wall())), message.millis());
  }
}

TEST_F(SrsTest, ItTellsPeopleWhomItIsFor) {
  const std::string local = forward("ann@far.test");
  EXPECT_EQ(local.size(), std::string("SRS0=hhhhhh=tttttttt=far.test=ann").size());
  EXPECT_EQ(local.substr(11, 1) + local.substr(20), "==far.test=ann");
  EXPECT_EQ(forward(std::string(60, 'a') + "@far.test").size(), std::string("SRS0=hhhhhh=tttttttt").size());
}

TEST_F(SrsTest, ItServesOneMessage) {
  const std::string local = forward("ann@far.test");
  const Ulid next = ids.next(); // of the same millisecond
  EXPECT_EQ(next.millis(), message.millis());
  EXPECT_FALSE(srs.serves(local, next));
  EXPECT_NE(local, srs.forward(parse("ann@far.test"), next, "ours.test").local);
}

TEST_F(SrsTest, LettersOfEitherCaseMeanTheSame) {
  const std::string local = forward("ann@far.test");
  for (const std::string& form : {to_lower(local), upper(local)}) {
    EXPECT_TRUE(srs.serves(form, message)) << form;
    EXPECT_EQ(Srs::time_of(form, millis(clock.wall())), message.millis());
  }
}

TEST_F(SrsTest, NobodyElseCanMakeOne) {
  const std::string right = forward("ann@far.test");
  std::string other_time = right;
  other_time[13] = other_time[13] == 'A' ? 'B' : 'A';
  for (const std::string& local :
       {std::string("SRS0="), std::string("SRS0=aaaaaa=AAAAAAAA=far.test=ann"), std::string("SRS1="),
        std::string("SRS0====="), right.substr(0, right.size() - 1), right + "a",
        std::string("SRS0==") + right.substr(12), std::string("SRS1") + right.substr(4), other_time,
        right.substr(0, 5) + "=" + right.substr(11), right.substr(0, 20), std::string("ann"), std::string()}) {
    EXPECT_FALSE(srs.serves(local, message)) << local;
  }
  EXPECT_FALSE(Srs("another").serves(right, message));
}

/// Whatever is done to one, it is refused unless only the case of letters has changed.
TEST_F(SrsTest, MutationsAreRefused) {
  std::mt19937 random(7);
  constexpr std::string_view kOctets = "=+-@.SsRr01aAzZ27 \"\\\xc3\x80\x01";
  const std::string right = forward("ann@far.test");
  for (int i = 0; i < 10000; ++i) {
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
    Srs::time_of(local, millis(clock.wall()));
    if (srs.serves(local, message)) {
      local[4] = '='; // other separators mean the same
      EXPECT_TRUE(iequals(local, right)) << local;
    }
  }
}

TEST_F(SrsTest, ItsTimeIsFoundForYears) {
  const std::string local = forward("ann@far.test");
  const std::int64_t now = millis(clock.wall()), day = 86'400'000;
  for (const std::int64_t later : {-day, std::int64_t{0}, day, 12'000 * day})
    EXPECT_EQ(Srs::time_of(local, now + later), message.millis()) << later;
  EXPECT_LT(Srs::time_of(local, now - 2 * day).value(), now - 10'000 * day) << "not of a future that far";
}

} // namespace
} // namespace paquebot::policy
