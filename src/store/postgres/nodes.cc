#include "store/postgres/nodes.h"

#include "base/encoding.h"
#include "base/random.h"
#include "store/postgres/connection.h"
#include "store/postgres/exchange.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

namespace paquebot::store::postgres {
namespace {

constexpr std::chrono::milliseconds kTwin{2500}; // a process that lives beats each second
constexpr std::chrono::milliseconds kTwinLook{100};
constexpr std::int64_t kKeptNodes = 100; // epochs that have ended, for people who look

std::int64_t beat_of(sqlite::Db& db, Id epoch) {
  return db.number("SELECT beat FROM node WHERE epoch = ? AND ended = 0", -1, epoch);
}

/// Waits until it is known whether somebody beats for this epoch.
bool lives(sqlite::Db& db, Id epoch) {
  const std::int64_t before = beat_of(db, epoch);
  const auto end = std::chrono::steady_clock::now() + kTwin;
  while (before >= 0 && std::chrono::steady_clock::now() < end) {
    if (beat_of(db, epoch) != before) return beat_of(db, epoch) >= 0;
    std::this_thread::sleep_for(kTwinLook);
  }
  return false;
}

/// What an epoch that ends has in hand, and what it holds.
void let_go(sqlite::Db& db, Id epoch) {
  db.run("UPDATE recipient SET state = 2, owner = 0, due = least(due, expires) WHERE state = 3 AND owner = ?", epoch);
  // What was being staged has nobody who goes on with it, and what was finished may have nobody who owns it.
  db.run("UPDATE bulk SET state = 3 WHERE epoch = ? AND state IN (1, 2) AND NOT EXISTS "
         "(SELECT 1 FROM body b WHERE b.bulk = bulk.id AND b.bulk <> 0)",
         epoch);
  db.run("DELETE FROM bulk_garbage WHERE bulk IN (SELECT bulk FROM body WHERE bulk <> 0)");
  db.run("DELETE FROM mailbox_lock WHERE epoch = ?", epoch);
  db.run("DELETE FROM lease WHERE epoch = ?", epoch);
  db.run("UPDATE node SET ended = 1 WHERE epoch = ? AND id <> 1", epoch);
  db.run("UPDATE turn SET holder = 0 WHERE id = 1");
}

void cut_connections(sqlite::Db& db, Id epoch) {
  sqlite::Query q =
      db.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
               "AND application_name = ? AND pid <> pg_backend_pid()",
               application_of(epoch));
  while (q.row()) {
  }
}

Result<Id> insert_node(sqlite::Db& db, const NodeIdentity& own) {
  db.run("BEGIN");
  take_turn(db);
  const Id epoch = db.number("INSERT INTO node(epoch, name, key, version, since, seen) VALUES(0, ?, ?, ?, "
                             "database_ms(), database_ms()) RETURNING id",
                             0, own.name, own.key, own.version);
  db.run("UPDATE node SET epoch = id WHERE id = ?", epoch);
  db.run("DELETE FROM writer WHERE epoch IN (SELECT epoch FROM node WHERE ended = 1 AND id > 1 AND id < ?)",
         epoch - kKeptNodes);
  db.run("DELETE FROM node WHERE ended = 1 AND id > 1 AND id < ?", epoch - kKeptNodes);
  for (const int lane : {kMailLane, kBulkLane})
    db.run("INSERT INTO writer(epoch, lane, seq) VALUES(?, ?, 0)", epoch, lane);
  write_changes(db, epoch, {Change{.kind = Change::Kind::node}});
  db.run("COMMIT");
  return epoch;
}

} // namespace

Result<std::string> key_of(const std::string& directory) {
  const std::string path = directory + "/node.key";
  std::string key;
  std::ifstream(path) >> key;
  if (key.size() == 32) return key;
  key = hex_encode(random_bytes(16));
  const std::string fresh = path + ".new";
  std::ofstream file(fresh, std::ios::trunc);
  file << key << '\n';
  file.close();
  std::error_code failed;
  if (file) std::filesystem::rename(fresh, path, failed);
  if (!file || failed) return fail(Errc::io, "can't write " + path + ", by which this node is known");
  return key;
}

Id take_turn(sqlite::Db& db) { return db.number("SELECT holder FROM turn WHERE id = 1 FOR UPDATE", 0); }

Result<Id> begin_epoch(sqlite::Db& db, const NodeIdentity& own) {
  std::vector<Id> left;
  if (!own.key.empty()) {
    sqlite::Query q = db.query("SELECT epoch FROM node WHERE ended = 0 AND id <> 1 AND key = ?", own.key);
    while (q.row()) left.push_back(q.i64(0));
  }
  for (const Id epoch : left) {
    if (lives(db, epoch))
      return fail(Errc::conflict, "another server lives that has this one's data directory, or a copy of it: give each "
                                  "node a directory of its own, without node.key");
    end_epoch(db, epoch, 0);
  }
  return insert_node(db, own);
}

bool end_epoch(sqlite::Db& db, Id dead, Id by) {
  cut_connections(db, dead);
  db.run("BEGIN");
  db.run("SET LOCAL synchronous_commit TO DEFAULT");
  db.run("DELETE FROM writer WHERE epoch = ?", dead);
  if (db.changes() == 0) {
    db.run("ROLLBACK");
    return false;
  }
  take_turn(db);
  let_go(db, dead);
  write_changes(db, by, {std::nullopt});
  db.run("COMMIT");
  return true;
}

void leave(sqlite::Db& db, Id own) {
  // What waits in the other lane is done yet: bodies that nobody wanted.
  db.run("DELETE FROM writer WHERE epoch = ? AND lane = ?", own, kMailLane);
  let_go(db, own);
  write_changes(db, own, {Change{.kind = Change::Kind::queue}, Change{.kind = Change::Kind::node}});
}

} // namespace paquebot::store::postgres
