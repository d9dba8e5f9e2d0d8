#include "mail/loose_list.h"

#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

std::string shown(std::string_view value) {
  std::string text;
  for (const LooseAddress& one : read_loosely(value, "host.test"))
    text += (text.empty() ? "" : " | ") + (one.address ? one.address->to_string() : "?" + one.text);
  return text;
}

TEST(LooseList, OneBadElementLeavesTheOthers) {
  const struct {
    std::string_view value, addresses;
  } cases[] = {
      {"", ""},
      {" , ,; ", ""},
      {"ann@one.test", "ann@one.test"},
      {"ann@one.test, not an address, bob@two.test", "ann@one.test | ?not an address | bob@two.test"},
      {"ann@@one.test, bob@two.test", "?ann@@one.test | bob@two.test"},
      {"root", "root@host.test"},
      {"root (Cron <x@y.test>, Daemon)", "root@host.test"},
      {"\"Smith, Ann\" <ann@one.test>,\r\n bob", "ann@one.test | bob@host.test"},
      {"Smith, Ann <ann@one.test>", "Smith@host.test | ann@one.test"},
      {"Ann [Support] <ann@one.test>", "ann@one.test"},
      {"shop@one.test <shop@one.test>", "shop@one.test"},
      {"\"never closed <ann@one.test>, bob@two.test", "ann@one.test | bob@two.test"},
      {"(never closed <ann@one.test>, bob@two.test", "ann@one.test | bob@two.test"},
      {"ann@[192.0.2.1], bob@[never", "ann@[192.0.2.1] | ?bob@[never"},
      {"Ann <ann@one.test, Bob <bob@two.test>", "?Ann <ann@one.test | bob@two.test"},
      {"<@a.test,@b.test:ann@one.test>", "ann@one.test"},
      {"undisclosed-recipients:;", ""},
      {"team: ann@one.test, bob;, carl@three.test", "ann@one.test | bob@host.test | carl@three.test"},
      {"ann@one.test; bob@two.test", "ann@one.test | bob@two.test"},
      {"\"a b\"@one.test, \"c d\"", "\"a b\"@one.test | \"c d\"@host.test"},
      {"<>", "?<>"},
  };
  for (const auto& c : cases) EXPECT_EQ(shown(c.value), c.addresses) << c.value;
}

TEST(LooseList, IsBounded) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "a" + std::to_string(i) + "@one.test,";
  const auto read = read_loosely(many, "host.test", 10);
  ASSERT_EQ(read.size(), 11u);
  EXPECT_TRUE(read[9].address);
  EXPECT_FALSE(read[10].address);
  EXPECT_EQ(read_loosely(std::string(1 << 20, '"'), "host.test").size(), 1u);
  EXPECT_EQ(read_loosely(std::string(1 << 20, '('), "host.test").size(), 1u);
  EXPECT_EQ(read_loosely(std::string(1 << 16, '<'), "host.test").size(), 1u);
}

TEST(LooseList, Qualifies) {
  const struct {
    std::string_view value, qualified;
  } cases[] = {
      {" root", " root@o.test"},
      {" root (Cron Daemon)", " root@o.test (Cron Daemon)"},
      {" \"Cron Daemon\" <root>", " \"Cron Daemon\" <root@o.test>"},
      {" ann@one.test,\r\n\tbob, <carl >", " ann@one.test,\r\n\tbob@o.test, <carl@o.test >"},
      {" Cron [daemon] <root>", " Cron [daemon] <root@o.test>"},
      {" \"a@b\"", " \"a@b\"@o.test"},
      {" undisclosed-recipients:;", " undisclosed-recipients:;"},
      {" team: ann, bob@two.test;", " team: ann@o.test, bob@two.test;"},
      {" not an address", " not an address"},
      {" <>", " <>"},
      {"", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(qualify_addresses(c.value, "o.test"), c.qualified) << c.value;
}

} // namespace
} // namespace paquebot::mail
