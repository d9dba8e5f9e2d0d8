#include "service/certificate_keeper.h"

#include "acme/renewal.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "mail/timestamp.h"
#include "net/own_addresses.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace paquebot::service {
namespace {

constexpr std::int64_t kReminderOfEnd = 24LL * 3600 * 1000;
constexpr std::chrono::seconds kKeeperLease{60};
constexpr std::chrono::seconds kBetweenAttempts{59};
/// Steps for one name in a round: keys, an order, the question when to renew.
constexpr int kMostSteps = 6;
constexpr std::size_t kMostNames = 500;
/// Names that others look for at every domain that has mail.
constexpr const char* kDomainNames[] = {"mta-sts.", "autoconfig.", "autodiscover."};

std::uint64_t random_number() {
  const std::string bytes = random_bytes(sizeof(std::uint64_t));
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

/// Whether the records hold "3 1 1" with that digest (hex).
bool has_digest(const dns::Answer& answer, const std::string& pem) {
  const auto key = acme::PrivateKey::from_pem(pem);
  const std::string wanted = key ? key->public_digest() : std::string();
  return key && std::ranges::any_of(answer.records, [&](const dns::Record& record) {
           return record.text.starts_with(std::string("\x03\x01\x01", 3)) &&
                  hex_encode(record.text.substr(3)) == wanted;
         });
}

} // namespace

CertificateKeeper::CertificateKeeper(CertificateParts parts, std::string hostname, const std::atomic<bool>& stopping)
    : parts_(std::move(parts)), hostname_(std::move(hostname)), stopping_(stopping) {}

Task<bool> CertificateKeeper::is_ours() {
  std::string name = kCertificateLease;
  const auto given = co_await parts_.store.upkeep().lease(std::move(name), kKeeperLease);
  co_return given && *given;
}

Task<void> CertificateKeeper::round(std::shared_ptr<const CertificateOptions> options) {
  if (!options || !options->agree_tos) co_return;
  const CertificateOptions& how = *options;
  const std::vector<std::string> names = co_await wanted_names(how);
  co_await drop_unwanted(names);
  for (const std::string& name : names) {
    if (std::ranges::find(how.configured, name) != how.configured.end()) continue;
    const bool ours = co_await is_ours();
    if (stopping_ || !ours) co_return;
    std::string one = name;
    co_await tend(how, std::move(one));
  }
}

/// What nobody wants any more is renewed no more, and goes when it has ended.
Task<void> CertificateKeeper::drop_unwanted(const std::vector<std::string>& names) {
  const auto rows = co_await parts_.store.certificates().list_certificates();
  if (!rows) co_return;
  for (const store::Certificate& row : *rows) {
    if (std::ranges::find(names, row.name) != names.end()) continue;
    const auto facts = acme::read_issued(row.chain);
    if (facts && wall() < facts->not_after) continue;
    std::string name = row.name;
    const auto gone = co_await parts_.store.certificates().remove_certificate(std::move(name));
    if (gone) log::info("certificate-forgotten", {{"name", row.name}});
    co_await parts_.shelf.refresh();
  }
}

/// The server's own first.
Task<std::vector<std::string>> CertificateKeeper::wanted_names(const CertificateOptions& options) {
  std::vector<std::string> names{hostname_};
  names.insert(names.end(), options.names.begin(), options.names.end());
  if (!options.domain_names) co_return names;
  const auto domains = co_await parts_.store.directory().list_domains();
  if (!domains) co_return names;
  for (const store::Domain& domain : *domains)
    for (const char* front : kDomainNames)
      if (names.size() < kMostNames) names.push_back(front + domain.name);
  co_return names;
}

Task<std::vector<std::string>> CertificateKeeper::addresses_of(std::string name) {
  std::vector<std::string> addresses;
  for (const dns::Type type : {dns::Type::a, dns::Type::aaaa}) {
    std::string asked = name;
    const auto answer = co_await parts_.resolver.query(std::move(asked), type);
    for (const dns::Record& record : answer->records) addresses.push_back(record.text);
  }
  co_return addresses;
}

/// Why an authority would not find this server under that name; empty: it may. Behind somebody's translation of
/// addresses the name of the server is the only thing that tells which ones are ours.
Task<std::string> CertificateKeeper::why_not_here(std::string name) {
  std::string asked = name;
  const std::vector<std::string> found = co_await addresses_of(std::move(asked));
  if (found.empty()) co_return name + " has no address in the DNS";
  if (name == hostname_) co_return std::string();
  std::string own = hostname_;
  const std::vector<std::string> ours = co_await addresses_of(std::move(own));
  const bool here = std::ranges::any_of(found, [&](const std::string& address) {
    return net::is_own_address(address) || std::ranges::find(ours, address) != ours.end();
  });
  if (here) co_return std::string();
  co_return name + " leads to " + found.front() + ", not to this server";
}

Task<void> CertificateKeeper::tend(const CertificateOptions& options, std::string name) {
  for (int i = 0; i < kMostSteps && !stopping_; ++i) {
    std::string one = name;
    const bool more = co_await step(options, std::move(one));
    if (!more) co_return;
  }
}

/// Does what is due for a name; true when something else may be due then.
Task<bool> CertificateKeeper::step(const CertificateOptions& options, std::string name) {
  const auto rows = co_await parts_.store.certificates().list_certificates();
  std::string of = name;
  const auto keys = co_await parts_.store.certificates().list_tls_keys(std::move(of));
  if (!rows || !keys) {
    log::error("certificates-unreadable", {{"why", (rows ? keys.error() : rows.error()).message}});
    co_return false;
  }
  KeptCertificate kept = kept_of(name, *rows, *keys);
  warn_if_late(kept, wall());
  if (kept.row.wants_rotation > 0) co_await look_for_records(kept.row, kept);
  switch (next_step(kept, options.directory, wall())) {
    case CertificateStep::nothing: co_return false;
    case CertificateStep::make_key: {
      const auto state = store::TlsKey::State::active;
      const bool named = name == hostname_ || std::ranges::find(options.names, name) != options.names.end();
      std::string elsewhere, asked = name;
      if (!named) elsewhere = co_await why_not_here(std::move(asked));
      if (!elsewhere.empty()) co_return false; // nobody asked for it
      co_return co_await make_key(std::move(name), state);
    }
    case CertificateStep::make_next_key: {
      const auto state = store::TlsKey::State::next;
      co_return co_await make_key(std::move(name), state);
    }
    case CertificateStep::ask_when: co_return co_await ask_when(options, kept);
    case CertificateStep::order: break;
  }
  co_return co_await order(options, kept, *keys);
}

Task<bool> CertificateKeeper::order(const CertificateOptions& options, const KeptCertificate& kept,
                                    const std::vector<store::TlsKey>& keys) {
  const bool by_dns = parts_.zone != nullptr &&
                      std::ranges::find(options.challenges, acme::ChallengeKind::dns) != options.challenges.end();
  std::string name = kept.row.name;
  std::string elsewhere;
  if (!by_dns) elsewhere = co_await why_not_here(std::move(name));
  if (!elsewhere.empty()) { // not asked of the authority, so it does not count against us there
    store::Certificate row = kept.row;
    begin_attempt(row, wall());
    row.failures = std::min(row.failures, 4u);
    row.last_error = std::move(elsewhere);
    log::warning("certificate-failed", {{"name", row.name}, {"why", row.last_error}});
    const auto noted = co_await parts_.store.certificates().note_progress(std::move(row));
    if (!noted) log::error("certificate-failed", {{"name", kept.row.name}, {"why", noted.error().message}});
    co_return false;
  }
  // In this process not more than once a minute, whatever the store could not keep.
  const Instant now = parts_.clock.now();
  const auto tried = tried_.find(kept.row.name);
  const bool wanted = kept.row.wants_renewal > 0 || kept.row.wants_rotation > 0;
  if (tried != tried_.end() && now - tried->second < kBetweenAttempts && !wanted) co_return false;
  tried_[kept.row.name] = now;
  const std::int64_t before = kept.row.issued;
  CertificateOrder attempt(parts_, options, kept, keys, stopping_);
  co_await attempt.run();
  const auto rows = co_await parts_.store.certificates().list_certificates();
  if (!rows) co_return false;
  co_return std::ranges::any_of(
      *rows, [&](const store::Certificate& row) { return row.name == kept.row.name && row.issued != before; });
}

Task<bool> CertificateKeeper::make_key(std::string name, store::TlsKey::State state) {
  const auto key = acme::PrivateKey::make();
  if (!key) co_return false;
  store::TlsKey fresh{.name = std::move(name), .state = state, .private_key = key->to_pem()};
  const auto added = co_await parts_.store.certificates().add_tls_key(std::move(fresh));
  if (!added) log::error("certificates-unreadable", {{"why", added.error().message}});
  co_return added.has_value();
}

/// Since when both keys' records have been in the DNS; a zone without any is as good.
Task<void> CertificateKeeper::look_for_records(store::Certificate& row, const KeptCertificate& kept) {
  if (kept.active == nullptr || kept.next == nullptr) co_return;
  std::string name = "_25._tcp." + row.name;
  const auto type = dns::Type::tlsa;
  const auto answer = co_await parts_.resolver.query(std::move(name), type);
  if (answer->status == dns::Status::servfail) co_return; // nothing is known of it
  const bool none = answer->records.empty();
  const bool both = has_digest(*answer, kept.active->private_key) && has_digest(*answer, kept.next->private_key);
  store::Certificate now = row;
  if (!none && !both) {
    now.seen_since = 0;
    now.seen_ttl = 0;
  } else {
    if (now.seen_since == 0 || now.seen_since > wall()) now.seen_since = wall();
    now.seen_ttl = none ? 0 : std::max(now.seen_ttl, std::max(answer->ttl, 60u));
  }
  if (now.seen_since == row.seen_since && now.seen_ttl == row.seen_ttl) co_return;
  row = now;
  const auto noted = co_await parts_.store.certificates().note_progress(std::move(now));
  if (!noted) log::error("certificates-unreadable", {{"why", noted.error().message}});
}

/// A moment for the renewal: as the authority wishes, else two thirds of the lifetime (RFC 9773).
Task<bool> CertificateKeeper::ask_when(const CertificateOptions& options, const KeptCertificate& kept) {
  store::Certificate row = kept.row;
  const auto key = acme::PrivateKey::make(); // nothing of it is signed
  if (!key || !kept.facts) co_return false;
  acme::RenewalQuery question(options.directory, *key, kept.facts->id);
  const acme::RenewalQuery::Answer answer = co_await query(question);
  if (answer.window) {
    row.renew_at = acme::moment_in(*answer.window, row.renew_at, random_number());
    if (!answer.window->explanation.empty() && row.renew_at != kept.row.renew_at)
      log::info("renewal-window", {{"name", row.name}, {"why", answer.window->explanation}});
  } else if (row.renew_at == 0 || row.renew_at >= kept.facts->not_after) {
    row.renew_at = acme::two_thirds(*kept.facts);
  }
  row.renew_at = std::min(std::max(row.renew_at, earliest_renewal(kept)), kept.facts->not_after - 1);
  row.ask_at = wall() + answer.again.count() * 1000;
  const bool due = row.renew_at <= wall();
  const auto noted = co_await parts_.store.certificates().note_progress(std::move(row));
  if (!noted) log::error("certificates-unreadable", {{"why", noted.error().message}});
  co_return noted&& due;
}

Task<acme::RenewalQuery::Answer> CertificateKeeper::query(acme::RenewalQuery& query) {
  while (!stopping_) {
    const acme::RenewalQuery::Action action = query.next();
    if (const auto* want = std::get_if<acme::Conversation::Ask>(&action)) {
      acme::Request request = *want->request;
      auto reply = co_await parts_.transport.request(std::move(request));
      if (reply)
        query.answered(std::move(*reply), wall());
      else
        query.unreachable(reply.error());
    } else if (const auto* pause = std::get_if<acme::Conversation::Pause>(&action)) {
      const std::chrono::milliseconds time = pause->time;
      Task<void> rest = parts_.sleep(time);
      co_await std::move(rest);
      query.waited();
    } else {
      co_return std::get<acme::RenewalQuery::Answer>(action);
    }
  }
  co_return acme::RenewalQuery::Answer{};
}

void CertificateKeeper::warn_if_late(const KeptCertificate& kept, std::int64_t now) {
  if (!kept.facts || now < acme::late_from(*kept.facts)) return;
  std::int64_t& told = warned_[kept.row.name];
  if (told != 0 && now - told < kReminderOfEnd && now >= told) return;
  told = now;
  log::warning("certificate-late",
               {{"name", kept.row.name},
                {"until", mail::format_timestamp(from_millis(kept.facts->not_after))},
                {"why", kept.row.last_error.empty() ? "it is not renewed yet" : kept.row.last_error}});
}

} // namespace paquebot::service
