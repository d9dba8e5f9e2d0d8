#include "store/test_contract.h"

namespace paquebot::store {
namespace {

using enum LimitKind;
constexpr std::int64_t kHourMs = 3'600'000;

Limits limits(std::initializer_list<std::pair<LimitKind, std::uint64_t>> bounds) {
  Limits out;
  for (const auto& [kind, most] : bounds) out[kind] = most;
  return out;
}

TEST_P(StoreContract, LimitsMessagesAreCountedAndTheOneTooManyIsRefusedWhole) {
  const Account anna = make_account("anna@example.org");
  const Limits bounds = limits({{messages_per_hour, 2}});
  for (int i = 0; i < 2; ++i) accepted(submission(anna, bounds, {"bob@elsewhere.example"}));
  const AcceptRequest third = submission(anna, bounds, {"bob@elsewhere.example"});
  const AcceptResult refused = accept(third);
  EXPECT_EQ(refused.status, AcceptStatus::over_limit);
  ASSERT_TRUE(refused.limit);
  EXPECT_EQ(refused.limit->kind, messages_per_hour);
  EXPECT_EQ(refused.limit->used, 2u);
  EXPECT_EQ(refused.limit->most, 2u);
  EXPECT_EQ(refused.limit->until, window_end(messages_per_hour, third.accepted_at));
  EXPECT_FALSE(run(store().trail().trace(third.id))) << "nothing of it is left";
  EXPECT_EQ(limit_use(anna, messages_per_hour, bounds, third.accepted_at).used, 2u) << "what is refused is not charged";
}

TEST_P(StoreContract, LimitsEachKindCountsItsOwn) {
  const Account anna = make_account("anna@example.org");
  struct Case {
    LimitKind kind;
    std::uint64_t most; ///< the first message fits, the second does not
  };
  const AcceptRequest sample = submission(anna, {}, {"x@elsewhere.example"});
  const std::uint64_t size = sample.head.size() + sample.body.bytes.size();
  for (const Case& c : {Case{messages_per_hour, 1}, Case{messages_per_day, 1}, Case{recipients_per_day, 3},
                        Case{new_recipients_per_day, 3}, Case{bytes_per_day, size + 1}}) {
    SCOPED_TRACE(name_of(c.kind));
    const std::string name(name_of(c.kind));
    const Account account = make_account(name + "@example.org");
    const Limits bounds = limits({{c.kind, c.most}});
    accepted(submission(account, bounds, {"a@elsewhere.example", "b@elsewhere.example"}));
    const AcceptResult refused = accept(submission(account, bounds, {"c@elsewhere.example", "d@elsewhere.example"}));
    EXPECT_EQ(refused.status, AcceptStatus::over_limit);
    ASSERT_TRUE(refused.limit);
    EXPECT_EQ(refused.limit->kind, c.kind);
  }
}

TEST_P(StoreContract, LimitsRecipientsOfOneMessage) {
  const Account anna = make_account("anna@example.org");
  const Limits bounds = limits({{recipients_per_message, 2}});
  accepted(submission(anna, bounds, {"a@elsewhere.example", "b@elsewhere.example"}));
  accepted(submission(anna, bounds, {"a@elsewhere.example", "A@elsewhere.example", "b@elsewhere.example"}));
  const AcceptResult refused =
      accept(submission(anna, bounds, {"a@elsewhere.example", "b@elsewhere.example", "c@elsewhere.example"}));
  ASSERT_TRUE(refused.limit);
  EXPECT_EQ(refused.limit->kind, recipients_per_message);
  EXPECT_EQ(refused.limit->until, 0) << "waiting does not help";
}

TEST_P(StoreContract, LimitsWhoWasWrittenToBeforeIsNotNew) {
  const Account anna = make_account("anna@example.org");
  const Limits bounds = limits({{new_recipients_per_day, 1}});
  for (int i = 0; i < 3; ++i) accepted(submission(anna, bounds, {"bob@elsewhere.example"}));
  EXPECT_EQ(accept(submission(anna, bounds, {"eve@elsewhere.example"})).status, AcceptStatus::over_limit);
  accepted(submission(anna, bounds, {"BOB@elsewhere.example"}));
}

TEST_P(StoreContract, LimitsAWindowEnds) {
  const Account anna = make_account("anna@example.org");
  const Limits bounds = limits({{messages_per_hour, 1}});
  AcceptRequest first = submission(anna, bounds, {"bob@elsewhere.example"});
  accepted(first);
  AcceptRequest next = submission(anna, bounds, {"bob@elsewhere.example"});
  next.accepted_at = window_end(messages_per_hour, first.accepted_at);
  accepted(next);
  EXPECT_EQ(limit_use(anna, messages_per_hour, bounds, next.accepted_at).used, 1u);
  EXPECT_EQ(limit_use(anna, messages_per_hour, bounds, next.accepted_at + kHourMs).used, 0u);
}

TEST_P(StoreContract, LimitsCountersSurviveARestartAndGoWithTheAccount) {
  Account anna = make_account("anna@example.org");
  const Limits bounds = limits({{messages_per_day, 1}});
  const AcceptRequest first = submission(anna, bounds, {"bob@elsewhere.example"});
  accepted(first);
  reopen();
  EXPECT_EQ(accept(submission(anna, bounds, {"bob@elsewhere.example"})).status, AcceptStatus::over_limit);
  ASSERT_TRUE(run(store().directory().remove_account("anna@example.org")));
  anna = make_account("anna@example.org");
  accepted(submission(anna, bounds, {"bob@elsewhere.example"}));
}

TEST_P(StoreContract, LimitsAnAccountsOwnBoundComesFirst) {
  const Account anna = make_account("anna@example.org");
  const Limits bounds = limits({{messages_per_day, 1}});
  ASSERT_TRUE(run(store().books().set_limit(anna.id, messages_per_day, 2)));
  for (int i = 0; i < 2; ++i) accepted(submission(anna, bounds, {"bob@elsewhere.example"}));
  EXPECT_EQ(accept(submission(anna, bounds, {"bob@elsewhere.example"})).status, AcceptStatus::over_limit);
  ASSERT_TRUE(run(store().books().set_limit(anna.id, messages_per_day, 0)));
  accepted(submission(anna, bounds, {"bob@elsewhere.example"}));
  const LimitUse own = limit_use(anna, messages_per_day, bounds, message("").accepted_at);
  EXPECT_TRUE(own.own);
  EXPECT_EQ(own.most, 0u);
  EXPECT_EQ(own.used, 3u);
  ASSERT_TRUE(run(store().books().set_limit(anna.id, messages_per_day, std::nullopt)));
  EXPECT_EQ(accept(submission(anna, bounds, {"bob@elsewhere.example"})).status, AcceptStatus::over_limit);
  EXPECT_EQ(run(store().books().set_limit(9999, messages_per_day, 1)).error().code, Errc::not_found);
}

TEST_P(StoreContract, LimitsFourFifthsAreToldOnce) {
  const Account anna = make_account("anna@example.org");
  const Limits bounds = limits({{messages_per_hour, 5}});
  std::vector<std::size_t> told;
  for (int i = 0; i < 5; ++i) {
    const AcceptResult result = accept(submission(anna, bounds, {"bob@elsewhere.example"}));
    EXPECT_EQ(result.status, AcceptStatus::accepted);
    told.push_back(result.passed.size());
  }
  EXPECT_EQ(told, (std::vector<std::size_t>{0, 0, 0, 1, 0}));
}

/// Its session may still be at it: the invariants, looked at in the end, know no counts of nobody.
TEST_P(StoreContract, LimitsAnAccountThatIsGoneSendsNothing) {
  const Account anna = make_account("anna@example.org");
  make_account("bob@example.org");
  const AcceptRequest late = submission(anna, {}, {"bob@elsewhere.example"});
  ASSERT_TRUE(run(store().directory().remove_account("anna@example.org")));
  EXPECT_EQ(accept(late).status, AcceptStatus::failed);
  EXPECT_FALSE(run(store().trail().trace(late.id)));
}

TEST_P(StoreContract, LimitsMailWithoutLimitsIsNotCounted) {
  const Account anna = make_account("anna@example.org");
  AcceptRequest request = submission(anna, {}, {"bob@elsewhere.example"});
  request.limits = nullptr;
  accepted(request);
  EXPECT_EQ(limit_use(anna, messages_per_day, {}, request.accepted_at).used, 0u);
}

} // namespace
} // namespace paquebot::store
