#include "policy/return_paths.h"

#include "base/log.h"
#include "sasl/scram.h"

namespace paquebot::policy {
namespace {

/// Messages of one millisecond: more than a server takes in.
constexpr std::size_t kCandidates = 200;

} // namespace

/// The key is made of the store's own secret, which never changes: it needs no place of its own, and goes with every
/// backup.
Task<Result<std::shared_ptr<const Srs>>> ReturnPaths::srs() {
  {
    const std::lock_guard lock(mutex_);
    if (srs_) co_return srs_;
  }
  const std::string name = "login.secret";
  const auto secret = co_await store_.upkeep().get_setting(name);
  if (!secret) co_return std::unexpected(secret.error());
  const std::lock_guard lock(mutex_);
  srs_ = std::make_shared<const Srs>(sasl::hmac(sasl::ScramHash::sha256, *secret, "return paths"));
  bounces_ = std::make_shared<const BouncePath>(sasl::hmac(sasl::ScramHash::sha256, *secret, "bounce paths"));
  co_return srs_;
}

Task<mail::Address> ReturnPaths::leaving(mail::Address sender, Ulid message, std::string via, bool vouched) {
  if (!rewrite_ || sender.empty()) co_return sender;
  const auto through = mail::parse_address(via);
  if (!through || through->domain.empty() || through->is_literal()) co_return sender;
  std::string domain = sender.domain;
  const auto ours = co_await directory_.is_our_domain(std::move(domain));
  const auto scheme = co_await srs();
  if (!ours || !scheme) {
    log::warning("return-path-kept", {{"from", sender.to_string()}, {"why", "the store can't be read"}});
    co_return sender;
  }
  if (*ours) co_return sender;
  const std::shared_ptr<const Srs>& wrap = *scheme;
  co_return wrap->forward(sender, message, through->domain, vouched);
}

Task<mail::Address> ReturnPaths::leaving_api(mail::Address sender, Ulid message,
                                             std::optional<std::uint32_t> recipient) {
  if (sender.empty() || sender.is_literal()) co_return sender;
  std::string domain = sender.domain;
  const auto ours = co_await directory_.is_our_domain(std::move(domain));
  const auto ready = co_await srs();
  if (!ours || !ready || !*ours) co_return sender;
  co_return mail::Address{bounces_->local_for(message, recipient), sender.domain};
}

Task<Result<std::optional<Returned>>> ReturnPaths::returning_own(std::string local) {
  using Found = std::optional<Returned>;
  const std::int64_t now = millis(clock_.wall());
  const auto came = BouncePath::time_of(local, now);
  if (!came || now - *came > std::chrono::milliseconds(kReturnPathLife).count()) co_return Found();
  const auto ready = co_await srs();
  if (!ready) co_return std::unexpected(ready.error());
  const std::int64_t at = *came;
  auto candidates = co_await store_.trail().sent_at(at, kCandidates);
  if (!candidates) co_return std::unexpected(candidates.error());
  for (store::Forwarded& one : *candidates)
    if (const auto served = bounces_->serves(local, one.id))
      co_return Found(Returned{.about = std::move(one), .vouched = true, .own = true, .recipient = served->recipient});
  co_return Found();
}

Task<Result<std::optional<Returned>>> ReturnPaths::returning(mail::Address address) {
  using Found = std::optional<Returned>;
  const bool own = BouncePath::looks_like(address.local);
  if (!own && !Srs::looks_like(address.local)) co_return Found();
  std::string domain = address.domain;
  const auto ours = co_await directory_.is_our_domain(std::move(domain));
  if (!ours) co_return std::unexpected(ours.error());
  if (!*ours) co_return Found();
  if (own) {
    std::string local = address.local;
    auto found = co_await returning_own(std::move(local));
    co_return found;
  }
  const std::int64_t now = millis(clock_.wall());
  const auto came = Srs::time_of(address.local, now);
  if (!came || now - *came > std::chrono::milliseconds(kReturnPathLife).count()) {
    log::info("return-path-refused",
              {{"to", address.to_string()}, {"why", came ? "it is too old" : "it was not made by this server"}});
    co_return Found();
  }
  const auto scheme = co_await srs();
  if (!scheme) co_return std::unexpected(scheme.error());
  const std::int64_t at = *came;
  auto candidates = co_await store_.trail().forwarded_at(at, kCandidates);
  if (!candidates) co_return std::unexpected(candidates.error());
  const std::shared_ptr<const Srs>& wrap = *scheme;
  for (store::Forwarded& one : *candidates)
    if (const auto vouched = wrap->serves(address.local, one.id)) co_return Found(Returned{std::move(one), *vouched});
  log::info("return-path-refused", {{"to", address.to_string()}, {"why", "no message of this server has it"}});
  co_return Found();
}

/// Whom strangers name is not written to without end; a domain that vouches for its mail is a busy one rather than a
/// victim.
bool ReturnPaths::is_bounded(const Returned& returned) {
  const std::lock_guard lock(mutex_);
  const Trust trust = returned.vouched ? Trust::vouched : Trust::unknown;
  const std::string target = returned.about.sender.to_string();
  return bounds_.ask(target, trust, returned.vouched, true, clock_.now()) != ReportBounds::Answer::go;
}

Task<Result<ReturnPaths::Taken>> ReturnPaths::take(Returned returned, Ulid report) {
  if (is_bounded(returned)) {
    log::warning("return-put-off", {{"id", report.to_string()},
                                    {"about", returned.about.id.to_string()},
                                    {"to", returned.about.sender.to_string()},
                                    {"why", "as much as may be came back for this sender within the hour"}});
    co_return Taken::later;
  }
  const std::uint64_t most = returned.most();
  const auto noted = co_await store_.trail().note_return(returned.about.id, report, most);
  if (!noted) co_return std::unexpected(noted.error());
  co_return *noted ? Taken::yes : Taken::enough;
}

} // namespace paquebot::policy
