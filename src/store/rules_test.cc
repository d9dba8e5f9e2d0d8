#include "store/charge.h"
#include "store/takeover.h"

#include <gtest/gtest.h>

namespace paquebot::store {
namespace {

AcceptRequest submission(const std::vector<std::pair<std::string, std::int32_t>>& recipients) {
  AcceptRequest request;
  request.head = "Subject: x\r\n\r\n";
  request.body.bytes = "hello";
  request.body.size = 5;
  for (const auto& [address, parent] : recipients) {
    NewRecipient r;
    r.address = address;
    r.parent = parent;
    request.recipients.push_back(r);
  }
  return request;
}

TEST(Charge, CountsWhomTheSenderNamedOnce) {
  const AcceptRequest request = submission({{"B@x.test", -1}, {"a@x.test", -1}, {"b@X.test", -1}, {"deep@x.test", 1}});
  const auto named = named_recipients(request);
  EXPECT_EQ(named, (std::vector<std::string>{"a@x.test", "b@x.test"}));
  const std::pair<LimitKind, std::uint64_t> cases[] = {
      {LimitKind::messages_per_hour, 1},      {LimitKind::messages_per_day, 1},
      {LimitKind::recipients_per_message, 2}, {LimitKind::recipients_per_day, 2},
      {LimitKind::new_recipients_per_day, 1}, {LimitKind::bytes_per_day, request.head.size() + 5},
  };
  for (const auto& [kind, wanted] : cases) EXPECT_EQ(wanted_of(kind, request, 2, 1), wanted) << name_of(kind);
}

TEST(Charge, BreaksOnlyBeyondABound) {
  const auto hit = [](std::uint64_t used, std::uint64_t wanted, std::uint64_t most) {
    return LimitHit{.kind = LimitKind::recipients_per_day, .used = used, .wanted = wanted, .most = most};
  };
  EXPECT_FALSE(first_broken(std::vector{hit(9, 1, 10)}));
  EXPECT_TRUE(first_broken(std::vector{hit(9, 2, 10)}));
  EXPECT_FALSE(first_broken(std::vector{hit(9, 2, 0)})) << "no bound";
  EXPECT_FALSE(first_broken(std::vector{hit(11, 0, 10)})) << "it adds nothing to it";
  EXPECT_EQ(first_broken(std::vector{hit(1, 1, 9), hit(9, 2, 10), hit(9, 9, 11)})->most, 10u);
}

TEST(Charge, TellsOnceOfAShare) {
  const auto passes = [](LimitKind kind, std::uint64_t used, std::uint64_t wanted) {
    return passed_shares(std::vector{LimitHit{.kind = kind, .used = used, .wanted = wanted, .most = 10}}).size();
  };
  EXPECT_EQ(passes(LimitKind::messages_per_day, 6, 1), 0u);
  EXPECT_EQ(passes(LimitKind::messages_per_day, 7, 1), 1u) << "80 of 100";
  EXPECT_EQ(passes(LimitKind::messages_per_day, 8, 1), 0u) << "told of before";
  EXPECT_EQ(passes(LimitKind::recipients_per_message, 0, 9), 0u) << "it has no window";
}

TEST(ReportMarks, HoldWhileTheSameIsOwed) {
  NewMessage::Settles settles{.message = {}, .recipients = {1, 4}, .marks = {Owed::failure, Owed::delay}};
  EXPECT_TRUE(marks_hold(settles, std::vector{Owed::failure, Owed::delay}));
  EXPECT_FALSE(marks_hold(settles, std::vector{Owed::failure, Owed::failure})) << "the delay has become a failure";
  EXPECT_FALSE(marks_hold(settles, std::vector{Owed::none, Owed::delay})) << "settled before";
  settles.marks.clear();
  EXPECT_TRUE(marks_hold(settles, std::vector{Owed::success, Owed::failure}));
  EXPECT_FALSE(marks_hold(settles, std::vector{Owed::success, Owed::none}));
}

TEST(Takeover, JudgesByWhatIsUsual) {
  const TakeoverRules rules{.new_recipients = 100, .times_usual = 5, .failures = 20, .failure_percent = 33};
  EXPECT_FALSE(judge_new_recipients(rules, 100, 0));
  EXPECT_TRUE(judge_new_recipients(rules, 101, 20));
  EXPECT_FALSE(judge_new_recipients(rules, 105, 21)) << "five times what it does on other days";
  EXPECT_EQ(*judge_new_recipients(rules, 106, 21),
            "it wrote to 106 addresses for the first time on one day, more than 105");
  EXPECT_FALSE(judge_new_recipients({}, 1'000'000, 0)) << "switched off";
  EXPECT_FALSE(judge_failures(rules, 19, 19));
  EXPECT_TRUE(judge_failures(rules, 20, 60));
  EXPECT_FALSE(judge_failures(rules, 20, 61)) << "a third of all";
  EXPECT_EQ(*judge_failures(rules, 20, 1), "20 of 20 recipients of one day refused its mail for good");
  EXPECT_FALSE(judge_failures({}, 1'000'000, 1));
}

} // namespace
} // namespace paquebot::store
