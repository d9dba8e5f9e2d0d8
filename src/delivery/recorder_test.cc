#include "delivery/recorder.h"
#include "delivery/test_mail.h"
#include "directory/test_server.h"
#include "store/wrapped_store.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using directory::run_task;

/// Counts the transactions, and fails some of them.
class CountingStore : public store::Wrapped<store::WrappedQueueStore> {
public:
  using Wrapped::Wrapped;
  Task<Result<std::size_t>> record(std::vector<store::Outcome> outcomes,
                                   std::optional<store::DestinationUpdate> update) override {
    sizes.push_back(outcomes.size());
    if (failures > 0) {
      --failures;
      co_return fail(Errc::io, "the disk does not answer");
    }
    co_return co_await WrappedQueueStore::record(std::move(outcomes), std::move(update));
  }
  std::vector<std::size_t> sizes;
  int failures = 0;
};

class RecorderTest : public testing::Test {
protected:
  void add(const Ulid& id, store::State to = store::State::relayed) {
    std::vector<store::Outcome> outcomes{
        {.message = id, .index = 0, .to = to, .due = 1, .reply = mail::Told::by({250, {}, "ok"})}};
    run_task(finish(recorder_.add("far.example", std::move(outcomes), true)));
  }

  static Task<bool> finish(Task<void> task) {
    co_await std::move(task);
    co_return true;
  }

  directory::TestServer server_;
  CountingStore store_{server_.store()};
  queue::Queue queue_{store_, system_clock(), {}};
  Recorder recorder_{queue_};
  test::TestMail mail_{queue_, store_};
};

TEST_F(RecorderTest, WhatWaitsBecomesOneTransaction) {
  std::vector<Ulid> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(mail_.accept("a@far.example"));
  for (const Ulid& id : ids) add(id);
  EXPECT_TRUE(store_.sizes.empty());
  ASSERT_TRUE(recorder_.wants_flush());
  run_task(finish(recorder_.flush()));
  EXPECT_EQ(store_.sizes, std::vector<std::size_t>{5});
  for (const Ulid& id : ids) EXPECT_EQ(mail_.recipient(id).state, store::State::relayed);
  EXPECT_FALSE(recorder_.wants_flush());
  run_task(finish(recorder_.room())); // does not wait
}

TEST_F(RecorderTest, NothingIsForgottenWhileTheStoreFails) {
  const Ulid id = mail_.accept("a@far.example");
  store_.failures = 2;
  add(id);
  run_task(finish(recorder_.flush()));
  EXPECT_EQ(store_.sizes.size(), 3u);
  EXPECT_EQ(mail_.recipient(id).state, store::State::relayed);
}

TEST_F(RecorderTest, WhatChangesTheDestinationIsRecordedAtOnce) {
  const Ulid first = mail_.accept("a@far.example");
  const Ulid second = mail_.accept("b@far.example");
  ASSERT_TRUE(queue_.start_worker());
  std::vector<store::Outcome> failed{{.message = first, .index = 0, .to = store::State::waiting, .due = 1}};
  run_task(finish(queue_.settle_failed("far.example", std::move(failed), 1, "450 no answer")));
  ASSERT_TRUE(queue_.standing().failing("far.example"));
  add(second);
  EXPECT_FALSE(recorder_.wants_flush());
  EXPECT_EQ(mail_.recipient(second).state, store::State::relayed);
  EXPECT_FALSE(queue_.standing().failing("far.example"));
}

TEST_F(RecorderTest, WhatIsDueAgainIsKnownToTheQueueAndNothingIdleIsKept) {
  const Ulid id = mail_.accept("a@far.example");
  ASSERT_TRUE(queue_.start_worker());
  ASSERT_TRUE(run_task(queue_.take("far.example")));
  add(id, store::State::waiting);
  EXPECT_FALSE(run_task(queue_.take("far.example"))) << "the worker ends before it is recorded";
  EXPECT_EQ(queue_.numbers().destinations, 0u);
  run_task(finish(recorder_.flush()));
  EXPECT_EQ(queue_.start_worker(), "far.example");
  auto again = run_task(queue_.take("far.example"));
  ASSERT_TRUE(again);
  add(id);
  EXPECT_FALSE(run_task(queue_.take("far.example")));
  run_task(finish(recorder_.flush()));
  EXPECT_FALSE(queue_.start_worker());
  EXPECT_EQ(queue_.numbers().destinations, 0u);
}

} // namespace
} // namespace paquebot::delivery
