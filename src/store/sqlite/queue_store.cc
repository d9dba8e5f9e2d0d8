#include "base/text.h"
#include "store/sqlite/core.h"
#include "store/sqlite/parts.h"
#include "store/sqlite/queue.h"
#include "store/sqlite/suspension.h"

#include <algorithm>
#include <set>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kOperateSlice = 200; // messages changed in one transaction

class SqliteQueue final : public QueueStore {
public:
  explicit SqliteQueue(Core& core) : core_(core) {}

  Task<Result<std::vector<DestinationFacts>>> list_destinations(bool with_counts) override {
    const auto list = [with_counts](Db& db) { return sqlite::list_destinations(db, with_counts); };
    return with_counts ? core_.read_long(list) : core_.read(list); // counting goes through all that waits
  }
  Task<Result<std::vector<DestinationFacts>>> page_destinations(std::string after, std::size_t most) override {
    return core_.read_long(
        [after = std::move(after), most](Db& db) { return sqlite::page_destinations(db, after, most); });
  }
  Task<Result<Claim>> claim(std::string destination, std::int64_t now, std::size_t most) override {
    return core_.write([destination = std::move(destination), now, most](Tx& tx) {
      return sqlite::claim(tx, destination, now, most, false);
    });
  }
  Task<Result<std::vector<WorkItem>>> claim_expired(std::string destination, std::int64_t now,
                                                    std::size_t most) override {
    return core_.write([destination = std::move(destination), now, most](Tx& tx) {
      return sqlite::claim(tx, destination, now, most, true).items;
    });
  }
  Task<Result<std::vector<WorkItem>>> claim_overdue(std::int64_t now, std::size_t most) override {
    return core_.write([now, most](Tx& tx) { return sqlite::claim_overdue(tx, now, most); });
  }
  Task<Result<std::int64_t>> earliest_due(std::string destination) override {
    return core_.read([destination = std::move(destination)](Db& db) { return sqlite::earliest_due(db, destination); });
  }
  Task<Result<std::int64_t>> earliest_deadline() override {
    return core_.read([](Db& db) { return sqlite::earliest_deadline(db); });
  }
  Task<Result<std::size_t>> record(std::vector<Outcome> outcomes,
                                   std::optional<DestinationUpdate> destination) override {
    std::optional<Change> change;
    if (destination) change = Change{.kind = Change::Kind::destination, .key = destination->key};
    auto job = core_.write([outcomes = std::move(outcomes), destination = std::move(destination)](Tx& tx) {
      return sqlite::record(tx, outcomes, destination);
    });
    const Result<std::size_t> counted = co_await std::move(job);
    if (counted && change) core_.tell(*change);
    if (counted) core_.tell_marks();
    co_return counted;
  }
  Task<Result<OwedPage>> owed_reports(std::optional<Ulid> after, std::size_t most) override {
    return core_.read([after, most, now = core_.wall()](Db& db) { return sqlite::owed_reports(db, after, most, now); });
  }
  Task<Result<>> waive_reports(Ulid message, std::vector<std::uint32_t> recipients) override {
    return core_.write(
        [message, recipients = std::move(recipients)](Tx& tx) { sqlite::waive_reports(tx, message, recipients); });
  }
  Task<Result<>> keep_sites(std::vector<SiteFacts> sites) override {
    return core_.write([sites = std::move(sites)](Tx& tx) { sqlite::keep_sites(tx, sites); });
  }
  Task<Result<std::vector<SiteFacts>>> list_sites() override { return core_.read(sqlite::list_sites); }
  Task<Result<std::vector<WorkItem>>> list(QueueFilter filter, std::optional<Ulid> after, std::size_t most) override;
  Task<Result<QueueCount>> count(QueueAction action, QueueFilter filter, std::int64_t now, std::size_t most) override;
  Task<Result<>> suspend(Suspension one) override {
    return core_.write([one = std::move(one)](Tx& tx) { return sqlite::suspend(tx, one); });
  }
  Task<Result<>> end_suspension(Suspension::Of of, std::string name) override {
    return core_.write([of, name = std::move(name)](Tx& tx) { return sqlite::end_suspension(tx, of, name); });
  }
  Task<Result<bool>> advance_suspension(Suspension seen, Suspension::Phase to) override {
    return core_.write([seen = std::move(seen), to](Tx& tx) { return sqlite::advance_suspension(tx, seen, to); });
  }
  Task<Result<std::vector<Suspension>>> list_suspensions() override { return core_.read(sqlite::list_suspensions); }
  Task<Result<std::uint64_t>> count_held() override { return core_.read_long(sqlite::count_held); }
  Task<Result<std::size_t>> operate(QueueAction action, QueueFilter filter, std::string who, std::int64_t now) override;
  Task<Result<std::size_t>> pull_forward(std::int64_t now, std::int64_t latest) override;

private:
  Core& core_;
};

Task<Result<std::vector<WorkItem>>> SqliteQueue::list(QueueFilter filter, std::optional<Ulid> after, std::size_t most) {
  std::vector<WorkItem> out;
  for (std::optional<Ulid> at = after; out.size() < most;) {
    const std::size_t room = most - out.size();
    auto job = core_.read_long([filter, at, room](Db& db) { return list_queue(db, filter, at, room); });
    Result<QueuePage> page = co_await std::move(job);
    if (!page) co_return std::unexpected(page.error());
    std::ranges::move(page->items, std::back_inserter(out));
    at = page->next;
    if (!at) break;
  }
  co_return out;
}

Task<Result<QueueCount>> SqliteQueue::count(QueueAction action, QueueFilter filter, std::int64_t now,
                                            std::size_t most) {
  QueueCount found;
  std::set<std::string> senders;
  std::optional<Ulid> at;
  do {
    auto read = core_.read_long([filter, at](Db& db) { return list_queue(db, filter, at, kOperateSlice); });
    const Result<QueuePage> page = co_await std::move(read);
    if (!page) co_return std::unexpected(page.error());
    at = page->next;
    for (const WorkItem& item : page->items) {
      const auto changed = std::ranges::count_if(
          item.recipients, [&](const RecipientFacts& one) { return would_change(action, filter, item, one, now); });
      if (changed == 0) continue;
      found.more = found.messages == most;
      if (found.more) break;
      ++found.messages;
      found.recipients += static_cast<std::uint64_t>(changed);
      senders.insert(to_lower(item.message.sender.reverse_path.to_string()));
    }
  } while (at && !found.more);
  found.senders = senders.size();
  co_return found;
}

Task<Result<std::size_t>> SqliteQueue::operate(QueueAction action, QueueFilter filter, std::string who,
                                               std::int64_t now) {
  std::size_t changed = 0;
  std::optional<Ulid> at;
  do {
    auto read = core_.read_long([filter, at](Db& db) { return list_queue(db, filter, at, kOperateSlice); });
    Result<QueuePage> page = co_await std::move(read);
    if (!page) co_return std::unexpected(page.error());
    at = page->next;
    if (page->items.empty()) continue;
    auto job = core_.write([action, filter, items = std::move(page->items), who, now](Tx& tx) {
      return sqlite::operate(tx, action, filter, items, who, now);
    });
    const Result<std::size_t> done = co_await std::move(job);
    if (!done) co_return std::unexpected(done.error());
    changed += *done;
  } while (at);
  const bool waits = action == QueueAction::retry || action == QueueAction::release || action == QueueAction::resume ||
                     action == QueueAction::rebind;
  if (waits && changed > 0) core_.tell({.kind = Change::Kind::queue});
  co_return changed;
}

Task<Result<std::size_t>> SqliteQueue::pull_forward(std::int64_t now, std::int64_t latest) {
  auto look = core_.read([latest](Db& db) {
    return db.number("SELECT 1 FROM destination WHERE backoff_until > ? LIMIT 1", 0, latest) != 0;
  });
  const Result<bool> backs_off = co_await std::move(look);
  if (!backs_off) co_return std::unexpected(backs_off.error());
  if (*backs_off) {
    auto job = core_.write([now, latest](Tx& tx) {
      tx.db.run("UPDATE destination SET backoff_until = ? WHERE backoff_until > ?", now, latest);
    });
    const Result<> done = co_await std::move(job);
    if (!done) co_return std::unexpected(done.error());
  }
  std::size_t mended = 0;
  for (;;) {
    auto read = core_.read([latest](Db& db) { return find_ahead(db, latest); });
    Result<std::vector<Ulid>> ids = co_await std::move(read);
    if (!ids) co_return std::unexpected(ids.error());
    if (ids->empty()) co_return mended;
    auto job = core_.write(
        [ids = std::move(*ids), now, latest](Tx& tx) { return sqlite::pull_forward(tx, ids, now, latest); });
    const Result<std::size_t> done = co_await std::move(job);
    if (!done) co_return std::unexpected(done.error());
    if (*done == 0) co_return mended; // what was found has come to its end meanwhile
    mended += *done;
  }
}

} // namespace

std::unique_ptr<QueueStore> make_queue(Core& core) { return std::make_unique<SqliteQueue>(core); }

} // namespace paquebot::store::sqlite
