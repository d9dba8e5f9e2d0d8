#include "service/certificate_shelf.h"

#include "acme/certificate.h"
#include "base/log.h"
#include "base/text.h"

#include <utility>

namespace paquebot::service {
namespace {

using Challenge = store::ChallengeAnswer::Kind;

/// Ids of what is put among certificates of other origins.
std::string shelf_id(const std::string& name) { return "acme:" + name; }

const store::TlsKey* find_key(const std::vector<store::TlsKey>& keys, store::Id id) {
  for (const store::TlsKey& key : keys)
    if (key.id == id) return &key;
  return nullptr;
}

} // namespace

Task<void> CertificateShelf::refresh() {
  co_await refresh_certificates();
  co_await refresh_challenges();
}

Task<void> CertificateShelf::refresh_certificates() {
  const auto rows = co_await store_.list_certificates();
  std::string all;
  const auto keys = co_await store_.list_tls_keys(std::move(all));
  if (!rows || !keys) {
    const Error& why = rows ? keys.error() : rows.error();
    log::error("certificates-unreadable", {{"why", why.message}});
    co_return;
  }
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::int64_t> issued;
  for (const store::Certificate& row : *rows) {
    if (row.chain.empty()) continue;
    issued[row.name] = row.issued;
    if (shown_ == nullptr || (issued_.contains(row.name) && issued_.at(row.name) == row.issued)) continue;
    const store::TlsKey* key = find_key(*keys, row.key);
    const auto put = key != nullptr ? shown_->put(shelf_id(row.name), {row.chain, key->private_key})
                                    : Result<>(fail(Errc::not_found, "its key is not kept"));
    if (!put) log::error("certificate-unusable", {{"name", row.name}, {"why", put.error().message}});
  }
  for (const auto& [name, when] : issued_)
    if (shown_ != nullptr && !issued.contains(name)) shown_->drop(shelf_id(name));
  issued_ = std::move(issued);
}

Task<void> CertificateShelf::refresh_challenges() {
  const auto answers = co_await store_.list_challenges();
  if (!answers) {
    log::error("certificates-unreadable", {{"why", answers.error().message}});
    co_return;
  }
  const std::lock_guard lock(mutex_);
  tokens_.clear();
  std::map<std::string, std::string> proofs;
  for (const store::ChallengeAnswer& one : *answers)
    (one.kind == Challenge::http ? tokens_[one.token] : proofs[one.name]) = one.answer;
  for (const auto& [name, answer] : proofs) {
    if (shown_ == nullptr || (proofs_.contains(name) && proofs_.at(name) == answer)) continue;
    const auto key = acme::PrivateKey::make();
    const auto made =
        key ? acme::make_challenge_certificate(*key, name, answer) : Result<std::string>(std::unexpected(key.error()));
    const auto put =
        made ? shown_->put_challenge(name, {*made, key->to_pem()}) : Result<>(std::unexpected(made.error()));
    if (!put) log::error("certificate-unusable", {{"name", name}, {"why", put.error().message}});
  }
  for (const auto& [name, answer] : proofs_)
    if (shown_ != nullptr && !proofs.contains(name)) shown_->drop_challenge(name);
  proofs_ = std::move(proofs);
}

std::optional<std::string> CertificateShelf::answer(const std::string& token) const {
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(token);
  if (found == tokens_.end()) return {};
  return found->second;
}

Task<http::Answer> ChallengeSite::answer(http::Exchange exchange) {
  http::Answer out;
  const std::string& path = exchange.request.path;
  const auto found =
      path.starts_with(kPath) ? shelf_.answer(path.substr(std::string_view(kPath).size())) : std::nullopt;
  if (exchange.request.method != "GET" && exchange.request.method != "HEAD") {
    out.response = http::problem(405, "only GET");
    out.response.fields.push_back({"Allow", "GET, HEAD"});
  } else if (!found) {
    out.response = http::problem(404, "no authority was told of this");
  } else {
    out.response.fields = {{"Content-Type", "application/octet-stream"}, {"Cache-Control", "no-store"}};
    out.response.content = *found;
  }
  co_return out;
}

} // namespace paquebot::service
