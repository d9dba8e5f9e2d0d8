#include "service/certificate_plan.h"

#include "acme/renewal.h"

#include <algorithm>

namespace paquebot::service {
namespace {

constexpr std::int64_t kPlanDay = 24LL * 3600 * 1000;

/// A moment that lies further ahead than anything that we wait for was written down by a clock that was wrong.
bool is_waiting(std::int64_t until, std::int64_t now) { return until > now && until - now <= kPlanDay; }

bool is_due(const KeptCertificate& kept, const std::string& directory, std::int64_t now) {
  const store::Certificate& row = kept.row;
  if (row.wants_renewal > 0 || !row.order.empty() || !kept.facts || row.authority != directory) return true;
  if (now >= kept.facts->not_after || (row.wants_rotation > 0 && may_rotate(row, now))) return true;
  // One beyond its end would never come: the clock was wrong when it was chosen.
  return row.renew_at != 0 && (now >= row.renew_at || row.renew_at >= kept.facts->not_after);
}

} // namespace

KeptCertificate kept_of(const std::string& name, const std::vector<store::Certificate>& rows,
                        const std::vector<store::TlsKey>& keys) {
  KeptCertificate kept;
  kept.row.name = name;
  for (const store::Certificate& row : rows)
    if (row.name == name) kept.row = row;
  for (const store::TlsKey& key : keys)
    if (key.name == name) (key.state == store::TlsKey::State::next ? kept.next : kept.active) = &key;
  if (kept.row.chain.empty()) return kept;
  if (auto facts = acme::read_issued(kept.row.chain)) kept.facts = std::move(*facts);
  return kept;
}

CertificateStep next_step(const KeptCertificate& kept, const std::string& directory, std::int64_t now) {
  const store::Certificate& row = kept.row;
  if (kept.active == nullptr) return CertificateStep::make_key;
  if (kept.facts && kept.next == nullptr) return CertificateStep::make_next_key;
  if (is_due(kept, directory, now))
    return is_waiting(row.wait_until, now) ? CertificateStep::nothing : CertificateStep::order;
  if (row.renew_at == 0 || !is_waiting(row.ask_at, now)) return CertificateStep::ask_when;
  return CertificateStep::nothing;
}

std::int64_t earliest_renewal(const KeptCertificate& kept) {
  if (!kept.facts) return 0;
  return kept.row.issued + std::min(kPlanDay, (kept.facts->not_after - kept.facts->not_before) / 10);
}

const store::TlsKey* plan_key(const KeptCertificate& kept, std::int64_t now) {
  const store::Certificate& row = kept.row;
  if (!row.order.empty())
    for (const store::TlsKey* key : {kept.active, kept.next})
      if (key != nullptr && key->id == row.order_key) return key;
  if (row.wants_rotation > 0 && kept.next != nullptr && may_rotate(row, now)) return kept.next;
  return kept.active;
}

bool may_rotate(const store::Certificate& row, std::int64_t now) {
  if (row.seen_since == 0) return false;
  return now - row.seen_since >= 2 * std::int64_t{row.seen_ttl} * 1000;
}

void forget_stale_order(store::Certificate& row, const std::vector<store::TlsKey>& keys, std::int64_t now) {
  if (row.order.empty()) return;
  const bool has_key = std::ranges::any_of(keys, [&](const store::TlsKey& key) { return key.id == row.order_key; });
  if (has_key && now >= row.order_since && now - row.order_since < kPlanDay) return;
  row.order.clear();
  row.order_key = 0;
  row.order_since = 0;
}

void begin_attempt(store::Certificate& row, std::int64_t now) {
  row.failures = std::min(row.failures + 1, 1000u);
  row.wait_until = now + acme::back_off(row.failures, std::chrono::seconds(0)).count();
  row.last_error = store::kAttemptUnderWay;
}

} // namespace paquebot::service
