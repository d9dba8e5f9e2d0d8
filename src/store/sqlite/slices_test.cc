// What takes long is done in slices: counted in instructions of SQLite's machine and in plans, never in time.
#include "store/offline.h"
#include "store/sqlite/holders.h"
#include "store/sqlite/limit_charge.h"
#include "store/sqlite/maintain.h"
#include "store/sqlite/open.h"
#include "store/sqlite/open_counts.h"
#include "store/sqlite/queue.h"
#include "store/sqlite/rules.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/test_steps.h"
#include "store/sqlite/verify.h"
#include "store/test_full_store.h"

#include <fstream>

namespace paquebot::store::sqlite {
namespace {

constexpr std::uint64_t kOneLook = 2000; // instructions: an index was asked, nothing was walked

/// A closed store, and connections to its files.
class SqliteSlices : public testing::Test {
protected:
  SqliteSlices() {
    SqliteOptions options;
    options.directory = place_.path();
    {
      auto store = open_sqlite(options);
      if (!store) throw std::runtime_error(store.error().message);
      FullStore(**store).fill();
    }
    main_.emplace(open_for_writing(place_.path() + "/paquebot.db"));
    bulk_.emplace(open_for_writing(place_.path() + "/bulk.db"));
  }
  Db& main() { return *main_; }
  Db& bulk() { return *bulk_; }
  std::int64_t epoch() { return main().number("SELECT epoch FROM node", 0); }
  std::vector<std::string> verify() {
    FindingLines lines;
    for (std::optional<CheckPlace> at = CheckPlace{}; at;) {
      CheckStep step = check_step(main(), bulk(), epoch(), *at);
      lines.add(std::move(step.findings));
      at = step.next;
    }
    return lines.lines;
  }

  const TemporaryDirectory place_;
  std::optional<Db> main_;
  std::optional<Db> bulk_;
};

TEST_F(SqliteSlices, NoStepOfVerifyCostsMoreThanASlice) {
  multiply(main(), 20'000);
  Steps main_steps(main());
  Steps bulk_steps(bulk());
  std::uint64_t all = 0;
  for (std::optional<CheckPlace> at = CheckPlace{}; at;) {
    const CheckStep step = check_step(main(), bulk(), 1, *at);
    const std::uint64_t taken = main_steps.taken() + bulk_steps.taken();
    const auto* look = std::get_if<Look>(&all_parts()[at->part]);
    const bool pages =
        look != nullptr && std::string_view(look->names.front()) == "file.pages"; // a file or table at once
    // One row may be a whole mailbox, which is counted at once.
    if (!pages) {
      EXPECT_LT(taken, 2u * kSliceSteps) << "part " << at->part << " after " << at->after;
    }
    all += taken;
    ASSERT_EQ(step.findings.size(), 0u) << step.findings.front().what;
    at = step.next;
  }
  EXPECT_GT(all, 8u * kSliceSteps) << "the store is too small to show anything";
}

std::vector<std::string> plan_of(Db& db, const std::string& sql) {
  const std::unique_ptr<Statement> statement = db.prepare("EXPLAIN QUERY PLAN " + sql);
  std::vector<std::string> plan;
  Query q(statement.get());
  while (q.row()) plan.push_back(q.text(3));
  return plan;
}

/// Nothing is sorted or kept by the row, no other table is gone through for a row, and a slice begins where the last
/// one ended.
TEST_F(SqliteSlices, RulesAskIndexesOnly) {
  for (const Part& part : all_parts()) {
    const auto* walk = std::get_if<Walk>(&part);
    if (walk == nullptr) continue;
    const std::string sql = walk_statement(walk->table, walk_columns(*walk), true);
    SCOPED_TRACE(sql);
    for (const std::string& line : plan_of(walk->bulk ? bulk() : main(), sql)) {
      const bool sorts = line.find("TEMP B-TREE") != std::string::npos || line.find("AUTOMATIC") != std::string::npos;
      const bool walks = line.starts_with("SCAN") && line != "SCAN sqlite_sequence" && line != "SCAN CONSTANT ROW";
      EXPECT_FALSE(sorts || walks) << line;
    }
  }
}

/// However much waits.
TEST_F(SqliteSlices, WhatIsHeldIsCountedInItsIndex) {
  const auto plan = plan_of(main(), "SELECT count(*) FROM recipient WHERE state = 1");
  ASSERT_EQ(plan.size(), 1u);
  EXPECT_NE(plan[0].find("INDEX recipient_held"), std::string::npos) << plan[0];
}

TEST_F(SqliteSlices, HoldersAreCountedAFewAtATime) {
  multiply(main(), 100);
  main().exec("UPDATE body SET refs = 2 WHERE id = 1050; UPDATE body SET refs = 3 WHERE id = 1");
  std::vector<std::string> found;
  int passes = 0;
  for (Id at = 0; passes == 0 || at != 0; ++passes) {
    HolderCount count(HolderCount::Of::bodies, at, 30);
    Check check{main(), bulk(), 1};
    while (count.step(check)) {
    }
    for (const Finding& finding : check.findings) found.push_back(finding.what);
    at = count.next();
  }
  EXPECT_GE(passes, 4);
  const std::vector<std::string> expected{"body 1: its count of holders is wrong",
                                          "body 1050: its count of holders is wrong"};
  EXPECT_EQ(found, expected);
}

/// Some of everything is let go of between the steps.
TEST_F(SqliteSlices, ContentLetGoOfWhileHoldersAreCountedIsNoFinding) {
  multiply(main(), 20'000);
  HolderCount count(HolderCount::Of::bodies, 0);
  Check check{main(), bulk(), 1};
  int steps = 0;
  for (Id body = 1000; count.step(check); ++steps) {
    main().run("BEGIN");
    for (const Id end = body + 1000; body < end; body += 2) { // the even ones are in a mailbox
      main().run("DELETE FROM entry WHERE mailbox = 1 AND uid = ?", body - 900);
      main().run("DELETE FROM body WHERE id = ?", body);
    }
    main().run("COMMIT");
  }
  EXPECT_GE(steps, 4);
  EXPECT_EQ(check.findings.size(), 0u) << check.findings.front().what;
}

/// A table at a time, when the file is large and others work beside it.
TEST_F(SqliteSlices, PagesOfALargeFileAreLookedAtTableByTable) {
  const Look& pages = std::get<Look>(all_parts()[1]);
  ASSERT_STREQ(pages.names.front(), "file.pages");
  const auto look = [&](std::int64_t whole_file) {
    int steps = 0;
    std::vector<Finding> found;
    for (std::optional<CheckPlace> at = CheckPlace{}; at; ++steps) {
      main().run("BEGIN");
      Check check{main(), bulk(), 1};
      check.whole_file = whole_file;
      at = pages.step(check, *at);
      std::ranges::move(check.findings, std::back_inserter(found));
      main().run("ROLLBACK");
    }
    return std::pair(steps, found);
  };
  EXPECT_EQ(look(1 << 30).first, 1);
  const auto sound = look(0);
  EXPECT_GT(sound.first, 20) << "as many steps as tables";
  EXPECT_EQ(sound.second.size(), 0u) << sound.second.front().what;
  const std::int64_t page = main().number("SELECT rootpage FROM sqlite_schema WHERE name = 'correspondent'", 0);
  main_.reset(); // the log is moved into the file and removed
  {
    std::fstream file(place_.path() + "/paquebot.db", std::ios::binary | std::ios::in | std::ios::out);
    file.seekp((page - 1) * 16384);
    file << std::string(100, 'x');
  }
  main_.emplace(open_for_writing(place_.path() + "/paquebot.db"));
  const auto damaged = look(0);
  ASSERT_NE(damaged.second.size(), 0u);
  EXPECT_TRUE(damaged.second.front().what.starts_with("paquebot.db: ")) << damaged.second.front().what;
}

TEST(OpenCounts, AreKeptForTheNextStepAndForgotten) {
  OpenCounts counts;
  const auto begun = [](Id id) {
    return CheckPlace{7, std::to_string(id), std::make_shared<HolderCount>(HolderCount::Of::bodies, id)};
  };
  const Instant start{};
  CheckPlace one = begun(5);
  const auto* kept = one.counted.get();
  counts.keep(one, start);
  EXPECT_EQ(one.counted, nullptr);
  CheckPlace again{7, one.after, {}};
  counts.attach(again);
  EXPECT_EQ(again.counted.get(), kept);
  CheckPlace twice{7, one.after, {}};
  counts.attach(twice);
  EXPECT_EQ(twice.counted, nullptr) << "two steps at once would spoil it";
  for (Id id = 0; id < 10; ++id) {
    CheckPlace other = begun(id);
    counts.keep(other, start);
  }
  EXPECT_EQ(counts.size(), OpenCounts::kMost);
  counts.forget_old(start + std::chrono::minutes(1));
  EXPECT_EQ(counts.size(), 0u);
  CheckPlace strange{7, "5-on-18446744073709551616", {}};
  counts.attach(strange);
  EXPECT_EQ(strange.counted, nullptr);
}

// ---- What operators ask ----

std::size_t listed(Db& db, const QueueFilter& filter) {
  std::size_t count = 0;
  std::optional<Ulid> at;
  do {
    const QueuePage page = list_queue(db, filter, at, 1000);
    count += page.items.size();
    at = page.next;
  } while (at);
  return count;
}

TEST_F(SqliteSlices, QuestionsThatNothingAnswersAskAnIndex) {
  main().exec("UPDATE recipient SET state = 2 WHERE state = 1"); // nothing is held
  multiply(main(), 20'000);
  const std::pair<const char*, QueueFilter> cases[] = {
      {"held", {.held_only = true}},
      {"held by the watch", {.takeover_only = true}},
      {"an unknown destination", {.destination = "nowhere.test"}},
      {"a destination where nothing waits", {.destination = "idle.test"}},
      {"held for a destination with much", {.destination = "many.test", .held_only = true}},
  };
  main().exec("INSERT INTO destination(key, changed_at) VALUES('idle.test', 1)");
  Steps steps(main());
  for (const auto& [what, filter] : cases) {
    const QueuePage page = list_queue(main(), filter, {}, 100);
    EXPECT_EQ(page.items.size(), 0u) << what;
    EXPECT_FALSE(page.next) << what;
    EXPECT_LT(steps.taken(), kOneLook) << what;
  }
}

/// A claim costs what it takes, however much waits and whether it is urgent or not.
TEST_F(SqliteSlices, AClaimAsksIndexes) {
  multiply(main(), 20'000);
  main().exec("UPDATE recipient SET priority = 2, due = 9000 WHERE address = 'a@many.test' AND "
              "CAST(substr(message, 16, 1) AS TEXT) IN ('1', '7')");
  WriterMemory memory(system_clock(), main());
  Tx tx{main(), memory, 1, 0};
  main().run("BEGIN IMMEDIATE");
  Steps steps(main());
  for (const bool expired : {true, false}) {
    const Claim some = claim(tx, "many.test", 1000, 10, expired);
    EXPECT_EQ(some.items.size(), expired ? 0u : 10u);
    EXPECT_LT(steps.taken(), 5 * kOneLook) << "expired: " << expired;
  }
  main().run("ROLLBACK");
}

TEST_F(SqliteSlices, AWalkOverTheQueueIsSlices) {
  multiply(main(), 20'000);
  Steps steps(main());
  const auto walk = [&](const QueueFilter& filter) {
    std::size_t found = 0;
    std::optional<Ulid> at;
    do {
      const QueuePage page = list_queue(main(), filter, at, 1000);
      EXPECT_LT(steps.taken(), 3u * kSliceSteps);
      found += page.items.size();
      at = page.next;
    } while (at);
    return found;
  };
  EXPECT_EQ(walk({}), 10'003u);
  EXPECT_EQ(walk({.address = "nobody@nowhere.test"}), 0u);
  EXPECT_EQ(walk({.address = "A@MANY.test"}), 10'000u);
  EXPECT_EQ(walk({.destination = "many.test"}), 10'000u);
  EXPECT_EQ(walk({.destination = "far.test"}), 1u);
  EXPECT_EQ(walk({.held_only = true}), 1u);
  EXPECT_EQ(walk({.account = 1}), 1u);
  EXPECT_EQ(walk({.account = 9}), 0u);
}

/// Many held, many held for later, many for the destination: pages follow each other without a gap.
TEST_F(SqliteSlices, ManyHeldAreListedOnceEach) {
  multiply(main(), 30'000);
  main().exec("UPDATE recipient SET state = 1 WHERE message IN (SELECT id FROM n WHERE i % 10 IN (1, 5));"
              "UPDATE message SET hold_until = 4000000000000 WHERE id IN (SELECT id FROM n WHERE i % 10 = 7);"
              "UPDATE recipient SET due = 4000000000000 WHERE message IN (SELECT id FROM n WHERE i % 10 = 7)");
  EXPECT_EQ(listed(main(), {.held_only = true}), 9'001u);
  EXPECT_EQ(listed(main(), {.destination = "many.test", .held_only = true}), 9'000u);
  EXPECT_EQ(listed(main(), {.destination = "other.test", .held_only = true}), 1u);
  EXPECT_EQ(listed(main(), {.destination = "many.test"}), 15'000u);
  EXPECT_EQ(listed(main(), {}), 15'003u);
}

// ---- Upkeep ----

TEST_F(SqliteSlices, EmptyingALargeMailboxCostsTheSameForEachSlice) {
  multiply(main(), 4'000);
  main().exec(
      "UPDATE mailbox SET account = NULL WHERE id = 1; DELETE FROM recipient WHERE state = 4; DELETE FROM event;"
      "DELETE FROM message WHERE pending = 0");
  WriterMemory memory(system_clock(), main());
  Tx tx{main(), memory, 1, 0};
  Steps steps(main());
  std::vector<std::uint64_t> costs;
  main().run("BEGIN");
  while (empty_dropped_mailboxes(tx)) {
    costs.push_back(steps.taken());
    const std::int64_t wrong = main().number("SELECT count(*) FROM mailbox b WHERE (count, bytes) <> (SELECT count(*), "
                                             "ifnull(sum(size), 0) FROM entry WHERE mailbox = b.id)",
                                             0);
    EXPECT_EQ(wrong, 0);
    steps.taken();
  }
  main().run("COMMIT");
  ASSERT_GT(costs.size(), 8u);
  EXPECT_LT(costs.front(), 2 * costs[costs.size() - 4]) << "the first slices must not pay for all that is left";
}

TEST_F(SqliteSlices, OldCountersAreFoundByAnIndex) {
  main().exec("WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 50000) "
              "INSERT INTO counter SELECT i, 1, 36000000000, 1 FROM c");
  WriterMemory memory(system_clock(), main());
  Tx tx{main(), memory, 1, 0};
  Steps steps(main());
  EXPECT_FALSE(drop_old_counts(tx, 36'000'000'000));
  EXPECT_LT(steps.taken(), kOneLook);
  main().exec(
      "INSERT INTO counter SELECT DISTINCT account, 2, 1000, 1 FROM counter WHERE account <= 1200 AND kind = 1");
  const auto old = [this] { return main().number("SELECT count(*) FROM counter WHERE window_start < 36000000000", 0); };
  const std::int64_t before = old();
  EXPECT_TRUE(drop_old_counts(tx, 36'000'000'000));
  EXPECT_EQ(old(), before - 500) << "a slice";
  while (drop_old_counts(tx, 36'000'000'000)) {
  }
  EXPECT_EQ(old(), 0);
  EXPECT_EQ(main().number("SELECT count(*) FROM counter WHERE kind = 1 AND window_start = 36000000000", 0), 50'000);
}

} // namespace
} // namespace paquebot::store::sqlite
