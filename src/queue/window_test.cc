#include "queue/window.h"

#include <gtest/gtest.h>
#include <utility>

namespace paquebot::queue {
namespace {

Job job_named(const std::string& name, int priority = 0, bool report = false) {
  Job job;
  job.message.klass = report ? store::MessageClass::report : store::MessageClass::submitted;
  job.message.sender.priority = priority;
  store::RecipientFacts recipient;
  recipient.address = name;
  job.recipients = {recipient};
  return job;
}

std::string name_of(const std::optional<Job>& job) { return job ? job->recipients.at(0).address : ""; }

std::string all_of(Window& window) {
  std::string names;
  while (auto job = window.pick(true, true)) names += name_of(job);
  return names;
}

TEST(Window, TheHighestPriorityComesFirstAndWithinOneWhatCameFirst) {
  Window window;
  for (const auto& [name, priority] : {std::pair{"a", 0}, {"b", -5}, {"c", 7}, {"d", 0}, {"e", 7}})
    window.add(job_named(name, priority));
  EXPECT_EQ(window.size(), 5U);
  EXPECT_EQ(all_of(window), "ceadb");
  EXPECT_TRUE(window.empty());
}

TEST(Window, WhatIsPutBackIsTheFirstOfItsPriority) {
  Window window;
  for (const auto& [name, priority] : {std::pair{"a", 0}, {"b", 5}, {"c", -5}}) window.add(job_named(name, priority));
  window.put_back(job_named("x", 0));
  EXPECT_EQ(all_of(window), "bxac");
}

TEST(Window, GivesOnlyWhatIsWanted) {
  Window window;
  window.add(job_named("r", 0, true));
  EXPECT_TRUE(window.only_reports());
  window.add(job_named("a"));
  EXPECT_FALSE(window.only_reports());
  EXPECT_EQ(window.reports(), 1U);
  EXPECT_FALSE(window.pick(false, false));
  EXPECT_EQ(name_of(window.pick(false, true)), "a");
  EXPECT_FALSE(window.pick(false, true));
  EXPECT_EQ(name_of(window.pick(true, false)), "r");
  EXPECT_EQ(window.reports(), 0U);
  EXPECT_FALSE(window.only_reports()) << "there is nothing";
}

TEST(Window, IsEmptiedAtOnce) {
  Window window;
  window.add(job_named("r", 0, true));
  window.add(job_named("a", 3));
  const auto jobs = window.take_all();
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].recipients[0].address, "a");
  EXPECT_TRUE(window.empty());
  EXPECT_EQ(window.reports(), 0U);
}

TEST(Window, WhoIsMeantLeavesAndTheOthersStay) {
  Window window;
  Job two = job_named("a");
  two.recipients.push_back(job_named("b").recipients[0]);
  two.fresh = std::make_shared<store::AcceptRequest>();
  window.add(std::move(two));
  window.add(job_named("b", 0, true));
  window.add(job_named("c"));
  const auto meant = [](const store::MessageFacts&, const store::RecipientFacts& one) { return one.address == "b"; };
  const auto taken = window.withdraw(meant);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_FALSE(taken[0].fresh) << "somebody else of it stays";
  EXPECT_EQ(taken[0].recipients.size(), 1U);
  EXPECT_EQ(window.reports(), 0U);
  EXPECT_EQ(window.size(), 2U);
  const auto everybody = [](const store::MessageFacts&, const store::RecipientFacts&) { return true; };
  const auto rest = window.withdraw(everybody);
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_TRUE(rest[0].fresh);
  EXPECT_TRUE(window.empty());
}

TEST(Window, WhatIsLetWaitIsDueNowOrAtTheEndOfItsLife) {
  std::vector<Job> jobs;
  for (const std::int64_t end : {900, 2000}) {
    jobs.push_back(job_named("a"));
    jobs.back().message.expires_at = end;
  }
  std::vector<store::Outcome> outcomes;
  let_wait(jobs, 1000, outcomes);
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes[0].due, 900);
  EXPECT_EQ(outcomes[1].due, 1000);
  EXPECT_FALSE(outcomes[0].attempted);
  EXPECT_EQ(outcomes[0].to, store::State::waiting);
}

} // namespace
} // namespace paquebot::queue
