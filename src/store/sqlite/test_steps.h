#pragma once

#include "store/sqlite/db.h"

#include <cstdint>

namespace paquebot::store::sqlite {

/// Counts what a connection's statements cost, in instructions of SQLite's machine, while it lives: the same on a
/// machine that is busy and one that is not.
class Steps {
public:
  explicit Steps(Db& db) : db_(db) { sqlite3_progress_handler(db.raw(), kEach, &Steps::count, this); }
  ~Steps() { sqlite3_progress_handler(db_.raw(), 0, nullptr, nullptr); }
  Steps(const Steps&) = delete;
  Steps& operator=(const Steps&) = delete;

  /// Since the last time, rounded.
  std::uint64_t taken() { return std::exchange(taken_, 0); }

private:
  static constexpr int kEach = 20;
  static int count(void* self) {
    static_cast<Steps*>(self)->taken_ += kEach;
    return 0;
  }
  Db& db_;
  std::uint64_t taken_ = 0;
};

/// Adds `count` messages to a FullStore's paquebot.db: half of them delivered to anna, half waiting for many.test.
inline void multiply(Db& db, int count) {
  db.exec(("CREATE TEMP TABLE n AS WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < " +
           std::to_string(count) + ") SELECT i, CAST(printf('%016d', i) AS BLOB) AS id, i % 2 AS waits FROM c")
              .c_str());
  db.exec(R"sql(
BEGIN;
INSERT INTO destination(key, changed_at) VALUES('many.test', 1);
CREATE TEMP TABLE one AS SELECT m.* FROM message m JOIN entry e ON e.message = m.id WHERE e.mailbox = 1 AND e.uid = 3;
INSERT INTO body(id, refs, size, type, bulk, sum, data, head_sum, head)
  SELECT 1000 + n.i, 1, b.size, b.type, 0, b.sum, b.data, b.head_sum, b.head
  FROM n, body b WHERE b.id = (SELECT body FROM entry WHERE mailbox = 1 AND uid = 3);
INSERT INTO message(id, pending, class, sender_local, sender_domain, body_type, smtputf8, ret, envid, content_8bit,
    account, peer, accepted_at, expires_at, head, head_size, body, bulk, body_size, requiretls, priority, deliver_by,
    hold_until, trail)
  SELECT n.id, n.waits, class, sender_local, sender_domain, body_type, smtputf8, ret, envid, content_8bit, account,
    peer, accepted_at, expires_at,
    iif(waits, -1000 - i, 0), head_size, iif(waits, 1000 + i, 0), 0, body_size, requiretls,
    priority, deliver_by, hold_until, trail
  FROM n, one;
INSERT INTO recipient(message, n, state, destination, due, expires, owner, owed, delay_reported, attempts, changed_at,
    route, account, parent, notify, address, orcpt, via, last_reply, reason, uid, mailbox)
  SELECT n.id, 0, iif(waits, 2, 4), iif(waits, (SELECT id FROM destination WHERE key = 'many.test'), 0), 1, expires, 0,
    0, 0, 0, changed_at,
    iif(waits, 1, 0), iif(waits, 0, r.account), -1, 0, iif(waits, 'a@many.test', address), '', '', '',
    '', iif(waits, 0, 100 + i), iif(waits, 0, 1)
  FROM n, recipient r WHERE r.message = (SELECT id FROM one);
INSERT INTO entry(mailbox, uid, uidl, message, recipient, flags, modseq, internal_date, head, body, size, prefix, arrived)
  SELECT 1, 100 + n.i, n.id, n.id, 0, 0, 100 + n.i, e.internal_date, -1000 - n.i, 1000 + n.i, e.size, e.prefix, e.arrived
  FROM n, entry e WHERE n.waits = 0 AND e.mailbox = 1 AND e.uid = 3;
UPDATE destination SET waiting = (SELECT sum(waits) FROM n) WHERE key = 'many.test';
UPDATE node SET next_body = 1000000;
UPDATE mailbox SET uidnext = 1000000, highestmodseq = 1000000, (count, bytes, unseen) =
  (SELECT count(*), sum(size), count(*) FROM entry WHERE mailbox = 1) WHERE id = 1;
COMMIT;
)sql");
}

} // namespace paquebot::store::sqlite
