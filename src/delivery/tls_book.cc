#include "delivery/tls_book.h"

#include "base/encoding.h"
#include "base/log.h"
#include "base/text.h"

#include <utility>
#include <vector>

namespace paquebot::delivery {
namespace {

using mailauth::TlsPolicyType;
using mailauth::TlsResult;

constexpr std::int64_t kTlsDayMs = 24LL * 3600 * 1000;
constexpr std::size_t kMostPolicyRecords = 20;

TlsResult result_of(net::Flaw flaw) {
  switch (flaw) {
    case net::Flaw::name: return TlsResult::certificate_host_mismatch;
    case net::Flaw::expired: return TlsResult::certificate_expired;
    case net::Flaw::untrusted: return TlsResult::certificate_not_trusted;
    case net::Flaw::none:
    case net::Flaw::tlsa:
    case net::Flaw::other: break;
  }
  return TlsResult::validation_failure;
}

/// "3 1 1 0123…", as a zone has it.
std::string record_text(const std::string& rdata) {
  std::string text;
  for (std::size_t i = 0; i < 3 && i < rdata.size(); ++i)
    text += std::to_string(static_cast<unsigned char>(rdata[i])) + " ";
  return text + (rdata.size() > 3 ? hex_encode(std::string_view(rdata).substr(3)) : std::string());
}

mailauth::TlsPolicy policy_of(const TlsTry& one) {
  mailauth::TlsPolicy policy;
  if (one.need.dane() != nullptr || one.tlsa_unusable) {
    policy.type = TlsPolicyType::tlsa;
    if (one.need.dane() == nullptr) return policy;
    for (const std::string& record : one.need.dane()->records)
      if (policy.text.size() < kMostPolicyRecords) policy.text.push_back(record_text(record));
    return policy;
  }
  return one.sts && one.sts->mode != queue::StsMode::none ? told_policy(*one.sts) : policy;
}

TlsResult judge(const TlsTry& one, TlsPolicyType type) {
  if (one.missing) return TlsResult::starttls_not_supported;
  if (one.broke) return result_of(one.flaw);
  if (one.tlsa_unusable) return TlsResult::tlsa_invalid;
  if (type != TlsPolicyType::sts) return TlsResult::success;
  if (!one.named) return TlsResult::validation_failure;
  return one.authentic ? TlsResult::success : result_of(one.flaw);
}

} // namespace

mailauth::TlsPolicy told_policy(const queue::StsPolicy& policy) {
  mailauth::TlsPolicy told{.type = TlsPolicyType::sts};
  told.text = {"version: STSv1", "mode: " + std::string(queue::to_string(policy.mode))};
  for (const std::string& host : policy.mx) {
    if (told.mx.size() >= kMostPolicyRecords) break;
    told.text.push_back("mx: " + host);
    told.mx.push_back(host);
  }
  told.text.push_back("max_age: " + std::to_string(policy.max_age.count()));
  return told;
}

std::optional<mailauth::TlsSessions> sessions_of(const TlsTry& one) {
  if (!one.encrypted && !one.missing && !one.broke) return std::nullopt;
  mailauth::TlsSessions told{.policy = policy_of(one), .mx = one.mx, .count = 1};
  told.result = judge(one, told.policy.type);
  if (told.result == TlsResult::success) return told;
  told.sending_ip = one.sending_ip;
  told.receiving_ip = one.receiving_ip;
  told.reason = one.named ? one.reason : "the policy does not name this host";
  return told;
}

void TlsBook::count(const std::string& domain, const mailauth::TlsSessions& sessions) {
  if (!on_) return;
  const std::int64_t now = millis(clock_.wall());
  const store::DmarcDay day{now / kTlsDayMs * kTlsDayMs, domain, store::DmarcDay::Kind::tls};
  const Row row{sessions.mx, pack_tls_sessions(sessions, store::kMaxDmarcDetail)};
  const std::lock_guard lock(mutex_);
  auto& page = pages_[day];
  const auto known = page.find(row);
  if (known != page.end()) {
    known->second += sessions.count;
  } else if (rows_ < kMostRows) {
    page[row] = sessions.count;
    ++rows_;
  } else {
    lost_ += sessions.count;
    if (page.empty()) pages_.erase(day);
  }
}

TlsBook::Pages TlsBook::tear_off() {
  const std::lock_guard lock(mutex_);
  rows_ = 0;
  return std::exchange(pages_, {});
}

void TlsBook::put_back(Pages pages) {
  const std::lock_guard lock(mutex_);
  for (auto& [day, rows] : pages)
    for (const auto& [row, count] : rows) {
      auto& page = pages_[day];
      if (!page.contains(row)) ++rows_;
      page[row] += count;
    }
}

/// The record that asks for reports; empty: the domain wants none. "?": the DNS failed.
Task<std::string> TlsBook::record_of(std::string domain) {
  std::string name = "_smtp._tls." + domain;
  const auto answer = co_await resolver_->query(std::move(name), dns::Type::txt);
  if (answer->status == dns::Status::servfail) co_return "?";
  std::vector<std::string> texts;
  for (const dns::Record& record : answer->records) texts.push_back(record.text);
  std::string rua;
  for (const std::string& uri : mailauth::tlsrpt_uris(texts)) rua += (rua.empty() ? "" : ",") + uri;
  if (rua.empty() || rua.size() > store::kMaxDmarcPolicy - 100) co_return "";
  co_return "v=TLSRPTv1; rua=" + rua;
}

Task<void> TlsBook::flush() {
  Pages pages = tear_off();
  const Instant until = system_clock().now() + kAsking;
  std::vector<store::DmarcCount> counts;
  Pages left;
  for (auto& [day, rows] : pages) {
    std::string record = "?";
    std::string domain = day.domain;
    if (system_clock().now() < until) record = co_await record_of(std::move(domain));
    if (record == "?") left[day] = std::move(rows);
    if (record == "?" || record.empty()) continue;
    for (const auto& [row, count] : rows) counts.push_back({day, record, {row.first, row.second, count}});
  }
  const std::int64_t old = millis(clock_.wall()) - store::kKeepDmarcMs;
  std::erase_if(left, [old](const auto& page) { return page.first.day < old; });
  put_back(std::move(left));
  std::uint64_t lost = 0;
  {
    const std::lock_guard lock(mutex_);
    lost = std::exchange(lost_, 0);
  }
  if (!counts.empty()) {
    const auto written = co_await store_.count_dmarc(std::move(counts));
    if (!written) log::error("tls-reports-unwritable", {{"why", written.error().message}});
    if (written) lost += *written;
  }
  if (lost > 0) log::warning("tls-reports-full", {{"sessions", lost}});
}

} // namespace paquebot::delivery
