// Certificates that are ordered, their keys, and the TLSA records that pin them.

#include "acme/certificate.h"
#include "acme/renewal.h"
#include "base/text.h"
#include "control/dkim.h"
#include "dns/resolver.h"

#include <algorithm>

namespace paquebot::control {
namespace {

using Wish = store::Certificates::Wish;

/// RFC 7672 section 3.1.3: of mail servers only DANE-EE(3) with the key (1) by SHA-256 (1) is of use, as it stays with
/// the key whatever certificate comes.
json::object tlsa_record(const std::string& name, const std::string& digest, bool next) {
  const std::string owner = "_25._tcp." + name;
  const std::string value = "3 1 1 " + digest;
  return json::object{{"name", owner},
                      {"type", "TLSA"},
                      {"value", value},
                      {"zone", owner + ". IN TLSA " + value},
                      {"purpose", next ? "TLSA: the key that comes next (DANE)" : "TLSA: the key in force (DANE)"}};
}

std::string_view state_of(const store::Certificate& row, const std::optional<acme::Issued>& facts, std::int64_t now) {
  if (!facts) return row.last_error.empty() ? "waiting" : "failing";
  if (now >= facts->not_after) return "expired";
  return now >= acme::late_from(*facts) ? "late" : "valid";
}

json::array present_keys_of(const store::Certificate& row, const std::vector<store::TlsKey>& keys, bool is_signed) {
  json::array list;
  for (const store::TlsKey& key : keys) {
    if (key.name != row.name) continue;
    const auto read = acme::PrivateKey::from_pem(key.private_key);
    if (!read) continue;
    const bool next = key.state == store::TlsKey::State::next;
    json::object one{
        {"state", next ? "next" : "active"}, {"created", time_value(key.created)}, {"digest", read->public_digest()}};
    if (is_signed) one["record"] = tlsa_record(row.name, read->public_digest(), next);
    list.push_back(std::move(one));
  }
  return list;
}

/// What others may see of it: never a private key, nor how a name is proven.
json::object present_certificate(const store::Certificate& row, const std::vector<store::TlsKey>& keys,
                                 bool is_signed) {
  const std::int64_t now = millis(system_clock().wall());
  std::optional<acme::Issued> facts;
  if (auto read = acme::read_issued(row.chain)) facts = std::move(*read);
  json::object out{{"name", row.name},
                   {"state", state_of(row, facts, now)},
                   {"authority", row.authority},
                   {"issued", time_value(row.issued)},
                   {"not_after", time_value(facts ? facts->not_after : 0)},
                   {"renew_at", time_value(row.renew_at)},
                   {"ordered", !row.order.empty()},
                   {"failures", row.failures},
                   {"again_at", time_value(row.failures > 0 ? row.wait_until : 0)},
                   {"error", row.last_error},
                   {"rotation_wanted", row.wants_rotation > 0},
                   {"records_seen_since", time_value(row.seen_since)},
                   {"rotates_at", time_value(row.wants_rotation > 0 && row.seen_since > 0
                                                 ? row.seen_since + 2 * std::int64_t{row.seen_ttl} * 1000
                                                 : 0)},
                   {"signed_zone", is_signed}};
  out["keys"] = present_keys_of(row, keys, is_signed);
  return out;
}

/// Whether the zone of a name is signed, as far as our resolver can tell: a TLSA record in another one is worth nothing
/// (RFC 7672 section 2.2).
Task<bool> has_signed_zone(Context& context, std::string name) {
  if (!context.hooks.resolver) co_return false;
  const auto type = dns::Type::a;
  const auto answer = co_await context.hooks.resolver->query(std::move(name), type);
  co_return answer->secure;
}

Task<Answer> present_all(Context& context, std::string only) {
  const auto rows = co_await context.store.certificates().list_certificates();
  std::string all;
  const auto keys = co_await context.store.certificates().list_tls_keys(std::move(all));
  if (!rows) co_return std::unexpected(rows.error());
  if (!keys) co_return std::unexpected(keys.error());
  json::array list;
  for (const store::Certificate& row : *rows) {
    if (!only.empty() && row.name != only) continue;
    std::string name = row.name;
    const bool is_signed = co_await has_signed_zone(context, std::move(name));
    list.push_back(present_certificate(row, *keys, is_signed));
  }
  co_return json::object{{"certificates", std::move(list)}};
}

Task<Answer> wish_for(Context& context, Call call, Wish what) {
  std::string name = to_lower(call.names[0]), asked = name;
  const bool wanted = true;
  const auto done = co_await context.store.certificates().wish(std::move(asked), what, wanted);
  if (!done) co_return std::unexpected(done.error());
  co_return co_await present_all(context, std::move(name));
}

} // namespace

Task<Answer> list_certificates(Context& context, Call) {
  std::string all;
  co_return co_await present_all(context, std::move(all));
}

Task<Answer> renew_certificate(Context& context, Call call) {
  const Wish what = Wish::renewal;
  co_return co_await wish_for(context, std::move(call), what);
}

Task<Answer> rotate_certificate_key(Context& context, Call call) {
  const Wish what = Wish::rotation;
  co_return co_await wish_for(context, std::move(call), what);
}

} // namespace paquebot::control
