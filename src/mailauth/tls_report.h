#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "mail/address.h"
#include "mailauth/dmarc_message.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reports on how connections to a domain were protected (RFC 8460).
namespace paquebot::mailauth {

/// What came of a session, as reports call it (section 4.3). `success` has no name there.
enum class TlsResult : std::uint8_t {
  success,
  starttls_not_supported,
  certificate_host_mismatch,
  certificate_expired,
  certificate_not_trusted,
  validation_failure,
  tlsa_invalid,
  dnssec_invalid,
  sts_policy_fetch_error,
  sts_policy_invalid,
  sts_webpki_invalid,
};
std::string_view to_string(TlsResult result);

enum class TlsPolicyType : std::uint8_t { none, tlsa, sts };
std::string_view to_string(TlsPolicyType type);

/// The policy that a session was to fulfil.
struct TlsPolicy {
  TlsPolicyType type = TlsPolicyType::none;
  std::vector<std::string> text{}; ///< its lines, or records
  std::vector<std::string> mx{};   ///< of sts: its hosts
  bool operator==(const TlsPolicy&) const = default;
};

/// Sessions that are alike in all that a report tells of them.
struct TlsSessions {
  TlsPolicy policy{};
  TlsResult result = TlsResult::success;
  std::string mx{}; ///< the host
  std::string sending_ip{}, receiving_ip{};
  std::string reason{}; ///< for people
  std::uint64_t count = 0;
};

/// All of them but host and count, so that what is alike gives the same octets: at most `most`. Of policies and reasons
/// the beginning is kept, of successes neither addresses nor reasons.
std::string pack_tls_sessions(const TlsSessions& sessions, std::size_t most);
Result<TlsSessions> unpack_tls_sessions(std::string_view packed);

/// A report about one day and policy domain. Texts of one that was read are as reported: it comes from a stranger.
struct TlsReport {
  struct Failure {
    std::string result{}, mx{}, sending_ip{}, receiving_ip{}, reason{};
    std::uint64_t count = 0;
  };
  struct Policy {
    std::string type{}, domain{};
    std::vector<std::string> text{}, mx{};
    std::uint64_t successes = 0, failures = 0;
    std::vector<Failure> details{};
  };
  std::string organization, contact, id;
  std::int64_t begin = 0, end = 0; ///< seconds since 1970
  std::vector<Policy> policies;
};

/// Puts sessions into the report, beside others with the same policy.
void add_sessions(TlsReport& report, const std::string& domain, const TlsSessions& sessions);
/// The JSON of section 4.4.
std::string compose_tls_report(const TlsReport& report);
/// Reads one (not packed). Errc::invalid for what is none; bounded in policies and details.
Result<TlsReport> parse_tls_report(std::string_view text);

/// Where reports about a domain go, by the texts at _smtp._tls.DOMAIN: URIs as written. None where there is not exactly
/// one record of this kind (section 3).
std::vector<std::string> tlsrpt_uris(const std::vector<std::string>& texts);

/// The message that carries a report (section 5.3). `report.id`: letters and digits only.
ReportMessage compose_tls_message(const TlsReport& report, const std::string& domain, const ReportSender& sender,
                                  const std::vector<mail::Address>& to, WallTime now);

inline constexpr std::size_t kMostTlsPolicies = 100, kMostTlsDetails = 5'000; ///< of a report that is read
inline constexpr std::size_t kMostTlsReport = 10u << 20;

} // namespace paquebot::mailauth
