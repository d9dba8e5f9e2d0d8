#include "store/sqlite/db.h"
#include "store/sqlite/open.h"
#include "store/sqlite/test_fault_vfs.h"
#include "store/test_contract.h"

#include <algorithm>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace paquebot::store::sqlite {
namespace {

/// A store whose files can be made to fail, with one account.
class SqliteFault : public testing::Test {
protected:
  SqliteFault() { open(); }

  void open() {
    store_.reset();
    SqliteOptions options;
    options.directory = directory_.path();
    options.on_fatal = [this](const std::string&) { fatal_ = true; };
    auto opened = open_sqlite(std::move(options));
    if (!opened) throw std::runtime_error(opened.error().message);
    store_ = std::move(*opened);
  }
  Account make_account(const std::string& login = "anna@example.org") {
    run(store_->directory().add_domain("example.org")); // or it is there
    Account wanted;
    wanted.login = login;
    return run(store_->directory().add_account(wanted)).value();
  }
  std::shared_ptr<AcceptRequest> message(const Account& account) {
    auto request = std::make_shared<AcceptRequest>();
    request->id = ulids_.next();
    request->accepted_at = request->id.millis();
    request->expires_at = request->accepted_at + 5LL * 24 * 3600 * 1000;
    request->head = "Subject: x\r\n\r\n";
    request->body.bytes = "body";
    request->body.size = 4;
    NewRecipient local;
    local.handling = Handling::mailbox;
    local.account = account.id;
    local.address = account.login;
    NewRecipient remote;
    remote.address = "b@far.example";
    remote.destination = "far.example";
    request->recipients = {local, remote};
    return request;
  }
  AcceptStatus accept(const std::shared_ptr<AcceptRequest>& request) {
    return run(store_->acceptance().accept(request)).status;
  }
  bool has(const Ulid& id) { return run(store_->trail().trace(id)).has_value(); }
  std::vector<std::string> verify() {
    return run(store_->upkeep().verify()).value_or(std::vector<std::string>{"not readable"});
  }

  TemporaryDirectory directory_;
  std::atomic<bool> fatal_ = false;
  UlidSource ulids_;
  std::unique_ptr<Store> store_;
};

TEST_F(SqliteFault, AFullDiskIsToldAndRecoversByItself) {
  FaultVfs faults("paquebot.db-wal");
  open();
  const Account anna = make_account();
  faults.full = true;
  const auto lost = message(anna);
  EXPECT_EQ(accept(lost), AcceptStatus::no_space);
  EXPECT_FALSE(store_->acceptance().has_room());
  EXPECT_FALSE(has(lost->id)) << "readers go on";
  EXPECT_EQ(run(store_->upkeep().set_setting("a", "b")).error().code, Errc::no_space);
  faults.full = false;
  while (!store_->acceptance().has_room()) std::this_thread::yield(); // asking makes the writer try
  EXPECT_EQ(accept(lost), AcceptStatus::accepted);
  EXPECT_EQ(verify(), std::vector<std::string>());
  store_.reset();
}

/// An order and its entry in the audit log are one commit: whichever write or sync of it fails, both are there or
/// neither.
TEST_F(SqliteFault, AnOrderIsNeverWithoutItsEntry) {
  FaultVfs faults("paquebot.db");
  open();
  std::size_t done = 0, failed = 0;
  for (int at = 1; failed < 3 || done < 3; ++at) {
    ASSERT_LT(at, 200);
    const std::string name = "d" + std::to_string(at) + ".example";
    AuditEntry entry{.who = "olga"};
    entry.action = "domain.add";
    entry.subject = name;
    const auto pending = std::make_shared<PendingEntry>(std::move(entry));
    faults.fail_in = 1 + at % 12;
    const auto added = run(store_->bound(pending)->directory().add_domain(name));
    faults.fail_in = -1;
    ++(added ? done : failed);
    EXPECT_EQ(pending->kept() != 0, added.has_value());
    open(); // as the next start finds it
    const bool there = run(store_->directory().get_domain(name)).has_value();
    std::size_t kept = 0;
    const auto entries = run(store_->audit().list({}, 1000));
    ASSERT_TRUE(entries);
    for (const AuditEntry& one : *entries) kept += one.subject == name ? 1 : 0;
    EXPECT_EQ(kept, there ? 1U : 0U) << name;
    EXPECT_TRUE(there || !added);
  }
  EXPECT_EQ(verify(), std::vector<std::string>());
  store_.reset();
}

TEST_F(SqliteFault, ABodyThatFindsNoRoomIsRefusedAndGivenUp) {
  FaultVfs faults("bulk.db");
  open();
  auto staged = run(store_->acceptance().stage());
  ASSERT_TRUE(staged);
  faults.full = true;
  EXPECT_EQ(run((*staged)->append(std::string(kBodyChunk, 'x'))).error().code, Errc::no_space);
  EXPECT_FALSE(store_->acceptance().has_room());
  faults.full = false;
  EXPECT_FALSE(run((*staged)->append("more"))) << "a chunk is missing";
  EXPECT_FALSE(run((*staged)->finish()));
  staged->reset();
  while (!store_->acceptance().has_room()) std::this_thread::yield(); // asking makes the writer try
  store_.reset();
}

/// Who still has a reference to a body that is gone finds nothing, never another's mail.
TEST_F(SqliteFault, AnIdOfABodyIsNeverGivenAgain) {
  FaultVfs faults("paquebot.db-wal");
  open();
  const Account anna = make_account();
  const auto take = [&] {
    const auto request = message(anna);
    EXPECT_EQ(accept(request), AcceptStatus::accepted);
    const MailboxInfo inbox = run(store_->mailboxes().open(anna.id, "INBOX")).value();
    const EntryInfo entry = run(store_->mailboxes().list_entries(inbox.id, 0, 10)).value().back();
    const BodyRef body = run(store_->mailboxes().read_entry(inbox.id, entry.uid)).value().body;
    EXPECT_EQ(run(store_->queue().operate(QueueAction::cancel, {.message = request->id}, "test", 1)).value(), 1u);
    EXPECT_EQ(run(store_->mailboxes().expunge(inbox.id, {entry.uid}, "anna")).value(), 1u);
    return body;
  };
  const BodyRef gone = take();
  const auto roll_back = [&] {
    faults.full = true;
    EXPECT_EQ(accept(message(anna)), AcceptStatus::no_space);
    faults.full = false;
    while (!store_->acceptance().has_room()) std::this_thread::yield();
  };
  roll_back();
  const BodyRef next = take();
  EXPECT_GT(next.id, gone.id);
  EXPECT_EQ(run(store_->content().read_body(gone, 0, 10)).error().code, Errc::not_found);
  open();
  roll_back();
  EXPECT_GT(take().id, next.id) << "not after another start either";
  store_.reset();
}

TEST_F(SqliteFault, AStepOfUpkeepThatFailsStopsNoOther) {
  const Account anna = make_account();
  const auto request = message(anna);
  EXPECT_EQ(accept(request), AcceptStatus::accepted);
  EXPECT_EQ(run(store_->queue().operate(QueueAction::cancel, {}, "test", 1)).value(), 1u);
  ASSERT_TRUE(run(store_->directory().remove_account(anna.login)));
  Db other(directory_.path() + "/paquebot.db", SQLITE_OPEN_READWRITE);
  other.exec("CREATE TRIGGER stuck BEFORE DELETE ON message BEGIN SELECT RAISE(ABORT, 'stuck'); END");
  const std::int64_t later = request->accepted_at + 400LL * 24 * 3600 * 1000;
  const auto keep_up = [&] {
    for (bool more = true; more;) more = run(store_->upkeep().maintain(later)).value();
  };
  keep_up();
  EXPECT_EQ(other.number("SELECT count(*) FROM message", -1), 1);
  EXPECT_EQ(other.number("SELECT count(*) FROM mailbox", -1), 0);
  EXPECT_EQ(other.number("SELECT count(*) FROM body", -1), 0);
  other.exec("DROP TRIGGER stuck");
  keep_up();
  EXPECT_EQ(other.number("SELECT count(*) FROM message", -1), 0);
}

TEST_F(SqliteFault, AMailboxThatCanNotBeExpiredHoldsUpNobodyElse) {
  const std::vector<Account> accounts{make_account(), make_account("bert@example.org")};
  for (const Account& account : accounts) EXPECT_EQ(accept(message(account)), AcceptStatus::accepted);
  Db other(directory_.path() + "/paquebot.db", SQLITE_OPEN_READWRITE);
  other.exec("CREATE TRIGGER stuck BEFORE DELETE ON entry WHEN old.mailbox = (SELECT min(id) FROM mailbox) "
             "BEGIN SELECT RAISE(ABORT, 'stuck'); END");
  const std::int64_t later = message(accounts[0])->accepted_at + 400LL * 24 * 3600 * 1000;
  std::size_t removed = 0;
  int failed = 0;
  for (int i = 0; i < 6; ++i) {
    const auto slice = run(store_->mailboxes().expire_entries(later, "expired"));
    if (slice) removed += slice->removed;
    if (!slice) ++failed;
  }
  EXPECT_EQ(removed, 1u) << "bert's";
  EXPECT_GT(failed, 0);
  EXPECT_EQ(other.number("SELECT count(*) FROM entry", -1), 1);
  other.exec("DROP TRIGGER stuck");
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(run(store_->mailboxes().expire_entries(later, "expired")));
  EXPECT_EQ(other.number("SELECT count(*) FROM entry", -1), 0);
}

TEST_F(SqliteFault, AFailedSyncIsAnsweredAndTheStoreOpenedAnew) {
  FaultVfs faults("paquebot.db-wal");
  open();
  const Account anna = make_account();
  const auto before = message(anna);
  EXPECT_EQ(accept(before), AcceptStatus::accepted);
  faults.no_sync = true;
  std::jthread mend([&faults, this] {
    while (!fatal_) std::this_thread::yield();
    faults.no_sync = false;
  });
  EXPECT_EQ(accept(message(anna)), AcceptStatus::failed);
  EXPECT_EQ(accept(message(anna)), AcceptStatus::failed) << "syncs go on failing: the store is lost";
  EXPECT_TRUE(fatal_);
  mend.join();
  fatal_ = false;
  open();
  EXPECT_TRUE(has(before->id));
  EXPECT_EQ(accept(message(anna)), AcceptStatus::accepted);
  EXPECT_EQ(verify(), std::vector<std::string>());
  store_.reset();
}

/// What a commit that failed took in hand nobody would look after: it is not there, not even in doubt, before the next
/// start.
TEST_F(SqliteFault, AnErrorLeavesNothingInHand) {
  FaultVfs faults("paquebot.db-wal");
  open();
  const Account anna = make_account();
  const auto in_hand = [this] {
    std::size_t count = 0;
    const auto listed = run(store_->queue().list({}, std::nullopt, 1000)).value();
    for (const WorkItem& item : listed)
      for (const RecipientFacts& r : item.recipients) count += r.state == State::in_hand ? 1 : 0;
    return count;
  };
  EXPECT_EQ(accept(message(anna)), AcceptStatus::accepted);
  int failed_claims = 0, failed_accepts = 0;
  for (int n = 1; n < 200; ++n) { // the last operation of a commit is its sync: all is written by then
    SCOPED_TRACE(n);
    const auto request = message(anna);
    request->recipients[1].in_hand = true;
    faults.fail_in = n;
    const bool accepted = accept(request) == AcceptStatus::accepted;
    faults.fail_in = -1;
    if (accepted) break;
    ++failed_accepts;
    ASSERT_TRUE(run(store_->upkeep().set_setting("opened", "anew"))); // it is, before the next fault
    EXPECT_FALSE(has(request->id));
    faults.fail_in = n;
    const auto claimed = run(store_->queue().claim("far.example", INT64_MAX, 100));
    faults.fail_in = -1;
    failed_claims += claimed ? 0 : 1;
    ASSERT_TRUE(run(store_->upkeep().set_setting("opened", "again")));
    std::vector<Outcome> back;
    for (const WorkItem& item : claimed.value_or(Claim()).items)
      back.push_back({.message = item.message.id, .index = 1, .attempted = false});
    EXPECT_EQ(in_hand(), back.size());
    EXPECT_EQ(run(store_->queue().record(back, std::nullopt)).value_or(99), back.size());
  }
  EXPECT_GT(failed_accepts, 0);
  EXPECT_GT(failed_claims, 0);
  EXPECT_FALSE(fatal_);
  open();
  EXPECT_EQ(in_hand(), 0u) << "nor after a start, for which a failed commit may turn out to be whole";
  EXPECT_EQ(verify(), std::vector<std::string>());
  store_.reset();
}

/// Every operation on a file fails once, in turn: what was acknowledged is there, and nothing is half there.
TEST_F(SqliteFault, WhicheverOperationFailsNothingAcknowledgedIsLost) {
  FaultVfs faults("paquebot.db");
  open();
  const Account anna = make_account();
  std::vector<Ulid> acknowledged;
  for (int n = 1; n < 60; n += 2) {
    SCOPED_TRACE(n);
    faults.fail_in = n;
    for (int i = 0; i < 4; ++i) {
      const auto request = message(anna);
      if (accept(request) == AcceptStatus::accepted) acknowledged.push_back(request->id);
      const auto items = run(store_->queue().claim("far.example", request->accepted_at, 10));
      std::vector<Outcome> outcomes;
      if (items) {
        for (const WorkItem& item : items->items)
          outcomes.push_back({item.message.id, 1, State::relayed, 0, true, Owed::none, peer_said(250, "")});
      }
      if (!run(store_->queue().record(outcomes, std::nullopt)))
        continue; // then it is still in hand, and waits after the next start
    }
    faults.fail_in = -1;
    fatal_ = false;
    open();
    EXPECT_EQ(verify(), std::vector<std::string>());
  }
  EXPECT_GT(acknowledged.size(), 60u);
  for (const Ulid& id : acknowledged) EXPECT_TRUE(has(id));
  store_.reset();
}

TEST_F(SqliteFault, WhatWasAcknowledgedOutlivesAKilledProcess) {
  const Account anna = make_account();
  store_.reset();
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    open();
    for (;;) {
      const auto request = message(anna);
      if (accept(request) != AcceptStatus::accepted) _exit(1);
      if (::write(pipe[1], request->id.bytes.data(), 16) != 16) _exit(1);
    }
  }
  ::close(pipe[1]);
  std::vector<Ulid> acknowledged(200);
  for (Ulid& id : acknowledged) ASSERT_EQ(::read(pipe[0], id.bytes.data(), 16), 16);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  for (Ulid id; ::read(pipe[0], id.bytes.data(), 16) == 16;) acknowledged.push_back(id);
  ::close(pipe[0]);
  open();
  for (const Ulid& id : acknowledged) EXPECT_TRUE(has(id));
  EXPECT_EQ(verify(), std::vector<std::string>());
}

TEST_F(SqliteFault, ManyThreadsMayUseItAtOnce) {
  const Account anna = make_account();
  constexpr int kThreads = 4;
  constexpr int kRounds = 25;
  std::atomic<int> accepted = 0;
  std::atomic<int> relayed = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kRounds; ++i) {
          const auto request = message(anna);
          if (accept(request) == AcceptStatus::accepted) ++accepted;
          const auto items = run(store_->queue().claim("far.example", request->accepted_at + 1000, 3));
          std::vector<Outcome> outcomes;
          for (const WorkItem& item : items.value_or(Claim()).items) {
            for (const RecipientFacts& r : item.recipients) {
              outcomes.push_back({item.message.id, r.index, State::relayed, 0, true, Owed::none, peer_said(250, "")});
            }
          }
          relayed += static_cast<int>(outcomes.size());
          EXPECT_TRUE(run(store_->queue().record(outcomes, std::nullopt)));
          EXPECT_TRUE(run(store_->queue().list_destinations(false)));
          EXPECT_TRUE(run(store_->upkeep().maintain(request->accepted_at)));
        }
      });
    }
  }
  EXPECT_EQ(accepted, kThreads * kRounds);
  EXPECT_LE(relayed, kThreads * kRounds) << "nothing is claimed twice";
  EXPECT_EQ(verify(), std::vector<std::string>());
}

} // namespace
} // namespace paquebot::store::sqlite
