#include "store/sqlite_verify.h"

#include "store/checksum.h"
#include "store/event.h"

namespace paquebot::store {
namespace {

constexpr std::size_t kMostLines = 100;

/// An invariant as a query for what breaks it: each row is a key to show (a number, or a message's id).
struct Rule {
  const char* what; ///< "%" stands for the key
  const char* sql;
};

constexpr Rule kMainRules[] = {
    {"message %: pending does not equal its unfinished or owing recipients",
     "SELECT id FROM message m WHERE pending <> (SELECT count(*) FROM recipient r WHERE r.message = m.id AND (state <= "
     "3 OR owed <> 0))"},
    {"message %: unfinished, but its content is gone", "SELECT id FROM message WHERE pending > 0 AND (head NOT IN "
                                                       "(SELECT id FROM head) OR body NOT IN (SELECT id FROM body))"},
    {"message %: finished, but the queue still holds its content",
     "SELECT id FROM message WHERE pending = 0 AND (head <> 0 OR body <> 0)"},
    {"message %: its trail does not begin with its acceptance",
     "SELECT id FROM message m WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.message = m.id AND e.n = 0)"},
    {"message %: it is unknown, but has recipients",
     "SELECT DISTINCT message FROM recipient WHERE message NOT IN (SELECT id FROM message)"},
    {"message %: it is unknown, but has events",
     "SELECT DISTINCT message FROM event WHERE message NOT IN (SELECT id FROM message)"},
    {"message %: a recipient is in no known state",
     "SELECT DISTINCT message FROM recipient WHERE state NOT BETWEEN 1 AND 8"},
    {"message %: a recipient waits for a destination that does not exist",
     "SELECT DISTINCT message FROM recipient WHERE state <= 3 AND destination NOT IN (SELECT id FROM destination)"},
    {"head %: its count of holders is wrong",
     "SELECT id FROM (SELECT id, refs FROM head) h LEFT JOIN (SELECT head, count(*) AS n FROM (SELECT head FROM entry "
     "UNION ALL "
     "SELECT head FROM message WHERE head <> 0) GROUP BY head) u ON u.head = h.id WHERE refs <> ifnull(n, 0)"},
    {"body %: its count of holders is wrong",
     "SELECT id FROM (SELECT id, refs FROM body) b LEFT JOIN (SELECT body, count(*) AS n FROM (SELECT body FROM entry "
     "UNION ALL "
     "SELECT body FROM message WHERE body <> 0) GROUP BY body) u ON u.body = b.id WHERE refs <> ifnull(n, 0)"},
    {"mailbox %: its count or bytes do not match its entries",
     "SELECT id FROM mailbox m WHERE count <> (SELECT count(*) FROM entry e WHERE e.mailbox = m.id) OR "
     "bytes <> (SELECT ifnull(sum(size), 0) FROM entry e WHERE e.mailbox = m.id)"},
    {"mailbox %: an entry has a uid that is still to be given",
     "SELECT id FROM mailbox m WHERE uidnext <= (SELECT max(uid) FROM entry e WHERE e.mailbox = m.id)"},
    {"mailbox %: it does not exist, but has entries",
     "SELECT DISTINCT mailbox FROM entry WHERE mailbox NOT IN (SELECT id FROM mailbox)"},
    {"mailbox %: an entry has no content",
     "SELECT DISTINCT mailbox FROM entry WHERE head NOT IN (SELECT id FROM head) OR body NOT IN (SELECT id FROM body)"},
    {"mailbox %: its account does not exist",
     "SELECT id FROM mailbox WHERE account IS NOT NULL AND account NOT IN (SELECT id FROM account)"},
    {"account %: it has no INBOX",
     "SELECT id FROM account a WHERE NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.account = a.id AND m.name = 'INBOX')"},
    {"account %: its domain does not exist", "SELECT id FROM account WHERE domain NOT IN (SELECT id FROM domain)"},
    {"domain %: its owner does not exist",
     "SELECT id FROM domain WHERE owner <> 0 AND owner NOT IN (SELECT id FROM account)"},
    {"domain %: an address leads to an account that does not exist",
     "SELECT DISTINCT domain FROM address WHERE account <> 0 AND account NOT IN (SELECT id FROM account)"},
    {"domain %: it does not exist, but has addresses",
     "SELECT DISTINCT domain FROM address WHERE domain NOT IN (SELECT id FROM domain)"},
    {"body % in bulk.db: owned and given up at once",
     "SELECT bulk FROM bulk_garbage WHERE bulk IN (SELECT bulk FROM body WHERE bulk <> 0)"},
};

class Verifier {
public:
  Verifier(Db& main, Db& bulk, Id epoch) : main_(main), bulk_(bulk), epoch_(epoch) {}

  std::vector<std::string> run() {
    check_pages(main_, "paquebot.db");
    check_pages(bulk_, "bulk.db");
    for (const Rule& rule : kMainRules) check(rule);
    check_heads();
    check_bodies();
    check_events();
    check_owners();
    return std::move(lines_);
  }

private:
  bool enough() const { return lines_.size() >= kMostLines; }
  void tell(std::string line) {
    if (!enough()) lines_.push_back(std::move(line));
  }

  void check_pages(Db& db, const std::string& file) {
    Query q = db.query("PRAGMA quick_check(10)");
    while (q.row()) {
      if (q.view(0) != "ok") tell(file + ": " + q.text(0));
    }
  }

  void check(const Rule& rule) {
    Query q = main_.query(rule.sql);
    while (!enough() && q.row()) {
      const std::string key = q.view(0).size() == 16 ? q.ulid(0).to_string() : std::to_string(q.i64(0));
      std::string line = rule.what;
      tell(line.replace(line.find('%'), 1, key));
    }
  }

  void check_heads() {
    Query q = main_.query("SELECT id, sum, bytes FROM head");
    while (!enough() && q.row()) {
      if (checksum(q.view(2)) != q.u32(1)) tell("head " + std::to_string(q.i64(0)) + ": does not match its checksum");
    }
  }

  void check_bodies() {
    Query q = main_.query("SELECT id, size, bulk, sum, data FROM body");
    while (!enough() && q.row()) {
      const std::string name = "body " + std::to_string(q.i64(0));
      if (q.i64(2) != 0) {
        check_bulk_body(name, q.i64(2), q.u64(1));
      } else if (checksum(q.view(4)) != q.u32(3) || q.view(4).size() != q.u64(1)) {
        tell(name + ": does not match its checksum or size");
      }
    }
  }

  void check_bulk_body(const std::string& name, Id id, std::uint64_t size) {
    if (bulk_.number("SELECT state FROM bulk WHERE id = ?", 0, id) != 2)
      return tell(name + ": not complete in bulk.db");
    std::uint64_t at = 0;
    Query q = bulk_.query("SELECT start, sum, data FROM chunk WHERE bulk = ? ORDER BY start", id);
    while (q.row()) {
      if (q.u64(0) != at) return tell(name + ": has a gap in bulk.db");
      if (checksum(q.view(2)) != q.u32(1)) return tell(name + ": a chunk in bulk.db does not match its checksum");
      at += q.view(2).size();
    }
    if (at != size) tell(name + ": is not of its size in bulk.db");
  }

  void check_events() {
    Query q = main_.query("SELECT message, data FROM event");
    while (!enough() && q.row()) {
      if (!unpack_events(q.view(1))) tell("message " + q.ulid(0).to_string() + ": an event cannot be read");
    }
  }

  /// No body without an owner, but for what is being staged now or about to be deleted.
  void check_owners() {
    Query q = bulk_.query("SELECT id FROM bulk WHERE state <> 3 AND epoch <> ?", epoch_);
    while (!enough() && q.row()) {
      const Id id = q.i64(0);
      const bool known = main_.number("SELECT 1 FROM body WHERE bulk = ?1 AND bulk <> 0 UNION ALL "
                                      "SELECT 1 FROM bulk_garbage WHERE bulk = ?1 LIMIT 1",
                                      0, id) != 0;
      if (!known) tell("body " + std::to_string(id) + " in bulk.db: has no owner");
    }
  }

  Db& main_;
  Db& bulk_;
  const Id epoch_;
  std::vector<std::string> lines_;
};

} // namespace

std::vector<std::string> verify_store(Db& main, Db& bulk, Id epoch) { return Verifier(main, bulk, epoch).run(); }

} // namespace paquebot::store
