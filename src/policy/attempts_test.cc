#include "policy/attempts.h"

#include <gtest/gtest.h>

namespace paquebot::policy {
namespace {

Attempt login(const std::string& client, const std::string& name, std::int64_t at = 1) {
  return {.what = Attempt::What::wrong, .at = at, .client = client, .port = 587, .protocol = "smtp", .name = name};
}

std::vector<Attempt> all(const Attempts& journal, std::uint64_t after = 0) {
  return journal.find(after, 1000, [](const Attempt&) { return true; });
}

TEST(Attempts, WhatIsRepeatedIsOneEntry) {
  Attempts journal;
  journal.add(login("203.0.113.9", "ann", 1));
  journal.add(login("203.0.113.9", "bob", 2));
  journal.add(login("203.0.113.9", "ann", 3));
  const auto found = all(journal);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name, "ann");
  EXPECT_EQ(found[0].times, 2U);
  EXPECT_EQ(found[0].at, 3);
  EXPECT_EQ(found[0].number, 3U);
  EXPECT_EQ(found[1].name, "bob");
}

TEST(Attempts, OnlyWhatCameSince) {
  Attempts journal;
  journal.add(login("203.0.113.9", "ann"));
  const auto seen = journal.last();
  EXPECT_TRUE(all(journal, seen).empty());
  journal.add(login("203.0.113.9", "ann"));
  EXPECT_EQ(all(journal, seen).size(), 1U);
}

TEST(Attempts, TheOldestGivesWay) {
  Attempts journal(3);
  for (const char* name : {"a", "b", "a", "c", "d"}) journal.add(login("203.0.113.9", name));
  ASSERT_EQ(journal.size(), 3U);
  EXPECT_EQ(all(journal).back().name, "a"); // b was not repeated
}

TEST(Attempts, OneClientDoesNotFillItWithNames) {
  Attempts journal;
  for (int i = 0; i < 5000; ++i) journal.add(login("203.0.113.9", "name" + std::to_string(i)));
  EXPECT_LE(journal.size(), Attempts::kMostOfOne + 1);
  journal.add(login("203.0.113.10", "ann"));
  EXPECT_EQ(all(journal).front().name, "ann");
}

TEST(Attempts, TextsAreCut) {
  Attempts journal;
  Attempt long_one = login(std::string(1000, '1'), std::string(1000, 'n'));
  long_one.why = std::string(1000, 'w');
  long_one.mechanism = std::string(1000, 'm');
  journal.add(long_one);
  const Attempt kept = all(journal).front();
  EXPECT_EQ(kept.name.size(), Attempts::kMostName);
  EXPECT_EQ(kept.why.size(), Attempts::kMostWhy);
  EXPECT_EQ(kept.mechanism.size(), Attempts::kMostMechanism);
  EXPECT_LE(kept.client.size(), 64U);
}

} // namespace
} // namespace paquebot::policy
