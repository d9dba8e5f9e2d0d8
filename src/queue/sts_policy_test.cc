#include "queue/sts_policy.h"

#include <gtest/gtest.h>
#include <iterator>

namespace paquebot::queue {
namespace {

using namespace std::chrono_literals;

TEST(StsPolicy, IsReadAsItIsWritten) {
  const auto policy = parse_sts_policy("version: STSv1\r\nmode: enforce\r\nmx: mail.far.test\r\nmx: *.Far.TEST\r\n"
                                       "mx: backup.far.test.\r\nmax_age: 604800\r\n");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->mode, StsMode::enforce);
  EXPECT_EQ(policy->mx, (std::vector<std::string>{"mail.far.test", "*.far.test", "backup.far.test"}));
  EXPECT_EQ(policy->max_age, 604800s);
}

TEST(StsPolicy, IsReadWithPatience) {
  const char* good[] = {
      "version: STSv1\nmode: testing\nmx: a.test\nmax_age: 1\n", "mode:testing\nmax_age:1\nmx:a.test\nversion:STSv1",
      "version: STSv1\nmode: testing\nmode: enforce\nmx: a.test\nmax_age: 1\nmax_age: x\n", // the first counts
      "version: STSv1\nmode: testing\nnew_field: of later days\nmx: a.test\nmax_age: 1\n\n",
      "version: STSv1\nmode: none\nmax_age: 1\n"};
  for (const char* text : good) EXPECT_TRUE(parse_sts_policy(text)) << text;
  EXPECT_EQ(parse_sts_policy("version: STSv1\nmode: none\nmax_age: 9999999999\n")->max_age, 31'557'600s);
}

TEST(StsPolicy, WhatIsNoneIsRefused) {
  std::string many = "version: STSv1\nmode: enforce\nmax_age: 1\n";
  for (int i = 0; i < 1001; ++i) many += "mx: h" + std::to_string(i) + ".test\n";
  const std::string bad[] = {
      "",
      "<html>no such page</html>",
      "version: STSv2\nmode: enforce\nmx: a.test\nmax_age: 1\n",
      "mode: enforce\nmx: a.test\nmax_age: 1\n",
      "version: STSv1\nmode: harsh\nmx: a.test\nmax_age: 1\n",
      "version: STSv1\nmx: a.test\nmax_age: 1\n",
      "version: STSv1\nmode: enforce\nmax_age: 1\n",
      "version: STSv1\nmode: enforce\nmx: a.test\n",
      "version: STSv1\nmode: enforce\nmx: a.test\nmax_age: -1\n",
      "version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 12345678901\n",
      "version: STSv1\nmode: enforce\nmx: *.*.test\nmax_age: 1\n",
      "version: STSv1\nmode: enforce\nmx: a test\nmax_age: 1\n",
      "version: STSv1\nmode: enforce\nmx:\nmax_age: 1\n",
      "version: STSv1\nmode enforce\nmx: a.test\nmax_age: 1\n",
      many,
      std::string(65536, 'x'),
      std::string(65536, '\n'),
      std::string("version: STSv1\0\nmode: enforce\n", 30),
  };
  for (std::size_t i = 0; i < std::size(bad); ++i) EXPECT_FALSE(parse_sts_policy(bad[i])) << i;
}

TEST(StsPolicy, NamesItsHosts) {
  const StsPolicy policy{StsMode::enforce, {"mail.far.test", "*.wild.test"}, 1s};
  const std::pair<const char*, bool> cases[] = {{"mail.far.test", true},
                                                {"MAIL.far.Test", true},
                                                {"mail.far.test.", true},
                                                {"far.test", false},
                                                {"x.mail.far.test", false},
                                                {"a.wild.test", true},
                                                {"wild.test", false},
                                                {"a.b.wild.test", false},
                                                {".wild.test", false},
                                                {"", false},
                                                {"test", false},
                                                {"xmail.far.test", false},
                                                {"mail.far.test.evil", false}};
  for (const auto& [host, named] : cases) EXPECT_EQ(names_host(policy, host), named) << host;
}

TEST(StsPolicy, ARecordTellsItsId) {
  using Texts = std::vector<std::string>;
  struct Case {
    Texts texts;
    std::string id;
  };
  const Case cases[] = {
      {{"v=STSv1; id=20260101T000000;"}, "20260101T000000"},
      {{"v=STSv1;id=1"}, "1"},
      {{"v=STSv1; other=x; id=7;"}, "7"},
      {{"v=spf1 -all", "v=STSv1; id=8"}, "8"},
      {{"v=STSv1; id=8", "v=STSv1; id=9"}, ""}, // RFC 8461 section 3.1: more than one is none
      {{"v=STSv1;"}, ""},
      {{"v=STSv1; id=;"}, ""},
      {{"v=STSv1; id=a b;"}, ""},
      {{"v=STSv1; id=" + std::string(33, 'a')}, ""},
      {{"v=STSv10; id=1"}, ""},
      {{"id=1; v=STSv1"}, ""},
      {{}, ""},
  };
  for (const auto& [texts, id] : cases) EXPECT_EQ(sts_id(texts).value_or(""), id) << (texts.empty() ? "" : texts[0]);
}

} // namespace
} // namespace paquebot::queue
