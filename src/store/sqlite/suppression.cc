#include "store/sqlite/suppression.h"

#include "base/text.h"
#include "store/event.h"
#include "store/sqlite/feed.h"
#include "store/sqlite/rows.h"

#include <algorithm>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kSuppressions = 2000; // dropped in one transaction

// What suppression_of() reads. A macro, since statements are literals (Db::query).
#define SUPPRESSION_QUERY                                                                                              \
  "SELECT s.id, s.scope, s.of, s.address, s.reason, s.message, s.reply, s.since, s.until, "                            \
  "ifnull(CASE s.scope WHEN 2 THEN (SELECT name FROM domain WHERE id = s.of) "                                         \
  "WHEN 3 THEN (SELECT login FROM account WHERE id = s.of) END, '') FROM suppression s "

Suppression suppression_of(const Query& q) {
  Suppression one;
  one.id = q.i64(0);
  one.scope = q.as<SuppressScope>(1);
  one.of = q.i64(2);
  one.address = q.text(3);
  one.reason = q.as<SuppressReason>(4);
  if (!q.null(5)) one.message = q.ulid(5);
  one.reply = q.text(6);
  one.since = q.i64(7);
  one.until = q.i64(8);
  one.owner = q.text(9);
  return one;
}

Id domain_of(Db& db, Id account) { return db.number("SELECT domain FROM account WHERE id = ?", 0, account); }

Id insert(Tx& tx, const Suppression& one) {
  const std::string reply = one.reply.substr(0, kMostSuppressReply);
  if (one.message == Ulid())
    return tx.db.number("INSERT INTO suppression(scope, of, address, reason, reply, since, until) "
                        "VALUES(?, ?, ?, ?, ?, ?, ?) RETURNING id",
                        0, one.scope, one.of, one.address, one.reason, reply, one.since, one.until);
  return tx.db.number("INSERT INTO suppression(scope, of, address, reason, message, reply, since, until) "
                      "VALUES(?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                      0, one.scope, one.of, one.address, one.reason, one.message, reply, one.since, one.until);
}

/// One that comes by itself. What somebody put there stays, and so does a complaint.
void suppress(Tx& tx, Suppression one) {
  one.since = tx.now;
  {
    Query q = tx.db.query("SELECT reason, until FROM suppression WHERE scope = ? AND of = ? AND address = ?", one.scope,
                          one.of, one.address);
    if (q.row()) {
      const auto reason = q.as<SuppressReason>(0);
      const bool ended = q.i64(1) != 0 && q.i64(1) <= tx.now;
      if (!ended && (reason == SuppressReason::manual || reason == SuppressReason::complaint)) return;
    }
  }
  tx.db.run("DELETE FROM suppression WHERE scope = ? AND of = ? AND address = ?", one.scope, one.of, one.address);
  const std::int64_t all =
      tx.db.number("SELECT count(*) FROM suppression WHERE scope = ? AND of = ?", 0, one.scope, one.of);
  if (all >= kMostSuppressions)
    tx.db.run("DELETE FROM suppression WHERE id = (SELECT id FROM suppression WHERE scope = ? AND of = ? "
              "AND reason <> ? ORDER BY since LIMIT 1)",
              one.scope, one.of, SuppressReason::manual);
  if (all >= kMostSuppressions && tx.db.changes() == 0) return; // all are somebody's own
  insert(tx, one);
}

/// A failure of one message to one address: what it shows of that address.
struct Evidence {
  Id account = 0;
  std::string address{}; ///< lower-case
  Ulid message;
  std::uint32_t index = 0;
  mail::BounceClass bounce{};
  bool hard = false; ///< mail::is_hard_no_such_user
  std::string reply{};
};

/// The third of these within two weeks.
bool strikes_out(Tx& tx, const Evidence& one, SuppressReason reason) {
  tx.db.run("INSERT INTO suppression_strike(account, address, message, reason, at) VALUES(?, ?, ?, ?, ?) ON "
            "CONFLICT(account, "
            "address, message) DO UPDATE SET reason = excluded.reason, at = excluded.at",
            one.account, one.address, one.message, reason, tx.now);
  const std::int64_t count =
      tx.db.number("SELECT count(*) FROM suppression_strike WHERE account = ? AND address = ? AND at > ?", 0,
                   one.account, one.address, tx.now - kStrikesWithin);
  if (count < kStrikes) return false;
  tx.db.run("DELETE FROM suppression_strike WHERE account = ? AND address = ?", one.account, one.address);
  return true;
}

/// What it comes to; the trail of its message tells.
void judge(Tx& tx, const Evidence& one) {
  Suppression made{.of = one.account, .address = one.address, .message = one.message, .reply = one.reply};
  if (one.bounce == mail::BounceClass::no_such_user && one.hard) {
    made.reason = SuppressReason::no_such_user;
    made.until = tx.now + kNoUserFor;
  } else if (one.bounce == mail::BounceClass::full || one.bounce == mail::BounceClass::disabled) {
    const bool full = one.bounce == mail::BounceClass::full;
    made.reason = full ? SuppressReason::full : SuppressReason::disabled;
    made.until = tx.now + kStruckFor;
    if (!strikes_out(tx, one, made.reason)) return;
  } else {
    return;
  }
  const std::string words =
      "nothing is sent to " + one.address + " any more by the API: " + std::string(name_of(made.reason));
  suppress(tx, std::move(made));
  add_events(tx.db, one.message, {{tx.now, EventKind::warned, {one.index}, words, 1}});
}

/// Whether a recipient of that message is one that its account named, by the API: then its address; lower-case.
std::string named_by_api(Db& db, const Ulid& message, std::uint32_t index, Id& account) {
  Query q = db.query("SELECT m.account, r.address FROM message m JOIN recipient r ON r.message = m.id AND r.n = ? "
                     "WHERE m.id = ? AND m.by_api = 1 AND m.account <> 0 AND r.parent < 0",
                     index, message);
  if (!q.row()) return {};
  account = q.i64(0);
  return to_lower(q.text(1));
}

/// It was taken by a server of its domain, not by one that passes mail on for us: there is such a mailbox.
void forget_no_such_user(Tx& tx, const Ulid& message, std::uint32_t index) {
  std::string address;
  {
    Query q = tx.db.query("SELECT address FROM recipient WHERE message = ? AND n = ? AND NOT EXISTS (SELECT 1 FROM "
                          "destination d WHERE d.id = destination AND d.key LIKE 'route:%')",
                          message, index);
    if (!q.row()) return;
    address = to_lower(q.text(0));
  }
  tx.db.run("DELETE FROM suppression WHERE address = ? AND reason = ?", address, SuppressReason::no_such_user);
}

std::string json_of(const std::vector<Id>& ids) {
  std::string text;
  for (const Id id : ids) text += (text.empty() ? "" : ",") + std::to_string(id);
  return "[" + text + "]";
}

/// Indexes that events of this kind of the message name.
std::vector<std::uint32_t> told_before(Db& db, const Ulid& message, EventKind kind, std::uint64_t& times) {
  std::vector<std::uint32_t> indexes;
  for (const std::string& row : load_trail(db, message)) {
    const auto events = unpack_events(row);
    if (!events) continue;
    for (const Event& event : *events) {
      if (event.kind != kind) continue;
      times += event.times;
      indexes.insert(indexes.end(), event.recipients.begin(), event.recipients.end());
    }
  }
  return indexes;
}

/// Which failure that a report tells of is about this recipient; null: none.
const ProvenReturn::Failed* about(const ProvenReturn& proven, const RecipientFacts& recipient) {
  if (proven.failed.empty()) return nullptr;
  // Who is served alone may have been forwarded at the other end.
  if (proven.recipient) return *proven.recipient == recipient.index ? proven.failed.data() : nullptr;
  const auto at = std::ranges::find(proven.failed, to_lower(recipient.address), &ProvenReturn::Failed::address);
  return at == proven.failed.end() ? nullptr : &*at;
}

} // namespace

bool anybody_suppressed(Db& db) { return db.number("SELECT 1 FROM suppression LIMIT 1", 0) != 0; }

std::optional<Suppression> find_suppression(Db& db, Id account, const std::string& address, std::int64_t now) {
  Query q = db.query(SUPPRESSION_QUERY "WHERE s.address = ?1 AND (s.until = 0 OR s.until > ?2) AND ((s.scope = 1) OR "
                                       "(s.scope = 2 AND s.of = ?3) OR (s.scope = 3 AND s.of = ?4)) "
                                       "ORDER BY s.scope DESC LIMIT 1",
                     to_lower(address), now, domain_of(db, account), account);
  if (!q.row()) return {};
  return suppression_of(q);
}

std::vector<std::uint32_t> suppressed_in(Db& db, const AcceptRequest& request, std::int64_t now) {
  std::vector<std::uint32_t> indexes;
  if (!request.by_api || !anybody_suppressed(db)) return indexes;
  for (std::uint32_t i = 0; i < request.recipients.size(); ++i) {
    const NewRecipient& one = request.recipients[i];
    if (one.parent < 0 && one.handling == Handling::remote && find_suppression(db, request.account, one.address, now))
      indexes.push_back(i);
  }
  return indexes;
}

std::vector<Event> warnings_for(Db& db, const AcceptRequest& request, std::int64_t now) {
  std::vector<Event> events;
  if (request.klass != MessageClass::submitted || request.by_api || !anybody_suppressed(db)) return events;
  for (std::uint32_t i = 0; i < request.recipients.size(); ++i) {
    const NewRecipient& one = request.recipients[i];
    if (one.handling != Handling::remote) continue;
    if (const auto found = find_suppression(db, request.account, one.address, now))
      events.push_back({request.accepted_at,
                        EventKind::warned,
                        {i},
                        "programs of the API send nothing to " + one.address + ": " + words_of(*found),
                        1});
  }
  return events;
}

Result<Suppression> add_suppression(Tx& tx, Suppression one) {
  const bool known =
      one.scope == SuppressScope::server ||
      (one.scope == SuppressScope::domain ? tx.db.number("SELECT 1 FROM domain WHERE id = ?", 0, one.of)
                                          : tx.db.number("SELECT 1 FROM account WHERE id = ?", 0, one.of)) != 0;
  if (!known) return fail(Errc::not_found, "whose it is to be is gone");
  one.address = to_lower(one.address);
  one.since = tx.now;
  tx.db.run("DELETE FROM suppression WHERE scope = ? AND of = ? AND address = ? AND until <> 0 AND until <= ?",
            one.scope, one.of, one.address, tx.now);
  if (tx.db.number("SELECT 1 FROM suppression WHERE scope = ? AND of = ? AND address = ?", 0, one.scope, one.of,
                   one.address) != 0)
    return fail(Errc::conflict, one.address + " is suppressed already");
  if (tx.db.number("SELECT count(*) FROM suppression WHERE scope = ? AND of = ?", 0, one.scope, one.of) >=
      kMostSuppressions)
    return fail(Errc::no_space, "there are " + std::to_string(kMostSuppressions) + " already");
  return get_suppression(tx.db, insert(tx, one));
}

Result<Suppression> get_suppression(Db& db, Id id) {
  Query q = db.query(SUPPRESSION_QUERY "WHERE s.id = ?", id);
  if (!q.row()) return fail(Errc::not_found, "there is no such suppression");
  return suppression_of(q);
}

Result<> remove_suppression(Tx& tx, Id id) {
  tx.db.run("DELETE FROM suppression WHERE id = ?", id);
  if (tx.db.changes() == 0) return fail(Errc::not_found, "there is no such suppression");
  return {};
}

std::vector<Suppression> list_suppressions(Db& db, const SuppressionFilter& filter, Id after, std::size_t most,
                                           std::int64_t now) {
  std::vector<Suppression> all;
  const std::string accounts = json_of(filter.accounts), domains = json_of(filter.domains);
  const auto read = [&](Query q) {
    while (q.row()) all.push_back(suppression_of(q));
  };
  if (!filter.address.empty())
    read(db.query(
        SUPPRESSION_QUERY
        "WHERE s.address = ?1 AND s.id > ?2 AND (s.until = 0 OR s.until > ?3) AND (?4 <> 0 OR (s.scope = 3 AND "
        "(s.of IN (SELECT value FROM json_each(?5)) OR s.of IN (SELECT id FROM account WHERE domain IN "
        "(SELECT value FROM json_each(?6))))) OR (s.scope = 2 AND s.of IN (SELECT value FROM "
        "json_each(?6))) OR (s.scope = 1 AND ?8 <> 0)) ORDER BY s.id LIMIT ?7",
        filter.address, after, now, filter.everybodys, accounts, domains, most, filter.servers));
  else
    read(db.query(SUPPRESSION_QUERY
                  "WHERE s.id > ?1 AND (s.until = 0 OR s.until > ?2) AND (?3 <> 0 OR (s.scope = 3 AND "
                  "(s.of IN (SELECT value FROM json_each(?4)) OR s.of IN (SELECT id FROM account WHERE domain IN "
                  "(SELECT value FROM json_each(?5))))) OR (s.scope = 2 AND s.of IN (SELECT value FROM "
                  "json_each(?5))) OR (s.scope = 1 AND ?7 <> 0)) ORDER BY s.id LIMIT ?6",
                  after, now, filter.everybodys, accounts, domains, most, filter.servers));
  return all;
}

void judge_outcome(Tx& tx, const Outcome& outcome) {
  if (outcome.to == State::relayed) {
    if (anybody_suppressed(tx.db)) forget_no_such_user(tx, outcome.message, outcome.index);
    return;
  }
  if (outcome.to != State::failed || outcome.bounce == mail::BounceClass::none) return;
  Evidence one{.message = outcome.message, .index = outcome.index, .bounce = outcome.bounce};
  one.address = named_by_api(tx.db, outcome.message, outcome.index, one.account);
  if (one.address.empty() || outcome.reply.peer.code == 0) return; // our own word shows nothing of a mailbox
  one.hard = mail::is_hard_no_such_user(outcome.reply);
  one.reply = outcome.reply.to_string();
  judge(tx, one);
}

bool note_proven_return(Tx& tx, const ProvenReturn& proven) {
  std::uint64_t times = 0;
  const auto before = told_before(tx.db, proven.message, EventKind::returned, times);
  const auto message = load_message(tx.db, proven.message);
  if (!message || times >= proven.most) return false;
  std::vector<Event> events;
  std::vector<Evidence> evidence;
  for (const RecipientFacts& one : load_recipients(tx.db, proven.message)) {
    const ProvenReturn::Failed* failed = about(proven, one);
    const bool open = one.state == State::relayed && one.parent < 0;
    if (failed == nullptr || !open || std::ranges::find(before, one.index) != before.end()) continue;
    const mail::BounceClass bounce = mail::class_of(failed->told);
    const std::string said = failed->told.to_string();
    events.push_back({tx.now,
                      EventKind::returned,
                      {one.index},
                      "returned later: " + said + "; report " + proven.report.to_string(),
                      1,
                      bounce});
    tx.db.run("UPDATE recipient SET bounce = ? WHERE message = ? AND n = ?", bounce, proven.message, one.index);
    if (proven.recipient && message->by_api)
      evidence.push_back({message->account, to_lower(one.address), proven.message, one.index, bounce,
                          mail::is_hard_no_such_user(failed->told), said});
  }
  if (events.empty()) { // an answer of a program, a delay, or what is known already: it counts, and nobody is told
    const std::string words = "something came back: " + proven.report.to_string();
    add_events(tx.db, proven.message, {{tx.now, EventKind::returned, {}, words, 1}});
    return true;
  }
  tell_events(tx, proven.message, std::move(events));
  for (const Evidence& one : evidence) judge(tx, one);
  return true;
}

bool note_complaint(Tx& tx, const Complaint& complaint) {
  const auto message = load_message(tx.db, complaint.message);
  if (!message || message->klass != MessageClass::submitted) return false;
  const RecipientFacts* whom = nullptr;
  const auto recipients = load_recipients(tx.db, complaint.message);
  for (const RecipientFacts& one : recipients)
    if (complaint.recipient ? one.index == *complaint.recipient : recipients.size() == 1) whom = &one;
  if (whom == nullptr || whom->state != State::relayed || whom->parent >= 0) return false;
  std::uint64_t times = 0;
  const auto before = told_before(tx.db, complaint.message, EventKind::complained, times);
  if (std::ranges::find(before, whom->index) != before.end()) return false;
  tell_events(tx, complaint.message,
              {{tx.now,
                EventKind::complained,
                {whom->index},
                complaint.words + "; report " + complaint.report.to_string(),
                1}});
  if (message->by_api && message->account != 0)
    suppress(tx, {.of = message->account,
                  .address = to_lower(whom->address),
                  .reason = SuppressReason::complaint,
                  .message = complaint.message,
                  .reply = complaint.words});
  return true;
}

void drop_suppressions_of(Tx& tx, SuppressScope scope, Id of) {
  tx.db.run("DELETE FROM suppression WHERE scope = ? AND of = ?", scope, of);
  if (scope == SuppressScope::account) tx.db.run("DELETE FROM suppression_strike WHERE account = ?", of);
}

bool drop_old_suppressions(Tx& tx, std::int64_t now) {
  tx.db.run("DELETE FROM suppression WHERE id IN (SELECT id FROM suppression INDEXED BY suppression_until "
            "WHERE until > 0 AND until <= ? LIMIT ?)",
            now, kSuppressions);
  const bool more = tx.db.changes() == static_cast<std::int64_t>(kSuppressions);
  tx.db.run(
      "DELETE FROM suppression_strike WHERE (account, address, message) IN (SELECT account, address, message FROM "
      "suppression_strike INDEXED BY suppression_strike_at WHERE at <= ? LIMIT ?)",
      now - kStrikesWithin, kSuppressions);
  return more || tx.db.changes() == static_cast<std::int64_t>(kSuppressions);
}

} // namespace paquebot::store::sqlite
