#include "delivery/protection.h"

namespace paquebot::delivery {

namespace {

/// Without what a policy in testing mode thinks of it.
std::string plain_protection(const Hop& hop, bool whole) {
  if (hop.tls.version.empty()) {
    if (hop.configured || !whole) return {};
    const std::string why = hop.in_clear.empty() ? "no STARTTLS is offered" : hop.in_clear;
    return "in clear: " + why + ", and neither DANE nor MTA-STS asks for it";
  }
  std::string words = hop.tls.version;
  if (!hop.asked_by.empty()) return words + ", " + hop.asked_by;
  if (hop.need.pkix() != nullptr) return words + ", certificate checked";
  if (!whole) return words;
  if (!hop.tls.tlsa.empty()) return words + ", its TLSA record fits, which nobody asks for here";
  if (hop.tls.authentic) return words + ", valid certificate";
  return words + ", not authenticated" + (hop.tls.flaw.empty() ? "" : ": " + hop.tls.flaw);
}

} // namespace

std::string protection(const Hop& hop, bool whole) {
  std::string words = plain_protection(hop, whole);
  if (whole && !hop.sts_testing.empty()) words += "; MTA-STS (testing): " + hop.sts_testing;
  return words;
}

std::string testing_verdict(bool named, const net::TlsInfo& tls) {
  if (!named) return "would not be sent, the policy does not name this host";
  if (tls.version.empty()) return "would not be sent without TLS";
  if (!tls.authentic && tls.tlsa.empty()) return "would not be sent, the certificate does not do";
  return "fulfilled";
}

std::string unprotected_because(const queue::Need& need, const std::string& asked_by, bool missing,
                                const std::string& why) {
  if (missing) return "not sent: TLS is required (" + asked_by + "), and the server offers none";
  const std::string reason = why.empty() ? std::string() : ": " + why;
  if (need.dane() != nullptr)
    return "not sent: the TLSA records of " + need.dane()->names.front() + " must fit (" + asked_by + ")" + reason;
  if (need.pkix() != nullptr)
    return "not sent: a certificate for " + need.pkix()->name + " is required (" + asked_by + ")" + reason;
  return "not sent: TLS is required (" + asked_by + ") and failed" + reason;
}

} // namespace paquebot::delivery
