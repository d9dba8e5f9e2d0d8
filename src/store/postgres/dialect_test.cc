#include "store/postgres/dialect.h"
#include "store/postgres/target.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace paquebot::store::postgres {
namespace {

TEST(PostgresDialect, SaysWhatIsSaidOtherwise) {
  struct Case {
    const char* sqlite;
    const char* postgres;
  };
  for (const auto& [sqlite, postgres] : {
           Case{"SELECT a FROM t WHERE b = ? AND c > ?", "SELECT a FROM t WHERE b = $1 AND c > $2"},
           Case{"SELECT ?2, ?1, ?", "SELECT $2, $1, $3"},
           Case{"SELECT '?''?' || \"a?\"", "SELECT '?''?' || \"a?\""},
           Case{"SELECT 1 WHERE t <> x'' AND u = x'00ff'", "SELECT 1 WHERE t <> '\\x'::bytea AND u = '\\x00ff'::bytea"},
           Case{"INSERT OR IGNORE INTO t(a) VALUES(?)", "INSERT INTO t(a) VALUES($1) ON CONFLICT DO NOTHING"},
           Case{"SELECT max(a), max(a, ?), min(a, b, 3)", "SELECT max(a), greatest(a, $1), least(a, b, 3)"},
           Case{"SELECT ifnull(max(a), 0), instr(a, 'x') > char(10)",
                "SELECT coalesce(max(a), 0), strpos(a, 'x') > chr(10)"},
           Case{"due = iif(? = 0, due, iif(e < ?, ?, min(?, e)))",
                "due = CASE WHEN $1 = 0 THEN  due ELSE  CASE WHEN e < $2 THEN  $3 ELSE  least($4, e) END END"},
           Case{"SELECT a FROM t INDEXED BY t_a WHERE unlikely(a = 1)", "SELECT a FROM t  WHERE (a = 1)"},
           Case{"CAST(a AS INTEGER) + length(CAST(b AS BLOB))", "CAST(a AS BIGINT) + length(CAST(b AS TEXT))"},
           Case{"BEGIN IMMEDIATE", "BEGIN"},
           Case{"a NOT GLOB '*[^a-z.]*' OR a GLOB '.?$'", "a !~ '^.*[^a-z.].*$' OR a ~ '^\\..\\$$'"},
       })
    EXPECT_EQ(say(sqlite).sql, postgres);
}

TEST(PostgresDialect, KnowsWhatGivesRows) {
  using Kind = Said::Kind;
  EXPECT_EQ(say("SELECT 1").kind, Kind::rows);
  EXPECT_EQ(say("UPDATE t SET a = 1").kind, Kind::changes);
  EXPECT_EQ(say("INSERT INTO t VALUES(1) RETURNING id").kind, Kind::rows);
  EXPECT_EQ(say("BEGIN IMMEDIATE").kind, Kind::begin);
  EXPECT_EQ(say("COMMIT").kind, Kind::commit);
  EXPECT_EQ(say("ROLLBACK").kind, Kind::rollback);
  EXPECT_EQ(say("ROLLBACK TO job").kind, Kind::savepoint);
  EXPECT_EQ(say("SELECT ?11, ?2").parameters, 11);
}

std::string setting(const Target& target, const std::string& key) {
  const auto found = std::ranges::find(target.settings, key, &std::pair<std::string, std::string>::first);
  return found == target.settings.end() ? "-" : found->second;
}

TEST(PostgresTarget, AsksForACertificateOffTheHost) {
  EXPECT_EQ(setting(target_of("postgresql://mail@db.example.org/mail").value(), "sslmode"), "verify-full");
  EXPECT_EQ(setting(target_of("postgresql://mail@192.0.2.1,192.0.2.2/mail").value(), "sslmode"), "verify-full");
  EXPECT_EQ(setting(target_of("postgresql://mail@db/mail?sslmode=require").value(), "sslmode"), "require");
  EXPECT_EQ(setting(target_of("postgresql:///mail").value(), "sslmode"), "-");
  EXPECT_EQ(setting(target_of("postgresql:///mail?host=/run/postgresql").value(), "sslmode"), "-");
  EXPECT_EQ(setting(target_of("postgresql://a,b/mail").value(), "target_session_attrs"), "read-write");
  EXPECT_EQ(setting(target_of("postgresql://a/mail").value(), "keepalives_idle"), "10");
  EXPECT_EQ(setting(target_of("postgresql://a/mail?keepalives_idle=60").value(), "keepalives_idle"), "60");
}

TEST(PostgresTarget, NothingSecretIsTakenOrShown) {
  for (const char* url : {"postgresql://mail:geheim@db/mail", "postgresql://db/mail?password=geheim",
                          "postgresql://mail:geheim@db:x/mail?nonsense=1", "postgresql://mail:ge%zz@db/mail"}) {
    const auto target = target_of(url);
    ASSERT_FALSE(target) << url;
    EXPECT_EQ(target.error().code, Errc::invalid);
    EXPECT_FALSE(target.error().message.contains("geheim")) << target.error().message;
    EXPECT_FALSE(target.error().message.contains("ge%zz")) << target.error().message;
  }
}

} // namespace
} // namespace paquebot::store::postgres
