#include "store/sqlite/sendings.h"

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kSendings = 2000; // dropped in one transaction

} // namespace

std::optional<KeptSending> find_sending(Db& db, Id account, const std::string& key, std::int64_t now) {
  if (key.empty()) return {};
  Query q = db.query("SELECT message, digest, answer FROM send_key WHERE account = ? AND key = ? AND at > ?", account,
                     key, now - kKeepSendings);
  if (!q.row()) return {};
  return KeptSending{q.ulid(0), q.text(1), q.text(2)};
}

void keep_sending(Tx& tx, const NewMessage& message) {
  const Sending& sending = *message.sending;
  if (!sending.key.empty()) // one that is too old to count gives way
    tx.db.run(
        "INSERT INTO send_key(account, key, message, digest, answer, at) VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(account, "
        "key) DO UPDATE SET message = excluded.message, digest = excluded.digest, answer = excluded.answer, "
        "at = excluded.at",
        message.account, sending.key, message.id, Blob{sending.digest}, sending.answer, tx.now);
  if (!sending.metadata.empty())
    tx.db.run("INSERT OR IGNORE INTO metadata(message, words) VALUES(?, ?)", message.id, sending.metadata);
}

bool drop_old_sendings(Tx& tx, std::int64_t now) {
  tx.db.run("DELETE FROM send_key WHERE (account, key) IN (SELECT account, key FROM send_key INDEXED BY send_key_at "
            "WHERE at <= ? LIMIT ?)",
            now - kKeepSendings, kSendings);
  return tx.db.changes() == static_cast<std::int64_t>(kSendings);
}

} // namespace paquebot::store::sqlite
