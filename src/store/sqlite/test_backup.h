#pragma once

#include "store/offline.h"
#include "store/sqlite/db.h"
#include "store/sqlite/open.h"
#include "store/test_contract.h"

#include <algorithm>
#include <filesystem>

namespace paquebot::store::sqlite {

/// A store of which backups are made and restored.
class SqliteBackup : public testing::Test {
protected:
  SqliteBackup() { store_ = open(path("data")).value(); }

  Result<std::unique_ptr<Store>> open(const std::string& directory) {
    SqliteOptions options;
    options.directory = directory;
    options.clock = &clock_;
    return open_sqlite(std::move(options));
  }
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }

  void make_account() {
    run(store_->directory().add_domain("example.org")).value();
    Account wanted;
    wanted.login = "anna@example.org";
    account_ = run(store_->directory().add_account(wanted)).value();
  }
  /// A message with a large body for the mailbox and a far recipient that waits.
  Ulid accept(char letter, std::size_t size) {
    const auto staged = run(store_->acceptance().stage()).value();
    for (std::size_t done = 0; done < size; done += kBodyChunk) {
      EXPECT_TRUE(run(staged->append(std::string(std::min(kBodyChunk, size - done), letter))));
    }
    EXPECT_TRUE(run(staged->finish()));
    EXPECT_EQ(accept_staged(staged, size), AcceptStatus::accepted);
    return last_;
  }
  AcceptStatus accept_staged(const std::shared_ptr<Staged>& staged, std::size_t size) {
    auto request = std::make_shared<AcceptRequest>();
    last_ = request->id = ulids_.next();
    request->accepted_at = request->id.millis();
    request->expires_at = request->accepted_at + 5LL * 24 * 3600 * 1000;
    request->head = "Subject: x\r\n\r\n";
    request->body = {"", staged, size, mail::BodyType::seven_bit};
    NewRecipient local;
    local.handling = Handling::mailbox;
    local.account = account_.id;
    local.address = account_.login;
    NewRecipient remote;
    remote.address = "b@far.example";
    remote.destination = "far.example";
    request->recipients = {local, remote};
    return run(store_->acceptance().accept(request)).status;
  }
  Result<BackupStep> begin(const std::string& name) {
    auto begun = run(store_->upkeep().begin_backup(path(name)));
    if (begun) ticket_ = begun->ticket;
    return begun;
  }
  Result<BackupStep> finish_backup(const std::function<void()>& between) {
    for (;;) {
      auto step = run(store_->upkeep().go_on_with_backup(ticket_));
      if (step) std::ranges::copy(step->findings, std::back_inserter(findings_));
      if (!step || step->finished) return step;
      EXPECT_LE(step->done, step->total);
      between();
    }
  }
  void make_backup(const std::string& name) {
    ASSERT_TRUE(begin(name));
    const auto done = finish_backup([] {});
    ASSERT_TRUE(done) << done.error().message;
  }
  Result<RestoreResult> restore(const std::string& name, const std::string& directory, bool force = false) {
    return restore_sqlite(path(name), path(directory), [](std::uint64_t, std::uint64_t) {}, force);
  }
  /// All rounds of upkeep that there is something to do for.
  static void keep_up(Store& store) {
    for (bool more = true; more;) {
      const auto slice = run(store.upkeep().maintain(1));
      ASSERT_TRUE(slice) << slice.error().message;
      more = *slice;
    }
  }

  TemporaryDirectory directory_;
  FakeClock clock_;
  UlidSource ulids_;
  std::uint64_t ticket_ = 0;      ///< of begin()
  Ulid last_;                     ///< of accept()
  std::vector<Finding> findings_; ///< of finish_backup()
  std::unique_ptr<Store> store_;
  Account account_;
};

} // namespace paquebot::store::sqlite
