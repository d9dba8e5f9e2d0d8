#include "store/sqlite_verify.h"

#include "store/checksum.h"
#include "store/event.h"

#include <algorithm>
#include <functional>
#include <iterator>

namespace paquebot::store {
namespace {

constexpr std::size_t kMostLines = 100;
constexpr std::uint64_t kSliceBytes = 8u << 20; // of content looked at in one step
constexpr int kSliceRows = 2000;

constexpr const char* kDamaged =
    "the disk or the file is damaged: check the disk, keep this directory for rescue and restore a backup";
constexpr const char* kIncomplete =
    "content is missing: restore a backup, or let go of it (queue cancel, or delete it)";
constexpr const char* kMiscounted = "no mail is lost by it, but this program made a mistake: please report it";

/// An invariant as a query for what breaks it: each row is a key to show (a number, or a message's id).
struct Rule {
  const char* what; ///< "%" stands for the key
  const char* sql;
  const char* advice = kMiscounted;
};

constexpr Rule kMainRules[] = {
    {"message %: pending does not equal its unfinished or owing recipients",
     "SELECT id FROM message m WHERE pending <> (SELECT count(*) FROM recipient r WHERE r.message = m.id AND (state <= "
     "3 OR owed <> 0))"},
    {"message %: unfinished, but its content is gone",
     "SELECT id FROM message WHERE pending > 0 AND ((head >= 0 AND head NOT IN (SELECT id FROM head)) OR "
     "(head < 0 AND head <> -body) OR body NOT IN (SELECT id FROM body))",
     kIncomplete},
    {"message %: finished, but the queue still holds its content",
     "SELECT id FROM message WHERE pending = 0 AND (head <> 0 OR body <> 0)"},
    {"message %: its trail does not begin with its acceptance",
     "SELECT id FROM message m WHERE trail = x'' AND NOT EXISTS (SELECT 1 FROM event e WHERE e.message = m.id AND e.n "
     "= 0)"},
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
    {"greylisting: rows that count nothing: %",
     "SELECT n FROM (SELECT count(*) AS n FROM greylist WHERE count < 1) WHERE n > 0"},
    {"mailbox %: its count or bytes do not match its entries",
     "SELECT id FROM mailbox m WHERE count <> (SELECT count(*) FROM entry e WHERE e.mailbox = m.id) OR "
     "bytes <> (SELECT ifnull(sum(size), 0) FROM entry e WHERE e.mailbox = m.id)"},
    {"mailbox %: an entry has a uid that is still to be given",
     "SELECT id FROM mailbox m WHERE uidnext <= (SELECT max(uid) FROM entry e WHERE e.mailbox = m.id)"},
    {"mailbox %: it does not exist, but has entries",
     "SELECT DISTINCT mailbox FROM entry WHERE mailbox NOT IN (SELECT id FROM mailbox)"},
    {"mailbox %: an entry has no content",
     "SELECT DISTINCT mailbox FROM entry WHERE (head >= 0 AND head NOT IN (SELECT id FROM head)) OR "
     "(head < 0 AND head <> -body) OR body NOT IN (SELECT id FROM body)",
     kIncomplete},
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
    {"DKIM key %: its domain does not exist", "SELECT id FROM dkim_key WHERE domain NOT IN (SELECT id FROM domain)"},
    {"domain %: two DKIM keys of one algorithm are to sign",
     "SELECT DISTINCT domain FROM dkim_key WHERE state <> 3 GROUP BY domain, algorithm, state HAVING count(*) > 1"},
    {"DMARC reports of day %: a count of rows is wrong",
     "SELECT day FROM dmarc_day d WHERE rows <> (SELECT count(*) FROM dmarc_row r WHERE r.day = d.day AND r.domain = "
     "d.domain)"},
    {"DMARC reports of day %: rows belong to no report",
     "SELECT DISTINCT day FROM dmarc_row r WHERE NOT EXISTS (SELECT 1 FROM dmarc_day d WHERE d.day = r.day AND "
     "d.domain = r.domain)"},
    {"body % in bulk.db: owned and given up at once",
     "SELECT bulk FROM bulk_garbage WHERE bulk IN (SELECT bulk FROM body WHERE bulk <> 0)"},
    {"message %: a recipient is in hand of nobody",
     "SELECT DISTINCT message FROM recipient WHERE state = 3 AND owner <> (SELECT epoch FROM node WHERE id = 1)"},
    {"message %: its sizes are not those of its content",
     "SELECT m.id FROM message m JOIN body b ON b.id = m.body LEFT JOIN head h ON h.id = m.head WHERE "
     "length(ifnull(h.bytes, b.head)) <> m.head_size OR b.size <> m.body_size OR b.bulk <> m.bulk"},
    {"mailbox %: the size of an entry is not that of its content",
     "SELECT DISTINCT e.mailbox FROM entry e JOIN body b ON b.id = e.body LEFT JOIN head h ON h.id = e.head WHERE "
     "e.size <> length(CAST(e.prefix AS BLOB)) + length(ifnull(h.bytes, b.head)) + b.size"},
    {"mailbox %: two entries have the same UIDL",
     "SELECT mailbox FROM entry GROUP BY mailbox, uidl HAVING count(*) > 1"},
    {"domain %: an address leads nowhere",
     "SELECT DISTINCT domain FROM address a WHERE account = 0 AND NOT EXISTS (SELECT 1 FROM address_target t WHERE "
     "t.domain = a.domain AND t.local = a.local)"},
    {"account %: it looks taken over, but does not exist",
     "SELECT account FROM account_suspicion WHERE account NOT IN (SELECT id FROM account)"},
    {"domain %: targets of an address that does not exist",
     "SELECT DISTINCT domain FROM address_target t WHERE NOT EXISTS (SELECT 1 FROM address a WHERE a.domain = t.domain "
     "AND a.local = t.local)"},
};

/// The lowest id of that time.
Ulid first_of(std::int64_t time) {
  Ulid id{};
  for (std::size_t i = 6; i-- > 0; time >>= 8) id.bytes[i] = static_cast<std::uint8_t>(time & 0xFF); // big-endian
  return id;
}

class Verifier {
public:
  Verifier(Db& main, Db& bulk, Id epoch) : main_(main), bulk_(bulk), epoch_(epoch) {}

  VerifyStep step(const VerifyPoint& from);

private:
  using Part = std::function<std::int64_t(Verifier&, std::int64_t after)>;
  static const std::vector<Part>& parts();

  bool enough() const { return findings_.size() >= kMostLines; }
  void tell(std::string what, const char* advice) {
    if (!enough()) findings_.push_back({std::move(what), advice});
  }

  void check_pages(Db& db, const std::string& file) {
    Query q = db.query("PRAGMA quick_check(10)");
    while (q.row()) {
      if (q.view(0) != "ok") tell(file + ": " + q.text(0), kDamaged);
    }
  }

  void check(const Rule& rule) {
    Query q = main_.query(rule.sql);
    while (!enough() && q.row()) {
      const std::string key = q.view(0).size() == 16 ? q.ulid(0).to_string() : std::to_string(q.i64(0));
      std::string line = rule.what;
      tell(line.replace(line.find('%'), 1, key), rule.advice);
    }
  }

  std::int64_t check_heads(std::int64_t after) {
    Query q = main_.query("SELECT id, sum, bytes FROM head WHERE id > ? ORDER BY id", after);
    for (std::uint64_t bytes = 0; !enough() && q.row();) {
      if (checksum(q.view(2)) != q.u32(1))
        tell("head " + std::to_string(q.i64(0)) + ": does not match its checksum", kDamaged);
      bytes += q.view(2).size() + 1024;
      if (bytes > kSliceBytes) return q.i64(0);
    }
    return 0;
  }

  std::int64_t check_bodies(std::int64_t after) {
    Query q = main_.query("SELECT id, size, sum, data, head_sum, head, bulk FROM body WHERE id > ? ORDER BY id", after);
    for (std::uint64_t bytes = 0; !enough() && q.row();) {
      const std::string_view data = q.view(3);
      const std::string_view head = q.view(5);
      if (checksum(data) != q.u32(2) || (q.i64(6) == 0 && data.size() != q.u64(1)))
        tell("body " + std::to_string(q.i64(0)) + ": does not match its checksum or size", kDamaged);
      if (!head.empty() && checksum(head) != q.u32(4))
        tell("head of body " + std::to_string(q.i64(0)) + ": does not match its checksum", kDamaged);
      bytes += data.size() + head.size() + 1024;
      if (bytes > kSliceBytes) return q.i64(0);
    }
    return 0;
  }

  std::int64_t check_bulk_bodies(std::int64_t after) {
    std::uint64_t bytes = 0;
    for (;;) {
      Id id = 0;
      Id bulk = 0;
      std::uint64_t size = 0;
      {
        Query q =
            main_.query("SELECT id, bulk, size FROM body WHERE bulk <> 0 AND bulk > ? ORDER BY bulk LIMIT 1", after);
        if (!q.row()) return 0;
        id = q.i64(0);
        bulk = q.i64(1);
        size = q.u64(2);
      }
      const std::string wrong = look_at_bulk_body(bulk, size);
      if (!wrong.empty() && still_owned(bulk)) tell("body " + std::to_string(id) + ": " + wrong, kIncomplete);
      after = bulk;
      bytes += size + 1024;
      if (bytes > kSliceBytes || enough()) return after;
    }
  }

  /// What is wrong with it, or nothing.
  std::string look_at_bulk_body(Id id, std::uint64_t size) {
    if (bulk_.number("SELECT state FROM bulk WHERE id = ?", 0, id) != 2) return "not complete in bulk.db";
    std::uint64_t at = 0;
    Query q = bulk_.query("SELECT start, sum, data FROM chunk WHERE bulk = ? ORDER BY start", id);
    while (q.row()) {
      if (q.u64(0) != at) return "has a gap in bulk.db";
      if (checksum(q.view(2)) != q.u32(1)) return "a chunk in bulk.db does not match its checksum";
      at += q.view(2).size();
    }
    return at == size ? std::string() : "is not of its size in bulk.db";
  }

  /// The two files are not of one moment: what has been given up since is no loss.
  bool still_owned(Id bulk) {
    if (main_.in_transaction()) {
      main_.run("COMMIT");
      main_.run("BEGIN");
    }
    return main_.number("SELECT 1 FROM body WHERE bulk = ? AND bulk <> 0", 0, bulk) != 0;
  }

  /// In slices by the time in the messages' ids, which is what they are ordered by.
  std::int64_t check_events(std::int64_t after) {
    Query q = main_.query("SELECT id, trail FROM message WHERE id >= ?1 AND trail <> x'' UNION ALL "
                          "SELECT message, data FROM event WHERE message >= ?1 ORDER BY 1",
                          first_of(after + 1));
    std::int64_t last = after;
    for (int rows = 0; !enough() && q.row(); ++rows) {
      const std::int64_t time = q.ulid(0).millis();
      if (rows >= kSliceRows && time != last) return last;
      last = time;
      if (!unpack_events(q.view(1))) tell("message " + q.ulid(0).to_string() + ": an event cannot be read", kDamaged);
    }
    return 0;
  }

  /// No body without an owner, but for what is being staged now or about to be deleted.
  void check_owners() {
    Query q = bulk_.query("SELECT id FROM bulk WHERE state <> 3 AND epoch <> ?", epoch_);
    while (!enough() && q.row()) {
      const Id id = q.i64(0);
      const bool known = main_.number("SELECT 1 FROM body WHERE bulk = ?1 AND bulk <> 0 UNION ALL "
                                      "SELECT 1 FROM bulk_garbage WHERE bulk = ?1 LIMIT 1",
                                      0, id) != 0;
      if (!known) tell("body " + std::to_string(id) + " in bulk.db: has no owner", kMiscounted);
    }
  }

  Db& main_;
  Db& bulk_;
  const Id epoch_;
  std::vector<Finding> findings_;
};

/// In the order of the steps; each gives the row to go on after, or 0 when it is through.
const std::vector<Verifier::Part>& Verifier::parts() {
  static const std::vector<Part> all = [] {
    std::vector<Part> list;
    const auto whole = [&list](auto look) {
      list.emplace_back([look](Verifier& v, std::int64_t) -> std::int64_t {
        look(v);
        return 0;
      });
    };
    whole([](Verifier& v) { v.check_pages(v.main_, "paquebot.db"); });
    whole([](Verifier& v) { v.check_pages(v.bulk_, "bulk.db"); });
    for (const Rule& rule : kMainRules) whole([&rule](Verifier& v) { v.check(rule); });
    list.emplace_back(&Verifier::check_heads);
    list.emplace_back(&Verifier::check_bodies);
    list.emplace_back(&Verifier::check_bulk_bodies);
    list.emplace_back(&Verifier::check_events);
    whole([](Verifier& v) { v.check_owners(); });
    return list;
  }();
  return all;
}

VerifyStep Verifier::step(const VerifyPoint& from) {
  const auto& all = parts();
  VerifyStep out;
  out.total = all.size();
  out.done = std::min<std::uint64_t>(from.part + 1, all.size());
  if (from.part >= all.size()) return out;
  const std::int64_t row = all[from.part](*this, from.row);
  out.findings = std::move(findings_);
  if (row != 0) {
    out.next = {from.part, row};
  } else if (from.part + 1 < all.size()) {
    out.next = {from.part + 1, 0};
  }
  return out;
}

} // namespace

VerifyStep verify_step(Db& main, Db& bulk, Id epoch, const VerifyPoint& from) {
  return Verifier(main, bulk, epoch).step(from);
}

std::vector<std::string> verify_store(Db& main, Db& bulk, Id epoch) {
  std::vector<std::string> lines;
  std::optional<VerifyPoint> at = VerifyPoint{};
  while (at && lines.size() < kMostLines) {
    VerifyStep step = verify_step(main, bulk, epoch, *at);
    for (Finding& finding : step.findings) lines.push_back(std::move(finding.what));
    at = step.next;
  }
  return lines;
}

} // namespace paquebot::store
