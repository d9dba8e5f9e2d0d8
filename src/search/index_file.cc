#include "search/index_file.h"

#include "store/checksum.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::search {
namespace {

using store::sqlite::Blob;
using store::sqlite::Db;
using store::sqlite::DbError;
using store::sqlite::Query;

/// Another number for each form of the rows, of trigrams, and of the texts that they are made of.
constexpr std::int64_t kForm = 1;

/// What a row has in front of the octets of head and body.
struct RowHead {
  std::uint32_t checksum; ///< of all behind it, begun with the row's id
  std::uint32_t head_size;
  std::uint32_t whole;
};

std::int64_t id_of(Place place) { return place.mailbox << 32 | place.uid; }

std::uint32_t checksum_of(std::int64_t id, std::string_view packed) {
  const auto mixed = static_cast<std::uint64_t>(id) * 0x9E37'79B9'7F4A'7C15;
  return store::checksum(packed.substr(sizeof(std::uint32_t))) ^ static_cast<std::uint32_t>(mixed >> 32);
}

std::string pack(std::int64_t id, const imap::Fingerprint& print) {
  RowHead head{0, static_cast<std::uint32_t>(print.head.size()), print.whole ? 1u : 0u};
  std::string out(sizeof head, '\0');
  out += print.head;
  out += print.body;
  std::memcpy(out.data(), &head, sizeof head);
  head.checksum = checksum_of(id, out);
  std::memcpy(out.data(), &head, sizeof head);
  return out;
}

/// A file that is there, for its owner alone, before SQLite makes one for its group, too.
void make_private(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) throw DbError{SQLITE_CANTOPEN, "cannot make " + path + ": " + std::strerror(errno)};
  const bool owned = ::fchmod(descriptor, 0600) == 0;
  ::close(descriptor);
  if (!owned) throw DbError{SQLITE_CANTOPEN, "cannot make " + path + " its owner's alone: " + std::strerror(errno)};
}

Db open_file(const std::string& path) {
  make_private(path);
  Db db(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX);
  db.exec("PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA secure_delete = ON; PRAGMA busy_timeout = "
          "2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216; PRAGMA "
          "cache_size = -4096");
  return db;
}

void make_table(Db& db) {
  db.exec("CREATE TABLE print(id INTEGER PRIMARY KEY, message BLOB NOT NULL, bits BLOB NOT NULL)");
  db.exec("PRAGMA user_version = 1"); // kForm
}

Db open_index(const std::string& path) {
  try {
    Db db = open_file(path);
    const std::int64_t form = db.number("PRAGMA user_version", -1);
    if (form == kForm && db.number("SELECT count(*) FROM sqlite_schema WHERE name = 'print'", 0) == 1) return db;
    if (form == 0 && db.number("SELECT count(*) FROM sqlite_schema", 1) == 0) {
      make_table(db);
      return db;
    }
  } catch (const DbError& error) {
    if (!error.damaged()) throw;
  }
  IndexFile::remove(path);
  Db db = open_file(path);
  make_table(db);
  return db;
}

/// Of a row as pack() has made it; nothing: it is not as it was written.
std::optional<RowHead> sound_row(std::int64_t id, std::string_view packed) {
  RowHead head{};
  if (packed.size() < sizeof head) return {};
  std::memcpy(&head, packed.data(), sizeof head);
  const bool sound = head.head_size != 0 && head.head_size <= packed.size() - sizeof head;
  return sound && head.checksum == checksum_of(id, packed) ? std::optional(head) : std::nullopt;
}

} // namespace

IndexFile::IndexFile(const std::string& path) : db_(open_index(path)) {}

void IndexFile::remove(const std::string& path) {
  for (const char* beside : {"", "-wal", "-shm", "-journal"}) {
    std::error_code error;
    std::filesystem::remove(path + beside, error);
  }
}

bool IndexFile::put(Place place, const Ulid& message, const imap::Fingerprint& print) {
  if (place.mailbox > kMostMailboxes) return false;
  const std::int64_t id = id_of(place);
  const std::string packed = pack(id, print);
  db_.run("INSERT OR IGNORE INTO print(id, message, bits) VALUES(?, ?, ?)", id, message, Blob{packed});
  return db_.changes() == 1;
}

std::uint64_t IndexFile::drop(store::Id mailbox, store::UidRun uids) {
  if (mailbox > kMostMailboxes) return 0;
  db_.run("DELETE FROM print WHERE id IN (SELECT id FROM print WHERE id BETWEEN ? AND ? LIMIT ?)",
          id_of({mailbox, uids.first}), id_of({mailbox, uids.last}), kDroppedAtOnce);
  return static_cast<std::uint64_t>(db_.changes());
}

std::vector<IndexFile::Row> IndexFile::list(store::Id mailbox, store::UidRun uids) {
  std::vector<Row> out;
  if (mailbox > kMostMailboxes) return out;
  Query q = db_.query("SELECT id, message FROM print WHERE id BETWEEN ? AND ? ORDER BY id",
                      id_of({mailbox, uids.first}), id_of({mailbox, uids.last}));
  while (q.row()) out.push_back({static_cast<std::uint32_t>(q.i64(0)), q.ulid(1)});
  return out;
}

std::optional<store::Id> IndexFile::next_mailbox(store::Id after) {
  if (after >= kMostMailboxes) return {};
  const std::int64_t id =
      db_.number("SELECT id FROM print WHERE id > ? ORDER BY id LIMIT 1", -1, id_of({after, UINT32_MAX}));
  return id < 0 ? std::nullopt : std::optional<store::Id>(id >> 32);
}

std::uint64_t IndexFile::count() { return static_cast<std::uint64_t>(db_.number("SELECT count(*) FROM print", 0)); }

bool IndexFile::tidy() {
  db_.exec("PRAGMA incremental_vacuum(2000)");
  db_.exec("PRAGMA wal_checkpoint(TRUNCATE)"); // a search that is under way leaves it for the next time
  return db_.number("PRAGMA freelist_count", 0) == 0;
}

IndexReader::IndexReader(const std::string& path) : db_(path, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX) {
  db_.exec("PRAGMA busy_timeout = 2000; PRAGMA cache_size = -4096");
}

std::uint64_t IndexReader::count() { return static_cast<std::uint64_t>(db_.number("SELECT count(*) FROM print", 0)); }

std::string IndexReader::check() {
  const std::int64_t form = db_.number("PRAGMA user_version", -1);
  if (form == 0 && db_.number("SELECT count(*) FROM sqlite_schema", 1) == 0) return {}; // it is just being made
  if (form != kForm) return "it is of another form";
  {
    Query q = db_.query("PRAGMA quick_check(1)");
    if (!q.row() || q.view(0) != "ok") return "its pages are damaged";
  }
  std::uint64_t damaged = 0;
  Query q = db_.query("SELECT id, bits FROM print ORDER BY id");
  while (q.row()) damaged += sound_row(q.i64(0), q.view(1)) ? 0 : 1;
  return damaged == 0 ? std::string() : std::to_string(damaged) + " of its rows are damaged";
}

store::UidSet IndexReader::rule_out(store::Id mailbox, const imap::FilterPlan& plan, bool& damaged) {
  store::UidSet out;
  if (mailbox > kMostMailboxes) return out;
  Query q = db_.query("SELECT id, bits FROM print WHERE id BETWEEN ? AND ? ORDER BY id", id_of({mailbox, 0}),
                      id_of({mailbox, UINT32_MAX}));
  while (q.row()) {
    const std::int64_t id = q.i64(0);
    const std::string_view packed = q.view(1);
    const auto head = sound_row(id, packed);
    if (!head) {
      damaged = true;
      continue;
    }
    const std::string_view both = packed.substr(sizeof *head);
    if (plan.may_match(both.substr(0, head->head_size), both.substr(head->head_size), head->whole != 0)) continue;
    const auto uid = static_cast<std::uint32_t>(id);
    if (!out.empty() && out.back().last + 1 == uid)
      out.back().last = uid;
    else
      out.push_back({uid, uid});
  }
  return out;
}

} // namespace paquebot::search
