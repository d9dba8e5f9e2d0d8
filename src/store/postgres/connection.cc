#include "store/postgres/connection.h"

#include "store/postgres/statement.h"

#include <cassert>
#include <cstdlib>
#include <new>

namespace paquebot::store::postgres {
namespace {

constexpr std::size_t kMostPending = 200; // results that the server may hold for us while we send

/// How the terms of SQLite say what a class or code of the standard means (PostgreSQL's appendix A).
int code_of(std::string_view state) {
  if (state == "53100") return SQLITE_FULL;
  if (state == "40001" || state == "40P01" || state == "55P03") return SQLITE_BUSY;
  if (state.starts_with("08") || state.starts_with("57P") || state == "53300" || state.starts_with("58"))
    return SQLITE_IOERR;
  if (state.starts_with("XX")) return SQLITE_CORRUPT;
  return SQLITE_ERROR;
}

std::string first_line(const char* text) {
  const std::string_view all = text == nullptr ? "" : text;
  return std::string(all.substr(0, all.find('\n')));
}

/// A warning during a commit says that it is not as durable as was asked for (a standby was not waited for).
void hear(void* warned, const PGresult* notice) {
  const char* severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity != nullptr && std::string_view(severity) == "WARNING") *static_cast<bool*>(warned) = true;
}

const char* const kSettings = "SET client_encoding TO 'SQL_ASCII'; SET standard_conforming_strings TO on; "
                              "SET timezone TO 'UTC'; SET client_min_messages TO warning; "
                              "SET idle_in_transaction_session_timeout TO 60000";
const char* const kReading = "SET default_transaction_isolation TO 'repeatable read'; "
                             "SET default_transaction_read_only TO on; SET statement_timeout TO 120000";

} // namespace

std::string application_of(std::int64_t epoch) {
  return epoch == 0 ? "paquebot" : "paquebot epoch " + std::to_string(epoch);
}

PgConnection::PgConnection(const Target& target, Use use, std::int64_t epoch, std::string node)
    : node_(std::move(node)) {
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : target.settings) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  connection_.reset(PQconnectdbParams(keys.data(), values.data(), 0));
  if (connection_ == nullptr) throw std::bad_alloc();
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    DbError error{SQLITE_CANTOPEN, "cannot reach the database: " + first_line(PQerrorMessage(connection_.get()))};
    throw error;
  }
  PQsetNoticeReceiver(connection_.get(), hear, &warned_);
  PQenterPipelineMode(connection_.get());
  exec(kSettings);
  if (use == Use::reading) exec(kReading);
  if (epoch != 0) exec(("SET application_name TO '" + application_of(epoch) + "'").c_str());
}

PgConnection::~PgConnection() = default;

std::unique_ptr<sqlite::Statement> PgConnection::prepare(const char* sql) {
  return std::make_unique<PgStatement>(*this, say(sql));
}

void PgConnection::exec(const char* sql) {
  drain();
  PQexitPipelineMode(connection_.get());
  const ResultPtr result(PQexec(connection_.get(), sql));
  PQenterPipelineMode(connection_.get());
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return;
  DbError error = error_of(result.get(), first_line(sql));
  throw error;
}

std::int64_t PgConnection::changes() {
  drain();
  return changes_;
}

void PgConnection::send(PgStatement& statement) {
  using Kind = Said::Kind;
  const Said& said = statement.said_;
  if (said.kind == Kind::begin) begin();
  if (said.kind == Kind::changes || said.kind == Kind::rows) ++total_changes_;
  const auto count = static_cast<std::size_t>(said.parameters);
  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> lengths;
  const std::vector<int> formats(count, 1);
  for (std::size_t i = 0; i < count; ++i) {
    const PgStatement::Value& value = statement.values_[i];
    types.push_back(value.type);
    const std::string_view octets = value.octets();
    values.push_back(value.null ? nullptr : octets.data() == nullptr ? "" : octets.data());
    lengths.push_back(static_cast<int>(octets.size()));
  }
  PGconn* connection = connection_.get();
  const int number = said.parameters;
  bool sent = true;
  if (++statement.uses_ == 1) { // most that are not kept are used once
    sent = PQsendQueryParams(connection, said.sql.c_str(), number, types.data(), values.data(), lengths.data(),
                             formats.data(), 1) == 1;
  } else {
    if (statement.name_.empty() || statement.types_ != types) {
      statement.name_ = "s" + std::to_string(++names_);
      statement.types_ = types;
      sent = PQsendPrepare(connection, statement.name_.c_str(), said.sql.c_str(), number, types.data()) == 1;
      if (sent) pending_.push_back({nullptr, said.sql});
    }
    sent = sent && PQsendQueryPrepared(connection, statement.name_.c_str(), number, values.data(), lengths.data(),
                                       formats.data(), 1) == 1;
  }
  if (!sent) {
    DbError error = lost(said.sql);
    throw error;
  }
  pending_.push_back({said.kind == Kind::rows ? &statement : nullptr, said.sql});
  if (said.kind == Kind::commit || said.kind == Kind::rollback) return end(said.kind == Kind::commit, said.sql);
  if (said.kind != Kind::rows && (!in_transaction_ || pending_.size() > kMostPending)) drain();
}

void PgConnection::begin() {
  drain();
  in_transaction_ = true;
  warned_ = false;
}

void PgConnection::end(bool commit, const std::string& sql) {
  if (!commit) in_transaction_ = false; // so that it is waited for with a synchronisation
  drain();
  in_transaction_ = false;
  if (!commit) return;
  if (command_tag_ == "ROLLBACK") {
    DbError error{SQLITE_ERROR, "the transaction had failed before: " + sql};
    throw error;
  }
  if (!warned_) return;
  DbError error{SQLITE_IOERR, "the commit was not waited for: " + sql};
  throw error;
}

void PgConnection::forget(const PgStatement& statement) {
  for (Pending& one : pending_)
    if (one.statement == &statement) one.statement = nullptr;
}

DbError PgConnection::error_of(const PGresult* result, const std::string& sql) const {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (state == nullptr || PQstatus(connection_.get()) == CONNECTION_BAD) return lost(sql);
  const char* words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return {code_of(state), first_line(words) + " (" + state + ") in: " + sql};
}

DbError PgConnection::lost(const std::string& sql) const {
  return {SQLITE_IOERR,
          "the connection to the database is lost (" + first_line(PQerrorMessage(connection_.get())) + ") in: " + sql};
}

void PgConnection::note(PGresult* result, Pending& pending) {
  command_tag_ = PQcmdStatus(result);
  if (command_tag_.starts_with("INSERT") || command_tag_.starts_with("UPDATE") || command_tag_.starts_with("DELETE"))
    changes_ = std::strtoll(PQcmdTuples(result), nullptr, 10);
  if (pending.statement == nullptr) return PQclear(result);
  pending.statement->result_.reset(result);
  pending.statement->row_ = -1;
}

/// One command's result, and the end of it.
void PgConnection::take(Pending pending, std::optional<DbError>& error) {
  bool told = false;
  while (PGresult* result = PQgetResult(connection_.get())) {
    told = true;
    switch (PQresultStatus(result)) {
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK: note(result, pending); break;
      case PGRES_PIPELINE_ABORTED: PQclear(result); break; // something before it failed
      default:
        if (!error) error = error_of(result, pending.sql);
        PQclear(result);
    }
    if (PQstatus(connection_.get()) == CONNECTION_BAD) break;
  }
  if (!told && !error) error = lost(pending.sql);
}

/// Waits for the end of what was sent. The server does what comes later again, also after a failure.
void PgConnection::synchronise() {
  for (int nothing = 0; nothing < 10;) {
    const ResultPtr result(PQgetResult(connection_.get()));
    if (result == nullptr) ++nothing;
    if (result != nullptr && PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) return;
    if (PQstatus(connection_.get()) == CONNECTION_BAD) return;
  }
}

void PgConnection::drain() {
  if (pending_.empty()) return;
  const bool ends = !in_transaction_ || pending_.back().sql == "COMMIT"; // else the server would commit by itself
  const int asked = ends ? PQpipelineSync(connection_.get()) : PQsendFlushRequest(connection_.get());
  std::optional<DbError> error;
  if (asked != 1) error = lost(pending_.back().sql);
  while (!pending_.empty()) {
    Pending one = std::move(pending_.front());
    pending_.pop_front();
    if (PQstatus(connection_.get()) != CONNECTION_BAD) {
      take(std::move(one), error);
    } else if (!error) {
      error = lost(one.sql);
    }
  }
  const bool good = PQstatus(connection_.get()) != CONNECTION_BAD;
  if (good && error && !ends) PQpipelineSync(connection_.get());
  if (good && (ends || error)) synchronise();
  if (!good) in_transaction_ = false;
  if (!error) return;
  DbError thrown = std::move(*error);
  throw thrown;
}

} // namespace paquebot::store::postgres
