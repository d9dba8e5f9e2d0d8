#include "app/test_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::app {
namespace {

using testing::HasSubstr;

const std::string kMain = "[[source]]\nname = \"main\"\nipv4 = \"127.0.0.2\"\nehlo = \"MX1.ours.example\"\n";
const std::string kBulk = "[[source]]\nname = \"bulk\"\nipv4 = \"127.0.0.3\"\nipv6 = \"::1\"\n";
const std::string kPool =
    "[[pool]]\nname = \"all\"\nfrom = [\"News@Ours.example\", \"*\"]\nsources = { main = 3, bulk = 1 }\n";

TEST(SourceSettings, AreReadAsWritten) {
  const auto config = parse(kMain + kBulk + kPool);
  ASSERT_TRUE(config) << config.error().message;
  const std::size_t usual = parse("")->warnings.size();
  EXPECT_EQ(config->warnings.size(), usual);
  const queue::Sources& sources = *config->snapshot.queue.sources;
  EXPECT_EQ(sources.by_name("main")->ehlo, "mx1.ours.example");
  EXPECT_EQ(sources.by_name("bulk")->ipv6, "::1");
  EXPECT_EQ(sources.pools().at(0).from, (std::vector<std::string>{"news@ours.example", "*"}));
  EXPECT_EQ(sources.pools().at(0).shares.size(), 2U);
  EXPECT_EQ(parse("")->snapshot.queue.sources, nullptr);
  const auto away = parse("[[source]]\nname = \"away\"\nipv4 = \"192.0.2.77\"\n");
  ASSERT_TRUE(away);
  EXPECT_EQ(away->warnings.size(), usual + 1);
  EXPECT_THAT(away->warnings, testing::Contains(HasSubstr("not an address of this machine")));
}

TEST(SourceSettings, WhatIsWrongIsSaid) {
  const struct {
    std::string text;
    const char* said;
  } cases[] = {
      {"[[source]]\nname = \"Main 1\"\nipv4 = \"127.0.0.2\"\n", "needs a name of a-z"},
      {"[[source]]\nname = \"main\"\n", "needs an ipv4 or an ipv6"},
      {"[[source]]\nname = \"main\"\nipv4 = \"::1\"\n", "ipv4 = \"::1\" is no such address"},
      {"[[source]]\nname = \"main\"\nipv6 = \"127.0.0.2\"\n", "ipv6 = \"127.0.0.2\" is no such address"},
      {kMain + kMain, "another [[source]]"},
      {kPool, "there is no [[source]] main"},
      {kMain + kBulk + kPool + kPool, "another [[pool]] all"},
      {kMain + "[[pool]]\nname = \"a\"\nfrom = [\"x@\"]\nsources = { main = 1 }\n", "is neither an address"},
      {kMain + "[[pool]]\nname = \"a\"\nfrom = []\nsources = { main = 1 }\n", "whose mail it is for"},
      {kMain + "[[pool]]\nname = \"a\"\nfrom = [\"*\"]\nsources = { main = 0 }\n", "a weight above 0"},
      {kMain + "[[pool]]\nname = \"a\"\nfrom = [\"*\"]\nsources = [\"main\"]\n", "sources = { mail1 = 3"},
  };
  for (const auto& c : cases) {
    const auto config = parse(c.text);
    ASSERT_FALSE(config) << c.text;
    EXPECT_THAT(config.error().message, HasSubstr(c.said));
  }
}

} // namespace
} // namespace paquebot::app
