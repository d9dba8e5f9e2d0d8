#include "store/audit.h"

#include "base/text.h"
#include "store/sqlite/access.h"
#include "store/sqlite/core.h"
#include "store/sqlite/parts.h"

namespace paquebot::store::sqlite {
namespace {

constexpr std::int64_t kAuditSlice = 1000;

std::string cut_text(const std::string& text) { return text.substr(0, kAuditText); }

std::vector<AuditEntry> list_entries(Db& db, const AuditFilter& filter, std::size_t most) {
  Query q = db.query(
      "SELECT id, at, who, login, role, source, action, subject, outcome FROM audit "
      "WHERE (?1 = 0 OR id < ?1) AND (?2 = '' OR action = ?2) AND "
      "(?3 = '' OR login = ?3 OR instr(' ' || subject || ' ', ' ' || ?3 || ' ') > 0) ORDER BY id DESC LIMIT ?4",
      filter.before, filter.action, to_lower(filter.login), most);
  std::vector<AuditEntry> out;
  while (q.row())
    out.push_back({q.i64(0), q.i64(1), q.text(2), q.text(3), q.text(4), q.text(5), q.text(6), q.text(7), q.text(8)});
  return out;
}

class SqliteAudit final : public AuditLog {
public:
  explicit SqliteAudit(Core& core) : core_(core) {}

  Task<Result<>> add(AuditEntry entry) override {
    return core_.write([entry = std::move(entry)](Tx& tx) { keep_entry(tx.db, entry, tx.now); });
  }
  Task<Result<>> amend(std::int64_t id, std::string subject, std::string outcome) override {
    return core_.write([id, subject = std::move(subject), outcome = std::move(outcome)](Tx& tx) {
      tx.db.run("UPDATE audit SET subject = ?, outcome = ? WHERE id = ?", cut_text(subject), cut_text(outcome), id);
    });
  }
  Task<Result<std::vector<AuditEntry>>> list(AuditFilter filter, std::size_t most) override {
    return core_.read_long(
        [filter = std::move(filter), most](Db& db) { return sqlite::list_entries(db, filter, most); });
  }

private:
  Core& core_;
};

} // namespace

Id keep_entry(Db& db, const AuditEntry& entry, std::int64_t now) {
  return db.number("INSERT INTO audit(at, who, login, role, source, action, subject, outcome) "
                   "VALUES(?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                   0, entry.at != 0 ? entry.at : now, cut_text(entry.who), cut_text(entry.login), cut_text(entry.role),
                   cut_text(entry.from), cut_text(entry.action), cut_text(entry.subject), cut_text(entry.outcome));
}

bool drop_old_audit(Tx& tx, std::int64_t now) {
  tx.db.run("DELETE FROM audit WHERE id IN (SELECT id FROM (SELECT id, at FROM audit ORDER BY id LIMIT ?1) old "
            "WHERE at < ?2 OR id <= (SELECT max(id) FROM audit) - ?3)",
            kAuditSlice, now - kKeepAudit, kMostAudit);
  return tx.db.changes() == kAuditSlice;
}

std::unique_ptr<AuditLog> make_audit(Core& core) { return std::make_unique<SqliteAudit>(core); }

} // namespace paquebot::store::sqlite
