// Recipients whose message is missing from a damaged store.

#include "store/sqlite/schema.h"
#include "store/test_contract.h"

namespace paquebot::store::sqlite {
namespace {

TEST(SqliteOrphans, AreSeenAndLetGoOf) {
  const TemporaryDirectory place;
  UlidSource ids;
  const auto open = [&] { return std::move(*open_store(place.path())); };
  const std::int64_t now = millis(system_clock().wall());
  std::vector<Ulid> lost;
  auto store = open();
  for (int i = 0; i < 3; ++i) {
    auto request = std::make_shared<AcceptRequest>();
    request->id = ids.next();
    request->accepted_at = now;
    request->expires_at = now + 1'000'000;
    request->head = "Subject: x\r\n\r\n";
    NewRecipient recipient;
    recipient.address = "a@far.example";
    recipient.destination = "far.example";
    recipient.due = now;
    request->recipients = {recipient};
    ASSERT_EQ(run(store->acceptance().accept(request)).status, AcceptStatus::accepted);
    lost.push_back(request->id);
  }
  store.reset();
  {
    Db db = open_for_writing(place.path() + "/paquebot.db");
    db.run("DELETE FROM message");
    db.run("DELETE FROM head");
    db.run("DELETE FROM body");
  }
  store = open();
  EXPECT_FALSE(run(store->upkeep().verify())->empty());
  ASSERT_TRUE(run(store->queue().claim("far.example", now, 2))->items.empty());
  const auto held = run(store->queue().list({.held_only = true}, {}, 10));
  ASSERT_TRUE(held);
  ASSERT_EQ(held->size(), 2u);
  EXPECT_EQ(held->at(0).recipients.at(0).address, "a@far.example");
  EXPECT_EQ(run(store->queue().operate(QueueAction::release, {.held_only = true}, "who", now)).value_or(9), 0u)
      << "there is nothing to send";
  EXPECT_EQ(run(store->queue().operate(QueueAction::cancel, {.held_only = true}, "who", now)).value_or(9), 2u);
  EXPECT_EQ(run(store->queue().operate(QueueAction::cancel, {.message = lost[2]}, "who", now)).value_or(9), 1u)
      << "it was not claimed yet";
  EXPECT_EQ(run(store->upkeep().verify()).value(), std::vector<std::string>());
}

TEST(SqliteOrphans, AreSetAsideAndBlockNobody) {
  constexpr int kOrphans = 120; // more than one claim takes
  const TemporaryDirectory place;
  const FakeClock clock;
  const auto open = [&] { return std::move(*open_store(place.path(), {.clock = &clock})); };
  UlidSource ids(clock);
  const std::int64_t now = millis(clock.wall());
  auto store = open();
  Ulid last;
  for (int i = 0; i <= kOrphans; ++i) {
    auto request = std::make_shared<AcceptRequest>();
    request->id = last = ids.next();
    request->accepted_at = now;
    request->expires_at = now + 1'000'000;
    request->head = "Subject: x\r\n\r\n";
    NewRecipient recipient;
    recipient.address = "a@far.example";
    recipient.destination = "far.example";
    recipient.due = now + i - kOrphans;
    recipient.deadline = i % 2 == 0 && i < kOrphans ? now : 0;
    request->recipients = {recipient};
    ASSERT_EQ(run(store->acceptance().accept(request)).status, AcceptStatus::accepted);
  }
  store.reset();
  {
    Db db = open_for_writing(place.path() + "/paquebot.db");
    db.run("DELETE FROM message WHERE id <> ?", last);
  }
  store = open();
  EXPECT_TRUE(run(store->queue().claim_overdue(now, 10)).value().empty());
  std::vector<WorkItem> found;
  for (int claims = 0; claims < 2; ++claims) {
    auto items = run(store->queue().claim("far.example", now, 100));
    ASSERT_TRUE(items) << items.error().message;
    std::ranges::move(items->items, std::back_inserter(found));
  }
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].message.id, last);
  EXPECT_EQ(run(store->queue().earliest_due("far.example")).value_or(-1), 0) << "nothing is claimed for ever";
  EXPECT_TRUE(run(store->queue().claim_overdue(now, 100)).value().empty());
  EXPECT_EQ(run(store->queue().earliest_deadline()).value_or(-1), 0);
  store.reset();
  Db db = open_for_reading(place.path() + "/paquebot.db");
  EXPECT_EQ(
      db.number("SELECT count(*) FROM recipient WHERE state = 1 AND reason LIKE 'held: its message is missing%'", 0),
      kOrphans);
}

} // namespace
} // namespace paquebot::store::sqlite
