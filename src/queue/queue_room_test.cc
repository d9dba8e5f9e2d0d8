// Places that have no room for a worker, and destinations that rest.

#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "queue/queue.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

using directory::run_task;
using namespace std::chrono_literals;

Task<bool> end_of(Task<void> task) {
  co_await std::move(task);
  co_return true;
}

const std::string kFar = "far.example";

class QueueRoomTest : public testing::Test {
protected:
  Ulid accept(int priority = 0, store::Id account = 0) {
    Draft draft;
    draft.account = account;
    draft.id = ids_.next();
    draft.klass = store::MessageClass::submitted;
    draft.sender.reverse_path = {"s", "example.net"};
    draft.sender.priority = priority;
    draft.head = "Subject: x\r\n\r\n";
    DraftRecipient recipient;
    recipient.recipient.address = {"a", kFar};
    recipient.nodes = {{.address = "a@" + kFar, .handling = store::Handling::remote}};
    draft.recipients = {recipient};
    const Ulid id = draft.id;
    EXPECT_EQ(run_task(queue_.accept(std::move(draft))).status, store::AcceptStatus::accepted);
    return id;
  }

  Job take() {
    auto job = run_task(queue_.take(kFar));
    EXPECT_TRUE(job);
    return std::move(*job);
  }

  std::size_t start_all() {
    std::size_t started = 0;
    std::string site;
    while (queue_.start_worker(nullptr, &site)) ++started;
    return started;
  }

  std::int64_t now() const { return millis(clock_.wall()); }

  FakeClock clock_;
  directory::TestServer server_;
  Queue queue_{server_.store(), clock_, {.workers_per_destination = 3}};
  UlidSource ids_{clock_};
};

TEST_F(QueueRoomTest, AJobThatIsPutBackIsTheNextOfItsPriority) {
  const Ulid urgent = accept(5), first = accept(), second = accept(), late = accept(-5);
  ASSERT_TRUE(queue_.start_worker());
  Job most = take(), job = take();
  EXPECT_EQ(most.message.id, urgent);
  EXPECT_EQ(job.message.id, first);
  queue_.put_back(kFar, std::move(job));
  EXPECT_EQ(queue_.numbers().ready, 3u);
  Job again = take();
  EXPECT_EQ(again.message.id, first);
  EXPECT_TRUE(again.fresh) << "its content is still in memory";
  EXPECT_EQ(again.recipients.at(0).attempts, 0u);
  EXPECT_EQ(take().message.id, second);
  EXPECT_EQ(take().message.id, late);
}

TEST_F(QueueRoomTest, AWorkerWithoutRoomEndsWhileOthersGoOn) {
  for (int i = 0; i < 10; ++i) accept();
  std::vector<Post> posts(3);
  for (Post& post : posts) post.destination = *queue_.start_worker(nullptr, &post.site);
  for (Post& post : posts) ASSERT_TRUE(queue_.posts().enter(post, "mx:far"));
  queue_.posts().too_many(posts[2], 2, "421 too many connections");
  EXPECT_FALSE(run_task(queue_.next(posts[2]))) << "it is one too many";
  queue_.posts().release(posts[2]);
  EXPECT_EQ(start_all(), 0u);
  EXPECT_TRUE(run_task(queue_.next(posts[0])));
  queue_.posts().release(posts[1]);
  EXPECT_EQ(start_all(), 0u) << "they are to calm down first";
  clock_.advance(5s);
  EXPECT_EQ(start_all(), 1u);
}

TEST_F(QueueRoomTest, WhatOneLaneHasTakesAllPlacesOfASiteButOne) {
  for (int i = 0; i < 10; ++i) accept(i == 5 ? 6 : 0, 1);
  std::vector<Post> posts(3);
  for (Post& post : posts) post.destination = *queue_.start_worker(nullptr, &post.site);
  for (Post& post : posts) ASSERT_TRUE(queue_.posts().enter(post, "mx:far"));
  ASSERT_TRUE(run_task(queue_.next(posts[0])));
  ASSERT_TRUE(run_task(queue_.next(posts[1])));
  EXPECT_FALSE(run_task(queue_.next(posts[2]))) << "the last place is for others";
  EXPECT_FALSE(queue_.posts().move_on(posts[2]));
  queue_.posts().release(posts[2]);
  EXPECT_EQ(start_all(), 0u) << "and not started in vain";
  EXPECT_TRUE(queue_.crowded());
  ASSERT_TRUE(run_task(queue_.next(posts[0]))) << "they go on";
  // A lone message of another account finds it free.
  const Ulid lone = accept(0, 2);
  Post other;
  other.destination = queue_.start_worker(nullptr, &other.site).value_or("");
  ASSERT_EQ(other.destination, kFar);
  ASSERT_EQ(other.site, "mx:far");
  auto job = run_task(queue_.next(other));
  ASSERT_TRUE(job);
  EXPECT_EQ(job->message.id, lone);
  EXPECT_EQ(start_all(), 0u);
  EXPECT_FALSE(run_task(queue_.next(other))) << "it takes up nothing of the many";
  queue_.posts().release(other);
  // One of the two ends: now there are two places, and one of them is theirs.
  queue_.posts().release(posts[1]);
  std::vector<Post> more(2);
  for (Post& post : more) post.destination = queue_.start_worker(nullptr, &post.site).value_or("");
  ASSERT_EQ(more[1].destination, kFar);
  EXPECT_TRUE(run_task(queue_.next(more[0])));
  EXPECT_FALSE(run_task(queue_.next(more[1])));
}

TEST_F(QueueRoomTest, AWindowGrowsAlsoByWhatOneLaneHas) {
  for (int i = 0; i < 60; ++i) accept(0, 1);
  std::vector<Post> posts(3);
  for (Post& post : posts) post.destination = *queue_.start_worker(nullptr, &post.site);
  for (Post& post : posts) ASSERT_TRUE(queue_.posts().enter(post, "mx:far"));
  queue_.configure({.workers_per_destination = 5});
  queue_.posts().too_many(posts[2], 3, "421 too many connections");
  queue_.posts().release(posts[2]);
  ASSERT_EQ(queue_.posts().site("mx:far")->window, 3U);
  clock_.advance(10s);
  for (int i = 0; i < 30; ++i) {
    for (Post* post : {&posts[0], &posts[1]}) {
      if (i > 0) queue_.posts().judged(*post);
      if (i < 29) ASSERT_TRUE(run_task(queue_.next(*post))) << i;
    }
  }
  EXPECT_GT(queue_.posts().site("mx:far")->window, 3U) << "the place that is kept counts as taken";
}

TEST_F(QueueRoomTest, WhereItIsSlowedDownEachMessageHasItsTurn) {
  for (int i = 0; i < 10; ++i) accept();
  Post post;
  post.destination = *queue_.start_worker(nullptr, &post.site);
  ASSERT_TRUE(queue_.posts().enter(post, "mx:far"));
  ASSERT_TRUE(run_task(queue_.next(post)));
  queue_.shaping().begins(post);
  queue_.posts().heard(post, Signal::rate, "450 4.7.28 too fast");
  EXPECT_FALSE(run_task(queue_.next(post)));
  const std::int64_t pace = queue_.posts().site("mx:far")->learned.interval;
  ASSERT_GT(pace, 0);
  clock_.advance(std::chrono::milliseconds(pace));
  EXPECT_TRUE(run_task(queue_.next(post)));
  queue_.shaping().begins(post);
  EXPECT_FALSE(queue_.posts().must_wait(post)) << "it may be sent";
  EXPECT_FALSE(run_task(queue_.next(post))) << "the next one not yet";
  queue_.posts().heard(post, Signal::blocked, "554 5.7.1 blocked");
  EXPECT_TRUE(queue_.posts().must_wait(post));
}

TEST_F(QueueRoomTest, AWordAboutAFewMessagesIsForgottenAfterARestartAsWithoutOne) {
  accept();
  Post post;
  post.destination = *queue_.start_worker(nullptr, &post.site);
  ASSERT_TRUE(queue_.posts().enter(post, "mx:few"));
  queue_.posts().heard(post, Signal::rate, "450 4.7.28 too fast");
  Post other{.destination = kFar};
  ASSERT_TRUE(queue_.posts().enter(other, "mx:meant"));
  queue_.posts().heard(other, Signal::rate, "450 4.7.28 too fast");
  clock_.advance(31s);
  queue_.posts().heard(other, Signal::rate, "450 4.7.28 too fast");
  run_task(end_of(queue_.posts().keep()));

  Queue restarted{server_.store(), clock_, {.workers_per_destination = 3}};
  restarted.posts().remember(run_task(server_.store().queue().list_sites()).value());
  for (const std::string site : {"mx:few", "mx:meant"}) {
    ASSERT_TRUE(restarted.posts().site(site)) << site;
    EXPECT_EQ(restarted.posts().site(site)->learned, queue_.posts().site(site)->learned) << site;
    EXPECT_GT(restarted.posts().site(site)->learned.interval, 0) << site;
  }
  EXPECT_TRUE(restarted.posts().site("mx:few")->learned.hasty);
  EXPECT_FALSE(restarted.posts().site("mx:meant")->learned.hasty);
}

TEST_F(QueueRoomTest, WhereThereIsNoRoomAtTheAddressTheSiteWaitsForIt) {
  for (int i = 0; i < 10; ++i) accept();
  Post post;
  post.destination = *queue_.start_worker(nullptr, &post.site);
  ASSERT_TRUE(queue_.posts().enter(post, "mx:far"));
  queue_.posts().shut(post, "192.0.2.1:25");
  queue_.posts().release(post);
  EXPECT_EQ(start_all(), 0u);
  clock_.advance(9s);
  EXPECT_EQ(start_all(), 0u);
  queue_.posts().opened("192.0.2.2:25");
  EXPECT_EQ(start_all(), 0u);
  queue_.posts().opened("192.0.2.1:25");
  EXPECT_EQ(start_all(), 3u);
}

TEST_F(QueueRoomTest, WorkersThatFailTogetherRestTogether) {
  accept();
  accept();
  ASSERT_EQ(start_all(), 2u);
  Job one = take(), other = take();
  EXPECT_FALSE(queue_.standing().resting(kFar));
  const std::int64_t until = queue_.standing().back_off_until(kFar);
  std::vector<store::Outcome> outcomes{
      {.message = one.message.id, .index = 0, .to = store::State::waiting, .due = until}};
  run_task(end_of(queue_.settle_failed(kFar, std::move(outcomes), until, "down")));
  EXPECT_TRUE(queue_.standing().resting(kFar));
  clock_.advance(7s);
  EXPECT_EQ(queue_.standing().back_off_until(kFar), until);
  clock_.advance(std::chrono::milliseconds(until - now()));
  EXPECT_FALSE(queue_.standing().resting(kFar));
  EXPECT_GT(queue_.standing().back_off_until(kFar), until);
}

TEST_F(QueueRoomTest, AJobThatIsPutBackWhileTheDestinationRestsIsTriedAtItsEnd) {
  const Ulid id = accept();
  ASSERT_TRUE(queue_.start_worker());
  Job job = take();
  const std::int64_t until = queue_.standing().back_off_until(kFar);
  run_task(end_of(queue_.settle_failed(kFar, {}, until, "down")));
  queue_.put_back(kFar, std::move(job));
  queue_.release_worker(kFar);
  EXPECT_EQ(start_all(), 0u);
  clock_.advance(std::chrono::milliseconds(until - now()));
  EXPECT_EQ(start_all(), 1u);
  EXPECT_EQ(take().message.id, id);
}

TEST_F(QueueRoomTest, TellsThatItWasLoadedAnew) {
  const unsigned before = queue_.loads();
  ASSERT_TRUE(run_task(queue_.load()));
  EXPECT_NE(queue_.loads(), before);
}

} // namespace
} // namespace paquebot::queue
