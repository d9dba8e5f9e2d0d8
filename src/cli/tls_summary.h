#pragma once

#include "control/json.h"
#include "mailauth/tls_report.h"

#include <cstdint>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace paquebot::cli {

/// The reports on TLS that a message carries (RFC 8460 section 5.3). Bounded in number and size; what was no report is
/// told in `problems`.
std::vector<mailauth::TlsReport> tls_reports_of(std::string_view message, std::vector<std::string>& problems);

/// Adds up reports on TLS and says in plain words whether others reach our mail hosts under TLS, and what fails. What
/// is in reports is by strangers: shown printable.
class TlsSummary {
public:
  /// What is about `only`, or about any domain when that is empty. A report that was added before (same organization
  /// and id) is not counted again.
  void add(const mailauth::TlsReport& report, const std::string& only);
  bool empty() const { return domains_.empty(); }
  void print(std::ostream& out) const;
  control::json::value to_json() const;

  static constexpr std::size_t kMostFailures = 1'000; ///< of all domains; further ones are only counted

private:
  using Failure = std::tuple<std::string, std::string, std::string>; ///< result, host, reason
  struct Domain {
    std::uint64_t reports = 0, successes = 0, failures = 0;
    std::int64_t begin = 0, end = 0;           ///< seconds since 1970
    std::set<std::string> reporters, policies; ///< at most 20 each
    std::map<Failure, std::uint64_t> failed;
  };

  std::map<std::string, Domain> domains_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::size_t kept_ = 0;
};

} // namespace paquebot::cli
