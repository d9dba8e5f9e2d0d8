#include "base/text.h"
#include "store/event.h"
#include "store/sqlite/core.h"
#include "store/sqlite/directory.h"
#include "store/sqlite/feed.h"
#include "store/sqlite/parts.h"
#include "store/sqlite/rows.h"

#include <set>

namespace paquebot::store::sqlite {
namespace {

Error no_hook() { return {Errc::not_found, "there is no such hook"}; }

std::string words_in_lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : "\n") + text;
  return all;
}

std::vector<std::string> words_of_lines(const std::string& text) {
  std::vector<std::string> all;
  if (text.empty()) return all;
  for (const std::string_view line : split(text, '\n')) all.emplace_back(line);
  return all;
}

// What hook_of() reads. A macro, since statements are literals (Db::query).
#define HOOK_QUERY                                                                                                     \
  "SELECT h.id, h.account, ifnull(a.login, ''), h.url, h.events, h.domains, h.secret, h.old_secret, h.old_until, "     \
  "h.created, h.state, h.cursor, h.failures, h.failing_since, h.again_at, h.last_error, h.delivered_at "               \
  "FROM hook h LEFT JOIN account a ON a.id = h.account "

Hook hook_of(const Query& q) {
  Hook hook;
  hook.id = q.i64(0);
  hook.account = q.i64(1);
  hook.login = q.text(2);
  hook.url = q.text(3);
  hook.events = words_of_lines(q.text(4));
  hook.domains = words_of_lines(q.text(5));
  hook.secret = q.text(6);
  hook.old_secret = q.text(7);
  hook.old_until = q.i64(8);
  hook.created = q.i64(9);
  hook.state = q.as<Hook::State>(10);
  hook.cursor = q.i64(11);
  hook.failures = q.u32(12);
  hook.failing_since = q.i64(13);
  hook.again_at = q.i64(14);
  hook.last_error = q.text(15);
  hook.delivered_at = q.i64(16);
  return hook;
}

std::vector<Hook> read_hooks(Db& db, std::optional<Id> account) {
  Query q = db.query(HOOK_QUERY "WHERE ?1 < 0 OR h.account = ?1 ORDER BY h.id", account.value_or(-1));
  std::vector<Hook> all;
  while (q.row()) all.push_back(hook_of(q));
  return all;
}

std::vector<Hook> page_of_hooks(Db& db, std::optional<Id> account, const Within& within, Id after, std::size_t most) {
  Query q = db.query(HOOK_QUERY "LEFT JOIN domain d ON d.id = a.domain WHERE h.id > ?1 AND (?2 < 0 OR h.account = ?2) "
                                "AND (?3 <> 0 OR a.login = ?5 OR instr(?4, char(10) || d.name || char(10)) > 0) "
                                "ORDER BY h.id LIMIT ?6",
                     after, account.value_or(-1), within.all, fenced(within.domains), within.login, most);
  std::vector<Hook> all;
  while (q.row()) all.push_back(hook_of(q));
  return all;
}

Result<Hook> read_hook(Db& db, Id id) {
  Query q = db.query(HOOK_QUERY "WHERE h.id = ?", id);
  if (!q.row()) return std::unexpected(no_hook());
  return hook_of(q);
}

Result<Hook> add_hook(Tx& tx, const Hook& hook) {
  if (hook.account != 0 && tx.db.number("SELECT 1 FROM account WHERE id = ?", 0, hook.account) == 0)
    return fail(Errc::not_found, "there is no such account");
  if (tx.db.number("SELECT count(*) FROM hook WHERE account = ?", 0, hook.account) >= kMostHooks)
    return fail(Errc::no_space, "there are 20 hooks already: remove one that is not used any more");
  // Whoever watches from now on finds what has happened since the last row nowhere.
  FeedState& feed = tx.memory.feed;
  if (!feed.unbroken) note_gap(tx);
  feed.hooks = feed.unbroken = true;
  const Id id = tx.db.number("INSERT INTO hook(account, url, events, domains, secret, created, state, cursor) "
                             "VALUES(?, ?, ?, ?, ?, ?, ?, "
                             "ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'feed'), 0)) RETURNING id",
                             0, hook.account, hook.url, words_in_lines(hook.events), words_in_lines(hook.domains),
                             Blob{hook.secret}, tx.now, hook.state);
  return read_hook(tx.db, id);
}

Result<> remove_hook(Tx& tx, Id id) {
  tx.db.run("DELETE FROM hook WHERE id = ?", id);
  if (tx.db.changes() == 0) return std::unexpected(no_hook());
  tx.memory.feed.hooks = tx.db.number("SELECT 1 FROM hook LIMIT 1", 0) != 0;
  return {};
}

Result<> change_hook(Tx& tx, const Hook& hook) {
  tx.db.run("UPDATE hook SET url = ?, events = ?, domains = ?, secret = ?, old_secret = ?, old_until = ?, state = ? "
            "WHERE id = ?",
            hook.url, words_in_lines(hook.events), words_in_lines(hook.domains), Blob{hook.secret},
            Blob{hook.old_secret}, hook.old_until, hook.state, hook.id);
  if (tx.db.changes() == 0) return std::unexpected(no_hook());
  if (hook.state == Hook::State::active)
    tx.db.run("UPDATE hook SET failures = 0, failing_since = 0, again_at = 0 WHERE id = ?", hook.id);
  return {};
}

void note_hook(Tx& tx, const Hook& hook, Id from) {
  tx.db.run("UPDATE hook SET cursor = ?, failures = ?, failing_since = ?, again_at = ?, last_error = ?, "
            "delivered_at = ?, state = ? WHERE id = ? AND cursor = ? AND state = ?",
            hook.cursor, hook.failures, hook.failing_since, hook.again_at, hook.last_error, hook.delivered_at,
            hook.state, hook.id, from, Hook::State::active);
}

Result<Id> replay_hook(Tx& tx, Id id, std::int64_t since) {
  const Id first = tx.db.number("SELECT id FROM feed WHERE at >= ? ORDER BY id LIMIT 1", 0, since);
  if (first == 0) { // nothing since: it goes on where it is
    const auto hook = read_hook(tx.db, id);
    if (!hook) return std::unexpected(hook.error());
    return hook->cursor;
  }
  tx.db.run("UPDATE hook SET cursor = min(cursor, ?), failures = 0, failing_since = 0, again_at = 0 WHERE id = ?",
            first - 1, id);
  const auto hook = read_hook(tx.db, id);
  if (!hook) return std::unexpected(hook.error());
  return hook->cursor;
}

// ---- Reading ----

/// The recipients that the events name; all when one of them is the acceptance.
void add_recipients(Db& db, const std::vector<Event>& events, FeedMessage& message) {
  bool all = false;
  std::set<std::uint32_t> named;
  for (const Event& event : events) {
    all = all || event.kind == EventKind::accepted;
    named.insert(event.recipients.begin(), event.recipients.end());
  }
  Query q = db.query("SELECT r.n, r.address, ifnull(a.login, ''), r.parent FROM recipient r "
                     "LEFT JOIN account a ON a.id = r.account AND r.account <> 0 WHERE r.message = ? ORDER BY r.n",
                     message.id);
  while (q.row()) {
    const std::uint32_t index = q.u32(0);
    if (all || named.contains(index)) message.recipients.push_back({index, q.text(1), q.text(2), q.i64(3) < 0});
  }
}

std::optional<FeedMessage> read_message(Db& db, const Ulid& id, const std::vector<Event>& events) {
  FeedMessage message;
  message.id = id;
  {
    Query q = db.query("SELECT m.class, m.account, ifnull(a.login, ''), m.sender_local, m.sender_domain, "
                       "ifnull(w.words, '') FROM message m LEFT JOIN account a ON a.id = m.account "
                       "LEFT JOIN metadata w ON w.message = m.id WHERE m.id = ?",
                       id);
    if (!q.row()) return {};
    message.klass = q.as<MessageClass>(0);
    message.account = q.i64(1);
    message.login = q.text(2);
    message.sender = mail::Address{q.text(3), q.text(4)}.to_string();
    message.metadata = q.text(5);
  }
  add_recipients(db, events, message);
  return message;
}

std::vector<FeedRow> read_feed(Db& db, Id after, std::size_t most) {
  std::vector<FeedRow> rows;
  {
    Query q = db.query("SELECT id, at, message, events, word, about, detail FROM feed WHERE id > ? ORDER BY id LIMIT ?",
                       after, most);
    while (q.row()) {
      FeedRow row;
      row.id = q.i64(0);
      row.at = q.i64(1);
      if (!q.null(2)) row.about_message = q.ulid(2);
      if (!q.null(2)) row.events = unpack_events(q.view(3)).value_or(std::vector<Event>());
      row.word = q.text(4);
      row.about = q.text(5);
      row.detail = q.text(6);
      rows.push_back(std::move(row));
    }
  }
  for (FeedRow& row : rows)
    if (row.word.empty()) row.message = read_message(db, row.about_message, row.events);
  return rows;
}

class SqliteFeed final : public Feed {
public:
  explicit SqliteFeed(Core& core) : core_(core) {}

  Id last() override { return core_.memory.feed.last; }
  void watch(std::int64_t until) override {
    std::atomic<std::int64_t>& known = core_.memory.feed.watched_until;
    for (std::int64_t before = known; before < until && !known.compare_exchange_weak(before, until);) {
    }
  }
  Task<Result<std::vector<FeedRow>>> read(Id after, std::size_t most) override {
    return core_.read([after, most](Db& db) { return read_feed(db, after, most); });
  }
  Task<Result<Id>> first() override {
    return core_.read([](Db& db) -> Id { return db.number("SELECT min(id) FROM feed", 0); });
  }
  Task<Result<>> tell(std::string word, std::string about, std::string detail) override {
    return core_.write([word = std::move(word), about = std::move(about), detail = std::move(detail)](Tx& tx) {
      feed_word(tx, word, about, detail);
    });
  }

  Task<Result<Hook>> add_hook(Hook hook) override {
    return core_.write([hook = std::move(hook)](Tx& tx) { return sqlite::add_hook(tx, hook); });
  }
  Task<Result<>> remove_hook(Id id) override {
    return core_.write([id](Tx& tx) { return sqlite::remove_hook(tx, id); });
  }
  Task<Result<std::vector<Hook>>> list_hooks(std::optional<Id> account) override {
    return core_.read([account](Db& db) { return read_hooks(db, account); });
  }
  Task<Result<std::vector<Hook>>> page_hooks(std::optional<Id> account, Within within, Id after,
                                             std::size_t most) override {
    return core_.read([account, within = std::move(within), after, most](Db& db) {
      return page_of_hooks(db, account, within, after, most);
    });
  }
  Task<Result<Hook>> get_hook(Id id) override {
    return core_.read([id](Db& db) { return read_hook(db, id); });
  }
  Task<Result<>> change_hook(Hook hook) override {
    return core_.write([hook = std::move(hook)](Tx& tx) { return sqlite::change_hook(tx, hook); });
  }
  Task<Result<>> note_hook(Hook hook, Id from) override {
    return core_.write([hook = std::move(hook), from](Tx& tx) { sqlite::note_hook(tx, hook, from); });
  }
  Task<Result<Id>> replay_hook(Id id, std::int64_t since) override {
    return core_.write([id, since](Tx& tx) { return sqlite::replay_hook(tx, id, since); });
  }

private:
  Core& core_;
};

} // namespace

std::unique_ptr<Feed> make_feed(Core& core) { return std::make_unique<SqliteFeed>(core); }

} // namespace paquebot::store::sqlite
