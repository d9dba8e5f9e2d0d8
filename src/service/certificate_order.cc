#include "service/certificate_order.h"

#include "acme/renewal.h"
#include "base/log.h"
#include "base/text.h"
#include "mail/timestamp.h"

#include <algorithm>
#include <utility>

namespace paquebot::service {
namespace {

using store::ChallengeAnswer;

/// How long an answer to an authority is kept at most.
constexpr std::int64_t kKeepAnswer = 2LL * 3600 * 1000;
constexpr std::chrono::seconds kOrderLease{60};
/// Between two looks at the lease, and so the longest rest in one piece.
constexpr std::chrono::milliseconds kLongestRest{20'000};

ChallengeAnswer answer_of(const acme::Proof& proof, std::int64_t now) {
  const bool tls = proof.kind == acme::ChallengeKind::tls_alpn;
  return {.kind = tls ? ChallengeAnswer::Kind::tls_alpn : ChallengeAnswer::Kind::http,
          .name = proof.name,
          .token = proof.token,
          .answer = proof.authorization,
          .expires = now + kKeepAnswer};
}

/// The kinds in their order of preference; after failures another one comes first.
std::vector<acme::ChallengeKind> kinds_of(const CertificateOptions& options, bool has_zone, std::uint32_t failures) {
  std::vector<acme::ChallengeKind> kinds;
  for (const acme::ChallengeKind kind : options.challenges)
    if (kind != acme::ChallengeKind::dns || has_zone) kinds.push_back(kind);
  if (!kinds.empty()) std::ranges::rotate(kinds, kinds.begin() + static_cast<std::ptrdiff_t>(failures % kinds.size()));
  return kinds;
}

} // namespace

CertificateOrder::CertificateOrder(const CertificateParts& parts, const CertificateOptions& options,
                                   const KeptCertificate& kept, const std::vector<store::TlsKey>& keys,
                                   const std::atomic<bool>& stopping)
    : parts_(parts), options_(options), kept_(kept), keys_(keys), stopping_(stopping), row_(kept.row) {}

Task<bool> CertificateOrder::is_ours() {
  std::string name = kCertificateLease;
  const auto given = co_await parts_.store.upkeep().lease(std::move(name), kOrderLease);
  co_return given && *given;
}

Task<void> CertificateOrder::run() {
  forget_stale_order(row_, keys_, wall());
  begin_attempt(row_, wall());
  store::Certificate begun = row_;
  const auto noted = co_await parts_.store.certificates().note_progress(std::move(begun));
  if (!noted) { // a disk that is full, say: what can't be kept is not begun
    log::error("certificate-failed", {{"name", row_.name}, {"why", noted.error().message}});
    co_return;
  }
  auto planned = co_await plan();
  if (!planned) {
    acme::Failure failure{.words = planned.error().message};
    co_await note_failure(std::move(failure));
    co_return;
  }
  acme::Ordering ordering(std::move(*planned));
  co_await walk(ordering);
}

/// The account with this authority; its key is kept before the authority hears of it.
Task<Result<store::AcmeAccount>> CertificateOrder::account() {
  std::string directory = options_.directory;
  auto known = co_await parts_.store.certificates().acme_account(std::move(directory));
  if (!known) co_return std::unexpected(known.error());
  if (*known) co_return std::move(**known);
  const auto key = acme::PrivateKey::make();
  if (!key) co_return std::unexpected(key.error());
  store::AcmeAccount fresh{.directory = options_.directory, .private_key = key->to_pem(), .url = {}, .created = 0};
  store::AcmeAccount copy = fresh;
  const auto saved = co_await parts_.store.certificates().save_acme_account(std::move(copy));
  if (!saved) co_return std::unexpected(saved.error());
  co_return fresh;
}

Task<Result<acme::OrderPlan>> CertificateOrder::plan() {
  auto kinds = kinds_of(options_, parts_.zone != nullptr, row_.failures - 1);
  if (kinds.empty())
    co_return fail(Errc::unsupported, "nothing can prove that " + row_.name +
                                          " leads here: it needs an http listener (443 or 80), or acme.dns_server");
  auto with = co_await account();
  if (!with) co_return std::unexpected(with.error());
  account_ = std::move(*with);
  KeptCertificate now = kept_;
  now.row = row_;
  const store::TlsKey* chosen = plan_key(now, wall());
  if (chosen == nullptr) co_return fail(Errc::not_found, "there is no key for " + row_.name);
  key_ = chosen->id;
  const auto own = acme::PrivateKey::from_pem(account_.private_key);
  const auto key = acme::PrivateKey::from_pem(chosen->private_key);
  if (!own || !key) co_return fail(Errc::io, "a key of the store can't be read: paquebot verify");
  acme::OrderPlan made{.directory = options_.directory,
                       .account_key = *own,
                       .account = account_.url,
                       .contacts = {},
                       .terms_agreed = options_.agree_tos,
                       .external = {},
                       .names = {row_.name},
                       .key = *key,
                       .order = row_.order,
                       .replaces = {},
                       .kinds = std::move(kinds)};
  if (!options_.contact.empty()) made.contacts.push_back("mailto:" + options_.contact);
  if (!options_.eab_kid.empty()) made.external = acme::ExternalAccount{options_.eab_kid, options_.eab_key};
  if (kept_.facts && row_.authority == options_.directory) made.replaces = kept_.facts->id;
  co_return made;
}

Task<void> CertificateOrder::walk(acme::Ordering& ordering) {
  while (!stopping_) {
    const bool ours = co_await is_ours();
    if (!ours) co_return; // another node goes on with what is kept
    const acme::OrderAction action = ordering.next();
    const bool more = co_await perform(ordering, action);
    if (!more) co_return;
  }
}

/// Does one thing; false at the end.
Task<bool> CertificateOrder::perform(acme::Ordering& ordering, const acme::OrderAction& action) {
  if (const auto* want = std::get_if<acme::Ask>(&action)) {
    acme::Request request = *want->request;
    co_await ask(ordering, std::move(request));
  } else if (const auto* wait = std::get_if<acme::Wait>(&action)) {
    std::chrono::milliseconds left = wait->time;
    while (left.count() > 0 && !stopping_) {
      const std::chrono::milliseconds part = std::min(left, kLongestRest);
      Task<void> rest = parts_.sleep(part);
      co_await std::move(rest);
      left -= part;
      co_await is_ours(); // still at it
    }
    ordering.waited();
  } else if (const auto* kept = std::get_if<acme::Keep>(&action)) {
    std::string url = *kept->url;
    const acme::Keep::What what = kept->what;
    co_return co_await keep(ordering, what, std::move(url));
  } else if (const auto* publish = std::get_if<acme::Publish>(&action)) {
    acme::Proof proof = *publish->proof;
    co_await show(ordering, std::move(proof));
  } else if (const auto* withdraw = std::get_if<acme::Withdraw>(&action)) {
    acme::Proof proof = *withdraw->proof;
    co_await take_back(ordering, std::move(proof));
  } else if (const auto* done = std::get_if<acme::Done>(&action)) {
    std::string chain = *done->chain;
    const std::int64_t end = done->facts.not_after;
    co_await install(std::move(chain), end);
    co_return false;
  } else {
    acme::Failure failure = *std::get<acme::Failed>(action).failure;
    co_await note_failure(std::move(failure));
    co_return false;
  }
  co_return true;
}

Task<void> CertificateOrder::ask(acme::Ordering& ordering, acme::Request request) {
  auto reply = co_await parts_.transport.request(std::move(request));
  if (reply)
    ordering.answered(std::move(*reply), wall());
  else
    ordering.unreachable(reply.error());
}

Task<bool> CertificateOrder::keep(acme::Ordering& ordering, acme::Keep::What what, std::string url) {
  Result<> kept;
  if (what == acme::Keep::What::account) {
    account_.url = std::move(url);
    store::AcmeAccount copy = account_;
    kept = co_await parts_.store.certificates().save_acme_account(std::move(copy));
    log::info("acme-account", {{"authority", options_.directory}, {"account", account_.url}});
  } else {
    row_.order = std::move(url);
    row_.order_key = key_;
    row_.order_since = wall();
    row_.wait_until = 0; // who is killed from here on may go on at once, once
    store::Certificate copy = row_;
    kept = co_await parts_.store.certificates().note_progress(std::move(copy));
  }
  if (kept) {
    ordering.kept();
    co_return true;
  }
  acme::Failure failure{.words = kept.error().message};
  co_await note_failure(std::move(failure));
  co_return false;
}

Task<void> CertificateOrder::show(acme::Ordering& ordering, acme::Proof proof) {
  Result<> shown;
  if (proof.kind == acme::ChallengeKind::dns) {
    std::string name = "_acme-challenge." + proof.name, text = proof.record();
    if (parts_.zone == nullptr)
      shown = fail(Errc::unsupported, "acme.dns_server is not set");
    else
      shown = co_await parts_.zone->add(std::move(name), std::move(text));
    Task<void> rest = parts_.sleep(options_.dns_wait); // for the zone's other servers
    if (shown) co_await std::move(rest);
  } else {
    store::ChallengeAnswer answer = answer_of(proof, wall());
    shown = co_await parts_.store.certificates().publish_challenge(std::move(answer));
    if (shown) co_await parts_.shelf.refresh();
  }
  if (shown)
    ordering.published();
  else
    ordering.unpublishable(shown.error());
}

Task<void> CertificateOrder::take_back(acme::Ordering& ordering, acme::Proof proof) {
  Result<> gone;
  if (proof.kind == acme::ChallengeKind::dns) {
    std::string name = "_acme-challenge." + proof.name, text = proof.record();
    if (parts_.zone != nullptr) gone = co_await parts_.zone->remove(std::move(name), std::move(text));
  } else {
    store::ChallengeAnswer answer = answer_of(proof, wall());
    gone = co_await parts_.store.certificates().withdraw_challenge(std::move(answer));
    co_await parts_.shelf.refresh();
  }
  if (!gone) log::warning("challenge-left", {{"name", proof.name}, {"why", gone.error().message}});
  ordering.withdrawn();
}

Task<void> CertificateOrder::install(std::string chain, std::int64_t not_after) {
  std::string name = row_.name, directory = options_.directory;
  const store::Id key = key_;
  const auto done = co_await parts_.store.certificates().install_certificate(std::move(name), key, std::move(chain),
                                                                             std::move(directory));
  if (!done) { // it can be fetched once more
    acme::Failure failure{.words = done.error().message};
    co_await note_failure(std::move(failure));
    co_return;
  }
  log::info("certificate-issued", {{"name", row_.name},
                                   {"authority", options_.directory},
                                   {"until", mail::format_timestamp(from_millis(not_after))}});
  co_await parts_.shelf.refresh();
}

Task<void> CertificateOrder::note_failure(acme::Failure failure) {
  if (failure.order_over) {
    row_.order.clear();
    row_.order_key = 0;
    row_.order_since = 0;
  }
  row_.wait_until = wall() + acme::back_off(row_.failures, failure.wait).count();
  row_.last_error = failure.words;
  log::warning(
      "certificate-failed",
      {{"name", row_.name}, {"why", row_.last_error}, {"again", mail::format_timestamp(from_millis(row_.wait_until))}});
  store::Certificate copy = row_;
  const auto noted = co_await parts_.store.certificates().note_progress(std::move(copy));
  if (!noted) log::error("certificate-failed", {{"name", row_.name}, {"why", noted.error().message}});
}

} // namespace paquebot::service
