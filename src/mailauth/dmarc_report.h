#pragma once

#include "base/result.h"
#include "mailauth/dmarc_record.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mailauth {

/// An aggregate report (RFC 9990; its last draft). Texts are as reported, not judged: a report that was read comes from
/// a stranger.
struct DmarcReport {
  struct Dkim {
    std::string domain;
    std::string selector;
    std::string result;
  };
  struct Row {
    std::string source_ip;
    std::uint64_t count = 0;
    std::string disposition; ///< "none", "pass", "quarantine", "reject"
    std::string dkim;        ///< "pass" or "fail": aligned
    std::string spf;
    std::string override_type; ///< why the disposition differs from the policy: "local_policy", ...; or empty
    std::string override_comment;
    std::string header_from;
    std::string envelope_from;
    std::vector<Dkim> signatures;
    std::string spf_domain; ///< with spf_result: SPF's own result; empty: none
    std::string spf_result;
  };

  std::string org_name;
  std::string email;
  std::string report_id;
  std::int64_t begin = 0; ///< seconds since 1970
  std::int64_t end = 0;
  std::string domain; ///< where the policy is
  DmarcPolicy p = DmarcPolicy::none;
  DmarcPolicy sp = DmarcPolicy::none;
  DmarcPolicy np = DmarcPolicy::none;
  bool strict_dkim = false;
  bool strict_spf = false;
  bool testing = false;
  std::vector<Row> rows;
};

/// What the record says, into the report's fields about the policy.
void set_published(DmarcReport& report, const std::string& domain, const DmarcRecord& record);

/// The XML. Whatever the texts hold it is well-formed.
std::string compose_dmarc_report(const DmarcReport& report);
/// RFC 9990's name for the file: "receiver!policy-domain!begin!end!id.xml.gz".
std::string dmarc_report_file(const DmarcReport& report, std::string_view receiver, std::string_view unique_id);

inline constexpr std::size_t kMaxReportXml = 64 * 1024 * 1024;
inline constexpr std::size_t kMaxReportRows = 200'000;
/// Reads a report as it is attached: XML, plain or packed (gzip.h). Unknown elements are passed over. Errc::invalid for
/// what is malformed or beyond the bounds, and for a document type: nothing in a report needs entities.
Result<DmarcReport> parse_dmarc_report(std::string_view attached);

} // namespace paquebot::mailauth
