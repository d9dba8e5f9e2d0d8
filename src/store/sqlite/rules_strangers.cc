#include "store/sqlite/rules.h"

namespace paquebot::store::sqlite {
namespace {

constexpr Rule kGreyRules[] = {
    {"greylist.count", "g.count < 1", "greylisting: a row counts nothing: %"},
    {"greylist.values",
     "g.state NOT BETWEEN 1 AND 3 OR g.key = '' OR length(g.key) > 64 OR g.key GLOB '*[^0-9a-f]*' OR "
     "g.first NOT BETWEEN 0 AND 253402300799999 OR g.last NOT BETWEEN 0 AND 253402300799999 OR "
     "g.expires NOT BETWEEN 0 AND 253402300799999",
     "greylisting: a value is out of its range: %"},
};

// At most kMaxDmarcReports reports and kMaxDmarcRows rows in all (dmarc_days.h).
constexpr Rule kReportRules[] = {
    {"dmarc.rows", "d.rows <> (SELECT count(*) FROM dmarc_row r WHERE r.day = d.day AND r.domain = d.domain)",
     "DMARC reports of day %: a count of rows is wrong"},
    {"dmarc.values",
     "d.day < 0 OR d.day % 86400000 <> 0 OR d.domain = '' OR length(CAST(d.policy AS BLOB)) > 8192 OR "
     "EXISTS (SELECT 1 FROM dmarc_row r WHERE r.day = d.day AND r.domain = d.domain AND (r.count < 1 OR r.source = '' "
     "OR "
     "length(r.detail) > 2048))",
     "DMARC reports of day %: a value is out of its range"},
};

constexpr Rule kStsRules[] = {
    {"sts.values",
     "s.domain = '' OR length(s.id) > 32 OR length(s.text) > 65536 OR s.fetched NOT BETWEEN 0 AND 253402300799999",
     "MTA-STS policy of %: a value is out of its range"},
};

} // namespace

std::vector<Part> stranger_parts() {
  return {
      Walk{false, {"greylist g", {"g.key"}}, "g.key", kGreyRules},
      Walk{false, {"dmarc_day d", {"d.day", "d.domain"}}, "d.day", kReportRules},
      Walk{false, {"sts_policy s", {"s.domain"}}, "s.domain", kStsRules},
      Question{"dmarc.orphans",
               "SELECT DISTINCT r.day FROM dmarc_row r WHERE NOT EXISTS (SELECT 1 FROM dmarc_day d WHERE d.day = r.day "
               "AND d.domain = r.domain)",
               "DMARC reports of day %: rows belong to no report"},
  };
}

} // namespace paquebot::store::sqlite
