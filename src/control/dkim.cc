#include "control/dkim.h"

#include "base/text.h"
#include "control/present.h"
#include "dns/resolver.h"
#include "doctor/records.h"
#include "mailauth/dkim_key.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

namespace paquebot::control {
namespace {

using KeyState = store::DkimKey::State;
using Algorithm = store::DkimKey::Algorithm;

std::string_view ending_of(Algorithm algorithm) { return algorithm == Algorithm::rsa ? "-rsa" : "-ed"; }

bool has_selector(const std::vector<store::DkimKey>& keys, const std::string& selector) {
  return std::ranges::any_of(keys, [&](const auto& key) { return key.selector == selector; });
}

/// "pq20261123", or with a number behind when the day has seen keys before: a name that the DNS may remember another
/// key under is not used again.
std::string fresh_name(const std::vector<store::DkimKey>& taken) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(system_clock().wall()));
  const std::string base = fmt::format("pq{:04}{:02}{:02}", static_cast<int>(day.year()),
                                       static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  std::string name = base;
  for (int i = 2; has_selector(taken, name + "-rsa") || has_selector(taken, name + "-ed"); ++i)
    name = base + "-" + std::to_string(i);
  return name;
}

json::object present_key(const store::DkimKey& key) {
  json::object out{
      {"domain", key.domain},        {"selector", key.selector},           {"algorithm", name_of(key.algorithm)},
      {"state", name_of(key.state)}, {"created", time_value(key.created)}, {"changed", time_value(key.changed)}};
  if (const auto parsed = mailauth::PrivateKey::from_pem(key.private_key)) out["bits"] = parsed->bits();
  if (auto record = dkim_record(key)) out["record"] = std::move(*record);
  return out;
}

bool has_state(const std::vector<store::DkimKey>& keys, KeyState state) {
  return std::ranges::any_of(keys, [&](const auto& key) { return key.state == state; });
}

Answer present_keys(const std::string& domain, const std::vector<store::DkimKey>& keys, std::optional<KeyState> state) {
  json::array list;
  for (const auto& key : keys)
    if (!state || key.state == *state) list.push_back(present_key(key));
  return json::object{{"name", domain}, {"keys", std::move(list)}};
}

/// Makes new keys in that state beside those that there are, and shows them.
Task<Answer> add_new(Context& context, std::string domain, KeyState state, std::vector<store::DkimKey> taken) {
  auto made = co_await make_dkim_keys(context, state, std::move(taken));
  if (!made) co_return std::unexpected(made.error());
  const auto added = co_await context.store.keys().add_dkim_keys(domain, std::move(*made));
  if (!added) co_return std::unexpected(added.error());
  const auto keys = co_await context.store.keys().list_dkim_keys(domain);
  if (!keys) co_return std::unexpected(keys.error());
  co_return present_keys(domain, *keys, state);
}

bool fits(const mailauth::PrivateKey& key, const mailauth::DkimKeyCache::Parsed& published) {
  if (!published || published->key.kind() != key.kind()) return false;
  const mailauth::Digest digest = mailauth::sha256("is this key in the DNS?");
  const auto signature = key.sign(digest);
  return signature && published->key.verify(digest, *signature);
}

/// Whether the DNS has the key's record, as others see it.
Task<Result<>> check_published(Context& context, store::DkimKey key) {
  const auto own = mailauth::PrivateKey::from_pem(key.private_key);
  if (!own) co_return fail(Errc::io, "the key " + key.selector + " can't be read: " + own.error().message);
  const std::string name = mailauth::dkim_key_name(key.selector, key.domain);
  mailauth::DkimKeyCache cache;
  dns::Resolver& resolver = *context.hooks.resolver;
  const mailauth::DkimKeyAnswer answer = co_await mailauth::fetch_dkim_key(name, resolver, cache);
  if (answer.status == dns::Status::servfail)
    co_return fail(Errc::temporary, "the DNS could not be asked for " + name + ": " + answer.why);
  for (const auto& published : answer.keys)
    if (fits(*own, *published)) co_return Result<>();
  co_return fail(Errc::conflict,
                 name + (answer.keys.empty() ? " is not in the DNS yet" : " has another key in the DNS") +
                     " (paquebot dkim dns " + key.domain +
                     " shows its record). What the DNS said is remembered for up to 5 minutes; --force goes on all the "
                     "same");
}

Task<Result<>> check_all_published(Context& context, std::vector<store::DkimKey> keys) {
  if (!context.hooks.resolver)
    co_return fail(Errc::closed,
                   "the server is down, so the DNS can't be asked whether the records are there: start it, or write "
                   "--force");
  for (auto& key : keys) {
    if (key.state != KeyState::next) continue;
    const auto there = co_await check_published(context, std::move(key));
    if (!there) co_return there;
  }
  co_return Result<>();
}

Result<bool> read_force(const Call& call) {
  const std::string text = call.ask("force");
  if (!text.empty() && text != "1") return fail(Errc::invalid, "\"force\" is 1 or not there");
  return text == "1";
}

/// What an action on the keys of one domain begins with.
struct Opened {
  std::string domain; ///< of ours
  std::vector<store::DkimKey> keys;
  bool force = false;
};

Task<Result<Opened>> open_keys(Context& context, const Call& call) {
  const auto domain = read_domain(call.names[0]);
  if (!domain) co_return std::unexpected(domain.error());
  const auto force = read_force(call);
  if (!force) co_return std::unexpected(force.error());
  if (const auto ours = co_await need_domain(context, *domain); !ours) co_return std::unexpected(ours.error());
  auto keys = co_await context.store.keys().list_dkim_keys(*domain);
  if (!keys) co_return std::unexpected(keys.error());
  Opened opened;
  opened.domain = *domain;
  opened.keys = std::move(*keys);
  opened.force = *force;
  co_return opened;
}

/// Why a key should not go yet; empty when it may.
std::string reason_to_keep(const store::DkimKey& key, std::int64_t now) {
  if (key.state == KeyState::active)
    return key.selector + " signs the mail of " + key.domain + " now: rotate first (paquebot dkim rotate " +
           key.domain + "), or write --force";
  const std::int64_t until = key.changed + kKeepRetiredMs;
  if (key.state == KeyState::next || now >= until) return {};
  const auto days = std::chrono::ceil<std::chrono::days>(std::chrono::milliseconds(until - now)).count();
  return key.selector + " was retired less than 7 days ago, and mail that it signed may still be on its way: wait " +
         std::to_string(days) + (days == 1 ? " more day" : " more days") + ", or write --force";
}

/// Deletes these keys; the names of their records are in the answer.
Task<Answer> remove_keys(Context& context, std::string domain, std::vector<store::DkimKey> keys) {
  json::array removed;
  json::array names;
  for (const auto& key : keys) {
    const auto done = co_await context.store.keys().remove_dkim_key(domain, key.selector);
    if (!done) co_return std::unexpected(done.error());
    removed.push_back(json::string(key.selector));
    names.push_back(json::string(mailauth::dkim_key_name(key.selector, domain)));
  }
  co_return json::object{{"name", domain}, {"removed", std::move(removed)}, {"records", std::move(names)}};
}

} // namespace

std::string_view name_of(KeyState state) {
  switch (state) {
    case KeyState::next: return "next";
    case KeyState::active: return "active";
    case KeyState::retired: return "retired";
  }
  return "unknown";
}

std::string_view name_of(Algorithm algorithm) { return algorithm == Algorithm::rsa ? "rsa" : "ed25519"; }

std::optional<json::object> dkim_record(const store::DkimKey& key) {
  const auto record = doctor::dkim_record(key);
  if (!record) return {};
  return present(*record);
}

Task<Result<std::vector<store::DkimKey>>> make_dkim_keys(Context& context, KeyState state,
                                                         std::vector<store::DkimKey> taken) {
  const std::string name = fresh_name(taken);
  std::vector<store::DkimKey> keys;
  std::move_only_function<void()> work = [&] {
    for (const auto algorithm : {Algorithm::rsa, Algorithm::ed25519}) {
      const auto kind = algorithm == Algorithm::rsa ? mailauth::KeyKind::rsa : mailauth::KeyKind::ed25519;
      keys.push_back({.domain = {},
                      .selector = name + std::string(ending_of(algorithm)),
                      .algorithm = algorithm,
                      .state = state,
                      .private_key = mailauth::PrivateKey::generate(kind).to_pem()});
    }
  };
  auto& directory = context.directory;
  const bool done = co_await directory.compute(std::move(work));
  if (!done) co_return fail(Errc::temporary, "the server has too much to compute now: try again");
  co_return keys;
}

Task<Answer> list_dkim_keys(Context& context, Call call) {
  std::string domain = call.ask("domain");
  if (!domain.empty()) {
    const auto name = read_domain(domain);
    if (!name) co_return std::unexpected(name.error());
    domain = *name;
    if (const auto ours = co_await need_domain(context, domain); !ours) co_return std::unexpected(ours.error());
  }
  const auto keys = co_await context.store.keys().list_dkim_keys(domain);
  if (!keys) co_return std::unexpected(keys.error());
  co_return present_keys(domain, *keys, {});
}

Task<Answer> create_dkim_keys(Context& context, Call call) {
  auto opened = co_await open_keys(context, call);
  if (!opened) co_return std::unexpected(opened.error());
  auto& [domain, keys, force] = *opened;
  if (has_state(keys, KeyState::active))
    co_return fail(Errc::conflict,
                   domain + " has DKIM keys already: new ones come with paquebot dkim rotate " + domain);
  auto answer = co_await add_new(context, domain, KeyState::active, std::move(keys));
  co_return answer;
}

Task<Answer> rotate_dkim_keys(Context& context, Call call) {
  auto opened = co_await open_keys(context, call);
  if (!opened) co_return std::unexpected(opened.error());
  auto& [domain, keys, force] = *opened;
  if (has_state(keys, KeyState::next)) co_return present_keys(domain, keys, KeyState::next);
  auto answer = co_await add_new(context, domain, KeyState::next, std::move(keys));
  co_return answer;
}

Task<Answer> activate_dkim_keys(Context& context, Call call) {
  auto opened = co_await open_keys(context, call);
  if (!opened) co_return std::unexpected(opened.error());
  const auto& [domain, keys, force] = *opened;
  if (!force && has_state(keys, KeyState::next)) {
    const auto published = co_await check_all_published(context, keys);
    if (!published) co_return std::unexpected(published.error());
  }
  const auto done = co_await context.store.keys().activate_dkim_keys(domain);
  if (!done) co_return std::unexpected(done.error());
  const auto now = co_await context.store.keys().list_dkim_keys(domain);
  if (!now) co_return std::unexpected(now.error());
  co_return present_keys(domain, *now, {});
}

Task<Answer> retire_dkim_key(Context& context, Call call) {
  auto opened = co_await open_keys(context, call);
  if (!opened) co_return std::unexpected(opened.error());
  const auto& [domain, keys, force] = *opened;
  const auto found = std::ranges::find(keys, to_lower(call.names[1]), &store::DkimKey::selector);
  if (found == keys.end())
    co_return refuse(Errc::not_found, domain + " has no DKIM key " + printable(call.names[1], 64),
                     "paquebot dkim list " + domain + " names them");
  const std::string reason = reason_to_keep(*found, millis(system_clock().wall()));
  if (!force && !reason.empty()) co_return fail(Errc::conflict, reason);
  std::vector<store::DkimKey> one{*found};
  auto answer = co_await remove_keys(context, domain, std::move(one));
  co_return answer;
}

Task<Answer> retire_dkim_keys(Context& context, Call call) {
  auto opened = co_await open_keys(context, call);
  if (!opened) co_return std::unexpected(opened.error());
  const auto& [domain, keys, force] = *opened;
  std::vector<store::DkimKey> old;
  std::string reason = domain + " has no retired DKIM keys";
  for (const auto& key : keys) {
    if (key.state != KeyState::retired) continue;
    std::string keep = reason_to_keep(key, millis(system_clock().wall()));
    if (force || keep.empty())
      old.push_back(key);
    else
      reason = std::move(keep);
  }
  if (old.empty()) co_return fail(Errc::conflict, reason);
  auto answer = co_await remove_keys(context, domain, std::move(old));
  co_return answer;
}

} // namespace paquebot::control
