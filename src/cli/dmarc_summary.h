#pragma once

#include "control/json.h"
#include "mailauth/dmarc_report.h"

#include <cstdint>
#include <functional>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace paquebot::cli {

/// The reports that a message carries: each attachment that may be one is read. Bounded in number, size and depth. What
/// was no report is told in `problems`.
std::vector<mailauth::DmarcReport> reports_of(std::string_view message, std::vector<std::string>& problems);

/// The attachments of a message that `wanted` says yes to (media type and name in lower case), at most ten and 10 MiB
/// each, as they are; what can't be read is told in `problems`.
std::vector<std::pair<std::string, std::string>>
attachments_of(std::string_view message,
               const std::function<bool(const std::string& type, const std::string& name)>& wanted,
               std::vector<std::string>& problems);

/// Adds up aggregate reports and says in plain words who sends mail in the name of a domain, and what to do. What is
/// in reports is by strangers: shown printable.
class DmarcSummary {
public:
  /// A report that was added before (same organization, id and domain) is not counted again.
  void add(const mailauth::DmarcReport& report);
  bool empty() const { return domains_.empty(); }
  void print(std::ostream& out) const;
  control::json::value to_json() const;

  static constexpr std::size_t kMostSenders = 20'000; ///< of all domains; further ones are only counted

private:
  /// One that sends mail with this author's domain.
  struct Sender {
    std::uint64_t count = 0;
    std::uint64_t passed = 0; ///< by at least one of the two
    std::uint64_t spf = 0;    ///< aligned
    std::uint64_t dkim = 0;
    std::uint64_t quarantined = 0;
    std::uint64_t refused = 0;
    std::set<std::string> reporters; ///< at most 20
  };
  using SenderKey = std::pair<std::string, std::string>; ///< author's domain, source
  struct Domain {
    std::uint64_t reports = 0;
    std::int64_t begin = 0; ///< seconds since 1970
    std::int64_t end = 0;
    mailauth::DmarcPolicy policy = mailauth::DmarcPolicy::none; ///< of the newest report
    std::set<std::string> reporters;                            ///< at most 20
    std::map<SenderKey, Sender> senders;
    std::uint64_t left_out = 0; ///< messages of senders beyond kMostSenders
  };

  void add_row(Domain& domain, const mailauth::DmarcReport& report, const mailauth::DmarcReport::Row& row);
  static std::vector<std::pair<SenderKey, const Sender*>> by_count(const Domain& domain);
  static void print_domain(std::ostream& out, const std::string& name, const Domain& domain);
  static void print_advice(std::ostream& out, const std::string& name, const Domain& domain);

  std::map<std::string, Domain> domains_;
  std::set<std::tuple<std::string, std::string, std::string>> seen_;
  std::size_t senders_ = 0;
};

} // namespace paquebot::cli
