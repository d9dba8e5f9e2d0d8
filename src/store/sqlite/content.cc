#include "store/sqlite/content.h"

#include "store/checksum.h"
#include "store/sqlite/core.h"
#include "store/sqlite/parts.h"

#include <algorithm>
#include <cassert>

namespace paquebot::store::sqlite {
namespace {

Error gone(std::string_view what, Id id) {
  return {Errc::not_found, "the " + std::string(what) + " " + std::to_string(id) + " is gone"};
}

Error decayed(std::string_view what, Id id) {
  return {Errc::io, "the " + std::string(what) + " " + std::to_string(id) +
                        " does not match its checksum: the disk or the file is damaged, restore it from a backup"};
}

constexpr Id kReserved = 4096; // ids of bodies put aside at once

/// An id that no body ever had. Each node takes blocks of them.
Id new_body_id(Tx& tx) {
  WriterMemory& memory = tx.memory;
  if (memory.next_body < memory.reserved_body) return memory.next_body++;
  memory.reserved_body =
      tx.db.number("UPDATE node SET next_body = max(next_body, ?1) + ?2 WHERE id = 1 RETURNING next_body",
                   memory.next_body + kReserved, memory.next_body, kReserved);
  memory.next_body = memory.reserved_body - kReserved;
  return memory.next_body++;
}

/// A head with a row of its own, as stores of before have them.
void release_head(Db& db, Id head) {
  if (head <= 0) return;
  db.run("DELETE FROM head WHERE id = ? AND refs <= 1", head); // most have one holder
  if (db.changes() == 0) db.run("UPDATE head SET refs = refs - 1 WHERE id = ?", head);
}

/// Most bodies have none, and to look costs less than to delete.
void drop_outlines(Db& db, Id body) {
  if (db.number("SELECT 1 FROM outline WHERE body = ?", 0, body) != 0)
    db.run("DELETE FROM outline WHERE body = ?", body);
}

void release_body(Db& db, Id body) {
  if (body == 0) return;
  db.run("DELETE FROM body WHERE id = ? AND refs <= 1 AND bulk = 0", body); // most have one holder
  if (db.changes() != 0) return drop_outlines(db, body);
  db.run("UPDATE body SET refs = refs - 1 WHERE id = ? AND refs > 1", body);
  if (db.changes() != 0) return;
  const Id bulk = db.number("SELECT bulk FROM body WHERE id = ?", 0, body);
  if (bulk != 0) db.run("INSERT OR IGNORE INTO bulk_garbage(bulk) VALUES(?)", bulk);
  db.run("DELETE FROM body WHERE id = ?", body);
  drop_outlines(db, body);
}

} // namespace

Content add_content(Tx& tx, std::string_view head, const NewBody& body, std::int64_t refs) {
  assert(refs > 0 && "content that nobody holds is not kept");
  assert(body.staged == nullptr || body.bytes.empty());
  const Id id = new_body_id(tx);
  assert(id < tx.memory.reserved_body && "the next start must not give it again");
  const Id bulk = bulk_of(body);
  const std::uint64_t size = bulk != 0 ? body.size : body.bytes.size();
  tx.db.run("INSERT INTO body(id, refs, size, type, bulk, sum, data, head_sum, head) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
            id, refs, size, body.type, bulk, checksum(body.bytes), Blob{body.bytes}, checksum(head), Blob{head});
  return {-id, {id, bulk, size}};
}

void release_content(Db& db, Id head, Id body) {
  release_head(db, head);
  release_body(db, body);
}

bool given_up(Db& db, Id bulk) { return db.number("SELECT 1 FROM bulk_garbage WHERE bulk = ?", 0, bulk) != 0; }

Result<std::string> load_head(Db& db, Id head) {
  Query q = head < 0 ? db.query("SELECT head_sum, head FROM body WHERE id = ?", -head)
                     : db.query("SELECT sum, bytes FROM head WHERE id = ?", head);
  if (!q.row()) return std::unexpected(gone("head", head));
  const std::string_view bytes = q.view(1);
  if (checksum(bytes) != q.u32(0)) return std::unexpected(decayed("head", head));
  return std::string(bytes);
}

Result<std::string> load_inline_body(Db& db, Id body, std::uint64_t offset, std::size_t most) {
  Query q = db.query("SELECT sum, data FROM body WHERE id = ?", body);
  if (!q.row()) return std::unexpected(gone("body", body));
  const std::string_view bytes = q.view(1);
  if (checksum(bytes) != q.u32(0)) return std::unexpected(decayed("body", body));
  return std::string(bytes.substr(std::min<std::size_t>(offset, bytes.size()), most));
}

BodyRef body_ref(Db& db, Id body) {
  Query q = db.query("SELECT bulk, size FROM body WHERE id = ?", body);
  if (!q.row()) return {};
  return {body, q.i64(0), q.u64(1)};
}

namespace {

constexpr std::size_t kMostRead = 1u << 20; // octets of a body in one call

class SqliteContent final : public ContentStore {
public:
  explicit SqliteContent(Core& core) : core_(core) {}

  Task<Result<std::string>> read_head(Id head) override {
    return core_.read([head](Db& db) { return load_head(db, head); });
  }
  Task<Result<std::string>> read_body(BodyRef body, std::uint64_t offset, std::size_t most) override {
    if (offset >= body.size) co_return std::string();
    const std::size_t bound = std::min(most, kMostRead);
    const auto job = core_.readers.read<std::string>([body, offset, bound](ReadDbs& dbs) {
      return body.bulk != 0 ? load_bulk_body(dbs.bulk, body.bulk, offset, bound)
                            : load_inline_body(dbs.main, body.id, offset, bound);
    });
    co_return co_await job.take();
  }

private:
  Core& core_;
};

} // namespace

std::unique_ptr<ContentStore> make_content(Core& core) { return std::make_unique<SqliteContent>(core); }

} // namespace paquebot::store::sqlite
