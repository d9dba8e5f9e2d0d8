#include "policy/return_paths.h"

#include "base/log.h"
#include "sasl/scram.h"

namespace paquebot::policy {

/// The key is made of the store's own secret, which never changes: it needs no place of its own, and goes with every backup.
Task<Result<std::shared_ptr<const Srs>>> ReturnPaths::srs() {
  {
    const std::lock_guard lock(mutex_);
    if (srs_) co_return srs_;
  }
  const std::string name = "login.secret";
  const auto secret = co_await store_.get_setting(name);
  if (!secret) co_return std::unexpected(secret.error());
  const std::lock_guard lock(mutex_);
  srs_ = std::make_shared<const Srs>(sasl::hmac(sasl::ScramHash::sha256, *secret, "return paths"));
  co_return srs_;
}

Task<mail::Address> ReturnPaths::leaving(mail::Address sender, std::string via) {
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
  const auto wrapped = wrap->forward(sender, through->domain, today());
  co_return wrapped.value_or(sender);
}

Task<Result<std::optional<mail::Address>>> ReturnPaths::returning(mail::Address address) {
  using Found = std::optional<mail::Address>;
  if (!Srs::looks_like(address.local)) co_return Found();
  std::string domain = address.domain;
  const auto ours = co_await directory_.is_our_domain(std::move(domain));
  if (!ours) co_return std::unexpected(ours.error());
  if (!*ours) co_return Found();
  const auto scheme = co_await srs();
  if (!scheme) co_return std::unexpected(scheme.error());
  const std::shared_ptr<const Srs>& wrap = *scheme;
  const auto back = wrap->reverse(address, today());
  if (!back) {
    log::info("return-path-refused", {{"to", address.to_string()}, {"why", back.error().message}});
    co_return Found();
  }
  co_return Found(*back);
}

} // namespace paquebot::policy
