#include "base/log.h"
#include "store/sqlite_directory.h"
#include "store/sqlite_dmarc.h"
#include "store/sqlite_greylist.h"
#include "store/sqlite_limits.h"
#include "store/sqlite_mailbox.h"
#include "store/sqlite_maintain.h"
#include "store/sqlite_store.h"

#include <algorithm>

namespace paquebot::store {
namespace {

constexpr std::size_t kIndexRows = 50000;   // entries stepped over in one short read
constexpr std::size_t kGarbage = 100;       // bodies marked in one slice
constexpr std::chrono::hours kThorough{24}; // between two rounds of expiry that look at every entry
constexpr std::int64_t kKeepCorrespondents = 400LL * 24 * 3600 * 1000;

} // namespace

// ---- Mailboxes ----

Task<Result<MailboxInfo>> SqliteStore::open_mailbox(Id account, std::string name) {
  const auto job = readers_.read<MailboxInfo>(
      [account, name = std::move(name)](ReadDbs& dbs) { return store::open_mailbox(dbs.main, account, name); });
  co_return co_await job.take();
}

Task<Result<>> SqliteStore::lock_mailbox(Id mailbox) {
  // In memory: the lock on the directory keeps every other process away, and a dead process takes its locks with it.
  const std::lock_guard lock(mailboxes_mutex_);
  if (!locked_mailboxes_.insert(mailbox).second)
    co_return fail(Errc::conflict, "another session has this mailbox open");
  co_return Result<>();
}

void SqliteStore::unlock_mailbox(Id mailbox) {
  const std::lock_guard lock(mailboxes_mutex_);
  locked_mailboxes_.erase(mailbox);
}

Task<Result<std::vector<EntryInfo>>> SqliteStore::list_entries(Id mailbox, std::uint32_t after_uid, std::size_t most) {
  using List = std::vector<EntryInfo>;
  const auto job = readers_.read<List>([mailbox, after_uid, most](ReadDbs& dbs) -> Result<List> {
    return store::list_entries(dbs.main, mailbox, after_uid, most);
  });
  co_return co_await job.take();
}

Task<Result<std::vector<std::uint32_t>>> SqliteStore::index_entries(Id mailbox, std::uint32_t below_uid,
                                                                    std::uint32_t stride) {
  using List = std::vector<std::uint32_t>;
  if (stride == 0) co_return fail(Errc::invalid, "the stride of an index is at least 1");
  const std::size_t most = std::max<std::size_t>(kIndexRows / stride, 2);
  List out;
  for (bool more = true; more;) {
    // Each slice begins with the last one found, so that the count goes on from it.
    const std::uint32_t after = out.empty() ? 0 : out.back() - 1;
    const auto job = readers_.read<List>([=](ReadDbs& dbs) -> Result<List> {
      return store::index_entries(dbs.main, mailbox, after, below_uid, stride, most);
    });
    Result<List> slice = co_await job.take();
    if (!slice) co_return std::unexpected(slice.error());
    more = slice->size() == most;
    if (!out.empty()) out.pop_back();
    std::ranges::copy(*slice, std::back_inserter(out));
  }
  co_return out;
}

Task<Result<EntryContent>> SqliteStore::read_entry(Id mailbox, std::uint32_t uid) {
  const auto job =
      readers_.read<EntryContent>([mailbox, uid](ReadDbs& dbs) { return store::read_entry(dbs.main, mailbox, uid); });
  co_return co_await job.take();
}

Task<Result<bool>> SqliteStore::was_imported(Id account, std::string digest) {
  const auto job = readers_.read<bool>([account, digest = std::move(digest)](ReadDbs& dbs) -> Result<bool> {
    return store::was_imported(dbs.main, account, digest);
  });
  co_return co_await job.take();
}

Task<Result<std::vector<EntryContent>>> SqliteStore::read_entries(Id mailbox, std::vector<std::uint32_t> uids,
                                                                  std::size_t most) {
  using List = std::vector<EntryContent>;
  const auto job = readers_.read<List>([mailbox, uids = std::move(uids), most](ReadDbs& dbs) {
    return store::read_entries(dbs.main, mailbox, uids, most);
  });
  co_return co_await job.take();
}

Task<Result<std::size_t>> SqliteStore::expunge(Id mailbox, std::vector<std::uint32_t> uids, std::string who) {
  const auto job =
      write<std::size_t>([mailbox, uids = std::move(uids), who = std::move(who)](Tx& tx) -> Result<std::size_t> {
        return store::expunge(tx, mailbox, uids, who);
      });
  co_return co_await job.take();
}

/// Where the round goes on, or a new one begins.
ExpiryRound SqliteStore::expiry_round() {
  const std::lock_guard lock(mailboxes_mutex_);
  if (expiry_.begun) return expiry_;
  const Instant now = clock_.now();
  expiry_.begun = true;
  expiry_.thorough = !expiry_.last_thorough || now - *expiry_.last_thorough >= kThorough;
  if (expiry_.thorough) expiry_.last_thorough = now;
  return expiry_;
}

/// Deletes in one mailbox, locked as by a session: message numbers of nobody may move. One that is locked waits for the
/// next round.
Task<Result<std::size_t>> SqliteStore::expire_in(Id mailbox, ExpiryRound& round, std::int64_t before, std::string who) {
  const Result<> locked = co_await lock_mailbox(mailbox);
  if (!locked) {
    round = next_mailbox(round);
    co_return std::size_t{0};
  }
  const std::uint32_t uid = round.uid;
  const auto job = write<ExpirySlice>([mailbox, uid, before, who = std::move(who)](Tx& tx) -> Result<ExpirySlice> {
    return expire_slice(tx, mailbox, uid, before, who);
  });
  const Result<ExpirySlice> slice = co_await job.take();
  unlock_mailbox(mailbox);
  if (!slice) {
    round = next_mailbox(round); // tried again when its turn comes, and holds up nobody behind it
    co_return std::unexpected(slice.error());
  }
  round.uid = slice->last;
  co_return slice->removed;
}

Task<Result<Store::Expired>> SqliteStore::expire_entries(std::int64_t before, std::string who) {
  const ExpiryRound from = expiry_round();
  const std::int64_t now = millis(clock_.wall());
  const auto read = readers_.read<ExpiryPage>(
      [from, before, now](ReadDbs& dbs) -> Result<ExpiryPage> { return find_expired(dbs.main, from, before, now); });
  const Result<ExpiryPage> page = co_await read.take();
  if (!page) co_return std::unexpected(page.error());
  ExpiryRound round = page->round;
  Expired expired{0, page->more};
  std::optional<Error> trouble = page->trouble;
  if (const Id mailbox = page->mailbox; mailbox != 0) {
    const Result<std::size_t> removed = co_await expire_in(mailbox, round, before, std::move(who));
    if (removed)
      expired.removed = *removed;
    else
      trouble = removed.error();
  }
  if (!page->more) round = ExpiryRound{.last_thorough = round.last_thorough};
  const std::lock_guard lock(mailboxes_mutex_);
  expiry_ = round;
  if (trouble) co_return std::unexpected(*trouble);
  co_return expired;
}

// ---- Directory ----

Task<Result<Domain>> SqliteStore::add_domain(std::string name) {
  auto job = write<Domain>([name = std::move(name)](Tx& tx) { return store::add_domain(tx, name); });
  co_return co_await noticed(std::move(job));
}

Task<Result<Domain>> SqliteStore::add_alias_domain(std::string name, std::string of) {
  auto job = write<Domain>(
      [name = std::move(name), of = std::move(of)](Tx& tx) { return store::add_alias_domain(tx, name, of); });
  co_return co_await noticed(std::move(job));
}

Task<Result<>> SqliteStore::remove_domain(std::string name) {
  auto job = write<void>([name = std::move(name)](Tx& tx) { return store::remove_domain(tx, name); });
  co_return co_await noticed(std::move(job));
}

Task<Result<std::vector<Domain>>> SqliteStore::list_domains() {
  using List = std::vector<Domain>;
  const auto job = readers_.read<List>([](ReadDbs& dbs) -> Result<List> { return store::list_domains(dbs.main); });
  co_return co_await job.take();
}

Task<Result<>> SqliteStore::set_domain_owner(std::string name, Id account) {
  auto job =
      write<void>([name = std::move(name), account](Tx& tx) { return store::set_domain_owner(tx, name, account); });
  co_return co_await noticed(std::move(job));
}

Task<Result<Account>> SqliteStore::add_account(Account account) {
  auto job = write<Account>([account = std::move(account)](Tx& tx) { return store::add_account(tx, account); });
  co_return co_await noticed(std::move(job));
}

Task<Result<Account>> SqliteStore::find_account(std::string login) {
  const auto job =
      readers_.read<Account>([login = std::move(login)](ReadDbs& dbs) { return store::find_account(dbs.main, login); });
  co_return co_await job.take();
}

Task<Result<Account>> SqliteStore::get_account(Id id) {
  const auto job = readers_.read<Account>([id](ReadDbs& dbs) { return store::get_account(dbs.main, id); });
  co_return co_await job.take();
}

Task<Result<std::vector<Account>>> SqliteStore::list_accounts(std::string domain) {
  using List = std::vector<Account>;
  const auto job = readers_.read<List>(
      [domain = std::move(domain)](ReadDbs& dbs) -> Result<List> { return store::list_accounts(dbs.main, domain); });
  co_return co_await job.take();
}

Task<Result<std::vector<LimitUse>>> SqliteStore::limit_use(Id account, Limits general, std::int64_t now) {
  using List = std::vector<LimitUse>;
  const auto job = readers_.read<List>([account, general, now](ReadDbs& dbs) -> Result<List> {
    return store::limit_use(dbs.main, account, general, now);
  });
  co_return co_await job.take();
}

Task<Result<>> SqliteStore::set_limit(Id account, LimitKind kind, std::optional<std::uint64_t> most) {
  const auto job = write<void>([account, kind, most](Tx& tx) -> Result<> {
    const auto found = store::get_account(tx.db, account);
    if (!found) return std::unexpected(found.error());
    store::set_limit(tx, account, kind, most);
    return {};
  });
  co_return co_await job.take();
}

Task<Result<>> SqliteStore::update_account(Account account) {
  auto job = write<void>([account = std::move(account)](Tx& tx) { return store::update_account(tx, account); });
  co_return co_await noticed(std::move(job));
}

Task<Result<>> SqliteStore::remove_account(std::string login) {
  auto job = write<void>([login = std::move(login)](Tx& tx) { return store::remove_account(tx, login); });
  co_return co_await noticed(std::move(job));
}

Task<Result<AddressLookup>> SqliteStore::find_address(std::string local, std::string domain) {
  const auto job = readers_.read<AddressLookup>(
      [local = std::move(local), domain = std::move(domain)](ReadDbs& dbs) -> Result<AddressLookup> {
        return store::find_address(dbs.main, local, domain);
      });
  co_return co_await job.take();
}

Task<Result<>> SqliteStore::add_address(AddressEntry entry) {
  auto job = write<void>([entry = std::move(entry)](Tx& tx) { return store::add_address(tx, entry); });
  co_return co_await noticed(std::move(job));
}

Task<Result<>> SqliteStore::set_senders(std::string local, std::string domain, std::vector<std::string> senders) {
  auto job = write<void>([local = std::move(local), domain = std::move(domain), senders = std::move(senders)](Tx& tx) {
    return store::set_senders(tx, local, domain, senders);
  });
  co_return co_await noticed(std::move(job));
}

Task<Result<>> SqliteStore::remove_address(std::string local, std::string domain, std::string target) {
  auto job = write<void>([local = std::move(local), domain = std::move(domain), target = std::move(target)](Tx& tx) {
    return store::remove_address(tx, local, domain, target);
  });
  co_return co_await noticed(std::move(job));
}

Task<Result<std::vector<AddressEntry>>> SqliteStore::list_addresses(std::string domain) {
  using List = std::vector<AddressEntry>;
  const auto job = readers_.read<List>(
      [domain = std::move(domain)](ReadDbs& dbs) -> Result<List> { return store::list_addresses(dbs.main, domain); });
  co_return co_await job.take();
}

Task<Result<std::vector<AddressEntry>>> SqliteStore::account_addresses(Id account) {
  using List = std::vector<AddressEntry>;
  const auto job = readers_.read<List>(
      [account](ReadDbs& dbs) -> Result<List> { return store::account_addresses(dbs.main, account); });
  co_return co_await job.take();
}

// ---- Settings, upkeep ----

Task<Result<>> SqliteStore::save_greylist(std::vector<GreyRow> rows) {
  const auto job = write<void>([rows = std::move(rows)](Tx& tx) -> Result<> {
    store::save_greylist(tx, rows);
    return {};
  });
  co_return co_await job.take();
}

Task<Result<std::vector<GreyRow>>> SqliteStore::load_greylist(std::string after, std::size_t most) {
  using Rows = std::vector<GreyRow>;
  const auto job = readers_.read<Rows>([after = std::move(after), most](ReadDbs& dbs) -> Result<Rows> {
    return store::load_greylist(dbs.main, after, most);
  });
  co_return co_await job.take();
}

Task<Result<std::string>> SqliteStore::get_setting(std::string key) {
  const auto job = readers_.read<std::string>([key = std::move(key)](ReadDbs& dbs) -> Result<std::string> {
    Query q = dbs.main.query("SELECT value FROM setting WHERE key = ?", key);
    return q.row() ? q.text(0) : std::string();
  });
  co_return co_await job.take();
}

Task<Result<>> SqliteStore::set_setting(std::string key, std::string value) {
  const auto job = write<void>([key = std::move(key), value = std::move(value)](Tx& tx) -> Result<> {
    if (value.empty())
      tx.db.run("DELETE FROM setting WHERE key = ?", key);
    else
      tx.db.run("INSERT OR REPLACE INTO setting(key, value) VALUES(?, ?)", key, value);
    return {};
  });
  co_return co_await job.take();
}

Task<Result<std::vector<std::pair<std::string, std::string>>>> SqliteStore::list_settings(std::string prefix,
                                                                                          std::size_t most) {
  using Rows = std::vector<std::pair<std::string, std::string>>;
  const auto job = readers_.read<Rows>([prefix = std::move(prefix), most](ReadDbs& dbs) -> Result<Rows> {
    Query q = dbs.main.query("SELECT key, value FROM setting WHERE key >= ? AND substr(key, 1, ?) = ? "
                             "ORDER BY key LIMIT ?",
                             prefix, prefix.size(), prefix, most);
    Rows rows;
    while (q.row()) rows.emplace_back(q.text(0), q.text(1));
    return rows;
  });
  co_return co_await job.take();
}

Task<Result<std::int64_t>> SqliteStore::last_beat() {
  const auto job = readers_.read<std::int64_t>([](ReadDbs& dbs) -> Result<std::int64_t> {
    return dbs.main.number("SELECT heartbeat FROM node WHERE id = 1", 0);
  });
  co_return co_await job.take();
}

Task<Result<>> SqliteStore::beat(std::int64_t now) {
  const auto job = write<void>([now, at = clock_.now()](Tx& tx) -> Result<> {
    tx.db.run("UPDATE node SET heartbeat = ? WHERE id = 1", now);
    tx.memory.heartbeat = now;
    tx.memory.least(at); // counts from here on
    return {};
  });
  co_return co_await job.take();
}

std::vector<SqliteStore::UpkeepStep> SqliteStore::upkeep_steps(std::int64_t now) {
  const std::int64_t before = now - options_.keep_trail_ms;
  const std::int64_t forgotten = now - kKeepCorrespondents;
  const std::int64_t given_up = now - kKeepDmarcMs;
  const bool short_of_room = !reserve_.spared();
  if (short_of_room) writer_.cut_log_soon();
  return {
      {"trails", [before, now](Tx& tx) { return drop_old_trails(tx, before, now); }},
      {"mailboxes", [](Tx& tx) { return empty_dropped_mailboxes(tx); }},
      {"destinations", [before](Tx& tx) { return drop_idle_destinations(tx, before); }},
      {"counters", [forgotten](Tx& tx) { return drop_old_counts(tx, forgotten); }},
      {"greylist", [now](Tx& tx) { return drop_old_greylist(tx, now); }},
      {"dmarc", [given_up](Tx& tx) { return drop_old_dmarc(tx, given_up); }},
      {"room", [short_of_room](Tx& tx) { return shrink(tx.db, short_of_room); }},
  };
}

/// Each step is a transaction of its own: one that fails, today and perhaps for ever, stops no other.
Task<Result<bool>> SqliteStore::maintain(std::int64_t now) {
  counts_.forget_old(clock_.now());
  const std::vector<UpkeepStep> steps = upkeep_steps(now);
  bool more = false;
  std::size_t failed = 0;
  std::optional<Error> last;
  for (const UpkeepStep& step : steps) {
    const auto job = write<bool>([run = step.run](Tx& tx) -> Result<bool> { return run(tx); });
    const Result<bool> done = co_await job.take();
    more = more || (done && *done);
    if (done) continue;
    ++failed;
    last = done.error();
    log::error("upkeep-failed", {{"step", step.name}, {"why", last->message}});
  }
  const Result<bool> garbage = co_await drop_garbage();
  if (!garbage) log::error("upkeep-failed", {{"step", "bodies"}, {"why", garbage.error().message}});
  if (!garbage && failed == steps.size()) co_return std::unexpected(*last);
  co_return more || (garbage && *garbage);
}

/// What paquebot.db gave up is marked in bulk.db before it is forgotten here: a crash between the two only repeats the
/// mark. Meanwhile nobody becomes its owner: an acceptance refuses what is on the list (given_up).
Task<Result<bool>> SqliteStore::drop_garbage() {
  if (backup_under_way(kGivenUp)) co_return false;
  const auto list =
      write<std::vector<Id>>([](Tx& tx) -> Result<std::vector<Id>> { return list_garbage(tx, kGarbage); });
  const Result<std::vector<Id>> bulks = co_await list.take();
  if (!bulks) co_return std::unexpected(bulks.error());
  if (!bulks->empty()) {
    const Result<> marked = co_await bulk_.mark_dropped(*bulks);
    if (!marked) co_return std::unexpected(marked.error());
    const auto job = write<void>([bulks = *bulks](Tx& tx) -> Result<> {
      forget_garbage(tx.db, bulks);
      return {};
    });
    const Result<> done = co_await job.take();
    if (!done) co_return std::unexpected(done.error());
  }
  const bool short_of_room = !reserve_.spared();
  const Result<bool> more = co_await bulk_.drop_slice(short_of_room);
  if (!more) co_return more;
  co_return *more || bulks->size() == kGarbage;
}

bool SqliteStore::has_room() {
  const bool bulk = bulk_.has_room();
  return writer_.has_room() && bulk && reserve_.spared();
}

} // namespace paquebot::store
