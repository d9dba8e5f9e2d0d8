#include "dns/fake_zone.h"
#include "mailauth/dmarc_report.h"
#include "mailauth/gzip.h"
#include "net/test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

using testing::HasSubstr;
using testing::Not;

Result<std::string> unpacked(std::string_view packed, std::size_t most) {
  std::string out;
  const auto done = unpack(packed, most, [&](std::string_view piece) {
    out += piece;
    return true;
  });
  if (!done) return std::unexpected(done.error());
  return out;
}

TEST(Gzip, BothWays) {
  for (const std::string& text : {std::string(), std::string("x"), std::string(1'000'000, 'y')}) {
    const std::string packed = gzip(text);
    EXPECT_TRUE(packed.starts_with("\x1f\x8b"));
    EXPECT_EQ(unpacked(packed, 1'000'000), text);
  }
  EXPECT_EQ(unpacked("<plain/>", 100), "<plain/>");
}

TEST(Gzip, Bounds) {
  const std::string bomb = gzip(std::string(10'000'000, '\0'));
  EXPECT_LT(bomb.size(), 20'000u);
  EXPECT_FALSE(unpacked(bomb, 9'999'999));
  EXPECT_FALSE(unpacked("12345", 4));
  const std::string packed = gzip("hello, hello");
  for (std::size_t i = 2; i < packed.size(); ++i) EXPECT_FALSE(unpacked(packed.substr(0, i), 100)) << i;
  EXPECT_FALSE(unpacked("PK\x03\x04", 100));
  EXPECT_FALSE(unpacked(std::string("PK\x03\x04") + std::string(26, '\xff'), 100));
}

DmarcReport example() {
  DmarcReport r;
  r.org_name = "Mail <of> us & \"them\"";
  r.email = "postmaster@mx.test";
  r.report_id = "1@mx.test";
  r.begin = 1795392000;
  r.end = 1795478399;
  set_published(r, "a.test", *parse_dmarc_record("v=DMARC1; p=reject; np=quarantine; adkim=s; t=y"));
  DmarcReport::Row row;
  row.source_ip = "2001:db8::1";
  row.count = 7;
  row.disposition = "quarantine";
  row.dkim = "fail";
  row.spf = "pass";
  row.override_type = "policy_test_mode";
  row.override_comment = "t=y";
  row.header_from = "a.test";
  row.envelope_from = "b.test";
  row.signatures = {{"a.test", "s1", "fail"}, {"c.test", "s2", "pass"}};
  row.spf_domain = "b.test";
  row.spf_result = "pass";
  r.rows = {row, DmarcReport::Row{"192.0.2.1", 1, "none", "pass", "fail", {}, {}, "a.test", {}, {}, {}, {}}};
  return r;
}

TEST(DmarcReport, BothWays) {
  const auto report = example();
  const std::string xml = compose_dmarc_report(report);
  EXPECT_THAT(xml, HasSubstr("<org_name>Mail &lt;of&gt; us &amp; \"them\"</org_name>"));
  EXPECT_THAT(xml, HasSubstr("<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">"));
  for (const std::string& attached : {xml, gzip(xml)}) {
    const auto read = parse_dmarc_report(attached);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->org_name, report.org_name);
    EXPECT_EQ(read->begin, report.begin);
    EXPECT_EQ(read->p, DmarcPolicy::reject);
    EXPECT_EQ(read->sp, DmarcPolicy::reject);
    EXPECT_EQ(read->np, DmarcPolicy::quarantine);
    EXPECT_TRUE(read->testing && read->strict_dkim && !read->strict_spf);
    ASSERT_EQ(read->rows.size(), 2u);
    EXPECT_EQ(read->rows[0].count, 7u);
    EXPECT_EQ(read->rows[0].override_type, "policy_test_mode");
    ASSERT_EQ(read->rows[0].signatures.size(), 2u);
    EXPECT_EQ(read->rows[0].signatures[1].selector, "s2");
    EXPECT_EQ(compose_dmarc_report(*read), xml);
  }
  EXPECT_EQ(dmarc_report_file(report, "mx.test", "x"), "mx.test!a.test!1795392000!1795478399!x.xml.gz");
}

TEST(DmarcReport, HostileTexts) {
  auto report = example();
  report.rows[0].header_from = "</header_from>\x01\x1b[2J\xff\xef\xbf\xbf]]>&amp;";
  const auto read = parse_dmarc_report(compose_dmarc_report(report));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->rows[0].header_from, "</header_from>??[2J??]]>&amp;");
}

TEST(DmarcReport, OthersDialects) {
  const auto read =
      parse_dmarc_report("<?xml version='1.0'?><f:feedback xmlns:f='x'><f:policy_published><f:domain> a.test\n"
                         "</f:domain><f:p>Quarantine</f:p><pct>100</pct></f:policy_published><f:record><row>"
                         "<count>x</count></row></f:record></f:feedback>");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->domain, "a.test");
  EXPECT_EQ(read->p, DmarcPolicy::quarantine);
  EXPECT_EQ(read->rows.size(), 1u);
}

TEST(DmarcReport, Refused) {
  std::string deep, record;
  for (int i = 0; i < 1000; ++i) deep += "<a>";
  const std::pair<std::string, const char*> cases[] = {
      {"", "no XML"},
      {"hello", "no XML"},
      {"<feedback>", "no XML"},
      {"<feedback></feedback>", "no DMARC report"},
      {"<html><domain>x</domain></html>", "no DMARC report"},
      {deep, "nested too deep"},
      {"<!DOCTYPE f [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><feedback>&b;</feedback>",
       "document type"},
      {"<!DOCTYPE f SYSTEM \"file:///etc/passwd\"><feedback/>", "document type"},
      {gzip(std::string(kMaxReportXml + 1, ' ')), "more than"},
      {gzip("<feedback>").substr(0, 15), "damaged"},
  };
  for (const auto& [text, why] : cases) {
    const auto read = parse_dmarc_report(text);
    ASSERT_FALSE(read) << why;
    EXPECT_THAT(read.error().message, HasSubstr(why));
  }
}

} // namespace
} // namespace paquebot::mailauth
