#include "store/sqlite/suspension.h"

#include "base/text.h"
#include "store/sqlite/feed.h"

#include <algorithm>
#include <array>

namespace paquebot::store::sqlite {
namespace {

constexpr std::string_view kSuspensionKey = "suspension.";
constexpr std::array kSuspensionKinds{Suspension::Of::account, Suspension::Of::domain, Suspension::Of::site};

std::string key_of_suspension(Suspension::Of of, std::string_view name) {
  return std::string(kSuspensionKey) + std::string(name_of(of)) + "." + std::string(name);
}

/// "phase since until ended account", and a line each for who and why.
std::string pack_suspension(const Suspension& one) {
  return std::to_string(static_cast<int>(one.phase)) + " " + std::to_string(one.since) + " " +
         std::to_string(one.until) + " " + std::to_string(one.ended) + " " + std::to_string(one.account) + "\n" +
         one.who + "\n" + one.why;
}

/// Nothing: it is none of ours.
std::optional<Suspension> unpack_suspension(std::string_view key, std::string_view value) {
  Suspension one;
  key.remove_prefix(std::min(kSuspensionKey.size(), key.size()));
  const std::size_t dot = key.find('.');
  if (dot == key.npos) return {};
  bool known = false;
  for (const Suspension::Of of : kSuspensionKinds) {
    if (name_of(of) != key.substr(0, dot)) continue;
    one.of = of;
    known = true;
  }
  one.name = key.substr(dot + 1);
  const std::vector<std::string_view> lines = split(value, '\n');
  if (!known || one.name.empty() || lines.size() != 3) return {};
  std::array<std::uint64_t, 5> numbers{};
  const std::vector<std::string_view> words = split(lines[0], ' ');
  if (words.size() != numbers.size()) return {};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto number = parse_u64(words[i]);
    if (!number || *number > INT64_MAX) return {};
    numbers[i] = *number;
  }
  if (numbers[0] > static_cast<std::uint64_t>(Suspension::Phase::over)) return {};
  one.phase = static_cast<Suspension::Phase>(numbers[0]);
  one.since = static_cast<std::int64_t>(numbers[1]);
  one.until = static_cast<std::int64_t>(numbers[2]);
  one.ended = static_cast<std::int64_t>(numbers[3]);
  one.account = static_cast<std::int64_t>(numbers[4]);
  one.who = lines[1];
  one.why = lines[2];
  return one;
}

std::optional<Suspension> load_suspension(Db& db, const std::string& key) {
  Query q = db.query("SELECT value FROM setting WHERE key = ?", key);
  if (!q.row()) return {};
  return unpack_suspension(key, q.view(0));
}

void keep_suspension(Tx& tx, const Suspension& one) {
  tx.db.run("INSERT INTO setting(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
            key_of_suspension(one.of, one.name), pack_suspension(one));
}

void drop_suspension(Tx& tx, const Suspension& one) {
  tx.db.run("DELETE FROM setting WHERE key = ?", key_of_suspension(one.of, one.name));
}

std::optional<Suspension> suspension_in_force(Db& db, Suspension::Of of, std::string_view name, std::int64_t now) {
  auto one = load_suspension(db, key_of_suspension(of, name));
  if (one && !one->holds(now)) one.reset();
  return one;
}

/// What is over long since is forgotten, and as much of the rest that is over as room is needed. False: there is none.
bool room_for_suspension(Tx& tx) {
  std::vector<Suspension> over = list_suspensions(tx.db);
  std::size_t kept = over.size();
  std::erase_if(over, [](const Suspension& one) { return one.phase != Suspension::Phase::over; });
  std::ranges::sort(over, {}, &Suspension::ended);
  for (const Suspension& one : over) {
    if (one.ended + kKeepSuspension >= tx.now && kept < kMostSuspensions) break;
    drop_suspension(tx, one);
    --kept;
  }
  return kept < kMostSuspensions;
}

} // namespace

std::vector<Suspension> list_suspensions(Db& db) {
  std::vector<Suspension> all;
  Query q = db.query("SELECT key, value FROM setting WHERE key > 'suspension.' AND key < 'suspension/' ORDER BY key");
  while (q.row())
    if (auto one = unpack_suspension(q.view(0), q.view(1))) all.push_back(std::move(*one));
  return all;
}

Result<> suspend(Tx& tx, Suspension one) {
  const bool fresh = !load_suspension(tx.db, key_of_suspension(one.of, one.name));
  if (fresh && !room_for_suspension(tx))
    return fail(Errc::conflict, "there are " + std::to_string(kMostSuspensions) + " suspensions already: end some");
  one.account =
      one.of == Suspension::Of::account ? tx.db.number("SELECT id FROM account WHERE login = ?", 0, one.name) : 0;
  if (one.of == Suspension::Of::account && one.account == 0)
    return fail(Errc::not_found, "there is no account " + one.name);
  if (one.since == 0) one.since = tx.now;
  one.phase = one.of == Suspension::Of::site ? Suspension::Phase::whole : Suspension::Phase::begun;
  one.ended = 0;
  keep_suspension(tx, one);
  tx.memory.suspensions = true;
  return {};
}

Result<> end_suspension(Tx& tx, Suspension::Of of, const std::string& name) {
  auto one = load_suspension(tx.db, key_of_suspension(of, name));
  if (!one || one->phase >= Suspension::Phase::ending)
    return fail(Errc::not_found, "nothing is suspended for the " + std::string(name_of(of)) + " " + name);
  one->phase = of == Suspension::Of::site ? Suspension::Phase::over : Suspension::Phase::ending;
  one->ended = one->until == 0 ? tx.now : std::min(tx.now, one->until);
  keep_suspension(tx, *one);
  return {};
}

bool advance_suspension(Tx& tx, const Suspension& seen, Suspension::Phase to) {
  auto one = load_suspension(tx.db, key_of_suspension(seen.of, seen.name));
  if (!one || *one != seen) return false; // somebody has ordered something else meanwhile
  one->phase = to;
  if (to >= Suspension::Phase::ending && one->ended == 0) one->ended = one->until != 0 ? one->until : tx.now;
  keep_suspension(tx, *one);
  return true;
}

std::optional<Suspension> suspension_of(Db& db, Id account, std::int64_t now) {
  if (account == 0) return {};
  const std::string login = login_of(db, account);
  if (login.empty()) return {};
  return suspension_in_force(db, Suspension::Of::account, login, now);
}

std::optional<Suspension> suspension_for(Db& db, Id account, std::string_view address, std::int64_t now) {
  if (auto own = suspension_of(db, account, now)) return own;
  return suspension_in_force(db, Suspension::Of::domain, to_lower(store::domain_of(address)), now);
}

std::optional<AcceptRequest> without_suspended(Tx& tx, const AcceptRequest& request, std::vector<std::uint32_t>& whom) {
  std::optional<AcceptRequest> held;
  for (std::uint32_t i = 0; i < request.recipients.size(); ++i) {
    const NewRecipient& row = request.recipients[i];
    if (row.handling != Handling::remote) continue;
    const auto one = suspension_for(tx.db, 0, row.address, tx.now);
    if (!one) continue;
    if (!held) held = request;
    NewRecipient& r = held->recipients[i];
    r.handling = Handling::held;
    r.hold = HoldKind::suspended;
    r.in_hand = false;
    r.reason = words_of(*one);
    whom.push_back(i);
  }
  return held;
}

void end_suspension_of(Tx& tx, const std::string& login) {
  static_cast<void>(end_suspension(tx, Suspension::Of::account, login)); // it may have none
}

} // namespace paquebot::store::sqlite
