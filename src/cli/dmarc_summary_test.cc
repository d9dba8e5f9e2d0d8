#include "base/encoding.h"
#include "cli/dmarc_summary.h"
#include "mailauth/dmarc_message.h"
#include "mailauth/gzip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace paquebot::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

mailauth::DmarcReport::Row row(const std::string& source, std::uint64_t count, const char* spf, const char* dkim,
                               const char* disposition = "none") {
  mailauth::DmarcReport::Row row;
  row.source_ip = source;
  row.count = count;
  row.spf = spf;
  row.dkim = dkim;
  row.disposition = disposition;
  row.header_from = "a.test";
  return row;
}

mailauth::DmarcReport report(const std::string& organization, const std::string& id,
                             std::vector<mailauth::DmarcReport::Row> rows) {
  mailauth::DmarcReport out;
  out.org_name = organization;
  out.report_id = id;
  out.domain = "a.test";
  out.begin = 1795392000;
  out.end = 1795478399;
  out.rows = std::move(rows);
  return out;
}

std::string text_of(const DmarcSummary& summary) {
  std::ostringstream out;
  summary.print(out);
  return out.str();
}

/// A message with one attachment.
std::string letter(const std::string& type, const std::string& name, const std::string& content) {
  return "From: <x@b.test>\r\nSubject: Report Domain: a.test\r\nMIME-Version: 1.0\r\nContent-Type: " + type +
         "; name=\"" + name + "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64_encode(content) + "\r\n";
}

/// A ZIP archive as common tools write it: one file, deflated, without its size in front.
std::string zip(const std::string& content) {
  const std::string packed = mailauth::gzip(content);
  std::string header("PK\x03\x04\x14\x00\x00\x00\x08\x00", 10);
  header += std::string(16, '\0') + std::string("\x05\x00\x00\x00", 4) + "x.xml";
  return header + packed.substr(10, packed.size() - 18) + std::string("PK\x01\x02", 4);
}

TEST(DmarcSummary, AddsUpAndSaysWhatToDo) {
  DmarcSummary summary;
  summary.add(report("big.test", "1",
                     {row("192.0.2.1", 10, "pass", "pass"), row("192.0.2.9", 3, "fail", "fail", "reject"),
                      row("192.0.2.5", 2, "pass", "fail")}));
  summary.add(report("small.test", "1", {row("192.0.2.1", 5, "pass", "pass"), row("192.0.2.7", 1, "fail", "pass")}));
  summary.add(report("small.test", "1", {row("192.0.2.1", 1000, "pass", "pass")})); // sent twice
  const std::string text = text_of(summary);
  EXPECT_THAT(text, HasSubstr("a.test: 2 reports, 2026-11-23 to 2026-11-23, from big.test, small.test\n"
                              "21 messages: 18 pass DMARC, 3 fail\n"));
  EXPECT_THAT(text, testing::ContainsRegex("192.0.2.1 +a.test +15 +all +all +all +0 +0 +big.test, small.test"));
  EXPECT_THAT(text, testing::ContainsRegex("192.0.2.9 +a.test +3 +none +none +none +0 +3 +big.test"));
  EXPECT_THAT(text, HasSubstr("192.0.2.9: 3 messages in the name of a.test pass neither SPF nor DKIM."));
  EXPECT_THAT(text, HasSubstr("192.0.2.5: passes by SPF alone"));
  EXPECT_THAT(text, HasSubstr("192.0.2.7: passes by DKIM alone"));
  EXPECT_THAT(text, Not(HasSubstr("All mail passes")));
}

TEST(DmarcSummary, ADomainThatIsReadyForMore) {
  DmarcSummary summary;
  summary.add(report("big.test", "1", {row("192.0.2.1", 10, "pass", "pass")}));
  EXPECT_THAT(text_of(summary), HasSubstr("All mail passes: a.test may ask for more in its DMARC record: "
                                          "p=quarantine, then p=reject."));
}

TEST(DmarcSummary, HostileReports) {
  DmarcSummary summary;
  auto evil = report("\x1b[2Jbig\r\n.test", "1", {row("\x1b]0;x", UINT64_MAX, "pass", "\x07")});
  evil.begin = INT64_MIN;
  evil.end = INT64_MAX;
  evil.rows.resize(DmarcSummary::kMostSenders + 5, row("x", 2, "fail", "fail"));
  for (std::size_t i = 1; i < evil.rows.size(); ++i) evil.rows[i].source_ip = std::to_string(i);
  summary.add(evil);
  const std::string text = text_of(summary);
  EXPECT_EQ(text.find_first_of("\x1b\x07\r"), std::string::npos);
  EXPECT_THAT(text, HasSubstr("and 10 messages of further senders"));
}

TEST(DmarcSummary, ReadsWhatIsAttached) {
  auto sent = report("big.test", "1", {row("192.0.2.1", 10, "pass", "pass")});
  const std::string xml = mailauth::compose_dmarc_report(sent);
  const auto ours = mailauth::compose_report_message(sent, {"mx.test", {"dmarc", "test.test"}}, {{"rua", "a.test"}},
                                                     from_millis(1795478400'000));
  const std::pair<const char*, std::string> cases[] = {
      {"ours", ours.head + ours.body},
      {"gzip", letter("application/gzip", "x.xml.gz", mailauth::gzip(xml))},
      {"x-gzip", letter("application/x-gzip", "x.xml.gz", mailauth::gzip(xml))},
      {"zip", letter("application/zip", "x.zip", zip(xml))},
      {"octets", letter("application/octet-stream", "x.XML.GZ", mailauth::gzip(xml))},
      {"text/xml", letter("text/xml", "x.xml", xml)},
  };
  for (const auto& [name, message] : cases) {
    SCOPED_TRACE(name);
    std::vector<std::string> problems;
    const auto found = reports_of(message, problems);
    EXPECT_THAT(problems, IsEmpty());
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].rows.at(0).count, 10u);
  }
}

TEST(DmarcSummary, WhatIsNoReport) {
  const std::pair<const char*, std::string> cases[] = {
      {"a bomb", letter("application/gzip", "x.xml.gz", mailauth::gzip(std::string(mailauth::kMaxReportXml + 1, ' ')))},
      {"no XML", letter("application/gzip", "x.xml.gz", "hello")},
      {"a zip of nothing", letter("application/zip", "x.zip", "PK\x03\x04")},
  };
  for (const auto& [name, message] : cases) {
    SCOPED_TRACE(name);
    std::vector<std::string> problems;
    EXPECT_THAT(reports_of(message, problems), IsEmpty());
    EXPECT_EQ(problems.size(), 1u);
  }
  std::vector<std::string> problems;
  EXPECT_THAT(reports_of(letter("image/png", "x.png", "x"), problems), IsEmpty());
  EXPECT_THAT(reports_of("Subject: x\r\n\r\nhello\r\n", problems), IsEmpty());
  EXPECT_THAT(problems, IsEmpty());
}

} // namespace
} // namespace paquebot::cli
