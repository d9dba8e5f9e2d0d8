#include "base/encoding.h"
#include "cli/tls_summary.h"
#include "mailauth/gzip.h"

#include <gtest/gtest.h>
#include <sstream>

namespace paquebot::cli {
namespace {

mailauth::TlsReport sample_report(const std::string& id) {
  mailauth::TlsReport report{.organization = "Big Mail", .id = id};
  report.begin = 1'795'392'000;
  report.end = 1'795'478'399;
  report.policies.push_back({.type = "sts", .domain = "a.test", .successes = 90, .failures = 3});
  report.policies.back().details.push_back(
      {.result = "certificate-expired", .mx = "mx.a.test", .reason = "over\x1b[2J", .count = 3});
  report.policies.push_back({.type = "no-policy-found", .domain = "b.test", .successes = 1});
  return report;
}

std::string tls_letter(const std::string& type, const std::string& name, const std::string& content) {
  return "From: <x@b.test>\r\nSubject: Report Domain: a.test\r\nMIME-Version: 1.0\r\nContent-Type: " + type +
         "; name=\"" + name + "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64_encode(content) + "\r\n";
}

TEST(TlsSummary, AddsUpWhatOthersSaw) {
  TlsSummary summary;
  EXPECT_TRUE(summary.empty());
  summary.add(sample_report("1"), "");
  summary.add(sample_report("1"), ""); // the same one again
  summary.add(sample_report("2"), "");
  std::ostringstream out;
  summary.print(out);
  EXPECT_NE(out.str().find("a.test: 2 reports, 2026-11-23 to 2026-11-23, by Big Mail"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("180 sessions as they should be, 6 not"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("6 times certificate-expired at mx.a.test"), std::string::npos) << out.str();
  EXPECT_EQ(out.str().find('\x1b'), std::string::npos);
  const auto json = summary.to_json();
  EXPECT_EQ(json.at("domains").at(0).at("successes").to_number<int>(), 180);
  TlsSummary only;
  only.add(sample_report("1"), "B.test");
  EXPECT_EQ(only.to_json().at("domains").as_array().size(), 1u);
}

TEST(TlsSummary, ReadsReportsOutOfMessages) {
  const std::string json = mailauth::compose_tls_report(sample_report("1"));
  std::vector<std::string> problems;
  const auto packed =
      tls_reports_of(tls_letter("application/tlsrpt+gzip", "x!y.json.gz", mailauth::gzip(json)), problems);
  ASSERT_EQ(packed.size(), 1u);
  EXPECT_EQ(packed[0].policies.at(0).domain, "a.test");
  EXPECT_EQ(tls_reports_of(tls_letter("application/tlsrpt+json", "x.json", json), problems).size(), 1u);
  EXPECT_TRUE(problems.empty());
  EXPECT_TRUE(
      tls_reports_of(tls_letter("application/gzip", "x!y.xml.gz", mailauth::gzip("<feedback/>")), problems).empty());
  EXPECT_TRUE(problems.empty()) << "one of DMARC is no problem";
  EXPECT_TRUE(tls_reports_of(tls_letter("application/tlsrpt+gzip", "x.json.gz", "junk"), problems).empty());
  const std::string bomb = mailauth::gzip(std::string(11u << 20, ' '));
  EXPECT_TRUE(tls_reports_of(tls_letter("application/tlsrpt+gzip", "x.json.gz", bomb), problems).empty());
  EXPECT_EQ(problems.size(), 2u);
}

} // namespace
} // namespace paquebot::cli
