#include "store/postgres/doubts.h"

#include <array>

namespace paquebot::store::postgres {
namespace {

struct Needed {
  const char* setting;
  const char* weak; ///< the value that is to be doubted
  const char* words;
};

constexpr std::array kNeeded = {
    Needed{"fsync", "off", "the database has fsync = off: a power cut may lose or damage all of it; set it to on"},
    Needed{"full_page_writes", "off",
           "the database has full_page_writes = off: a power cut may damage it; set it to on"},
    Needed{"synchronous_commit", "off",
           "the database has synchronous_commit = off: mail that was acknowledged may be lost; set it to on"},
    Needed{
        "synchronous_commit", "local",
        "the database has synchronous_commit = local: a standby that takes over may lack mail that was acknowledged; "
        "set it to on"},
};

constexpr std::int64_t kShortest = 60'000; // of time-outs, milliseconds
constexpr std::int64_t kConnections = 30;
constexpr std::int64_t kTried = 15'00'00;

/// As it is for who connects and sets nothing.
std::int64_t reset_value(sqlite::Db& db, const char* setting) {
  return db.number("SELECT reset_val::bigint FROM pg_settings WHERE name = ?", 0, std::string_view(setting));
}

std::string value_of(sqlite::Db& db, const char* setting) {
  sqlite::Query q = db.query("SELECT current_setting(?)", std::string_view(setting));
  return q.row() ? q.text(0) : std::string();
}

} // namespace

std::vector<std::string> doubts_about(sqlite::Db& db) {
  std::vector<std::string> doubts;
  for (const Needed& one : kNeeded)
    if (value_of(db, one.setting) == one.weak) doubts.emplace_back(one.words);
  if (value_of(db, "synchronous_standby_names").empty() &&
      db.number("SELECT count(*) FROM pg_stat_replication", 0) != 0)
    doubts.emplace_back("the database has copies that it does not wait for: when one takes over, mail that was "
                        "acknowledged may be lost; name one in synchronous_standby_names");
  for (const char* name : {"statement_timeout", "lock_timeout"}) {
    const std::int64_t limit = reset_value(db, name);
    if (limit > 0 && limit < kShortest)
      doubts.push_back("the database breaks off what takes longer than " + std::to_string(limit) + " ms (" + name +
                       "): upkeep and checks may never come to an end; set it to 0 for this user");
  }
  if (reset_value(db, "max_connections") < kConnections)
    doubts.emplace_back("the database takes fewer than 30 connections (max_connections): a node has 9, and commands "
                        "without a server as many");
  if (reset_value(db, "server_version_num") < kTried)
    doubts.emplace_back("the database's server is older than PostgreSQL 15, with which this was tried");
  return doubts;
}

} // namespace paquebot::store::postgres
