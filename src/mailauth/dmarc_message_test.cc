#include "dns/fake_zone.h"
#include "mail/head.h"
#include "mailauth/dmarc_message.h"
#include "net/test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(DmarcMessage, RuaAddresses) {
  const std::pair<const char*, const char*> cases[] = {
      {"mailto:rua@a.test", "rua@a.test"},
      {"MAILTO:rua@A.Test", "rua@a.test"},
      {"mailto:%22a%2Cb%22@a.test", "\"a,b\"@a.test"},
      {"mailto:rua@a.test?subject=x", "rua@a.test"},
      {"https://a.test/", nullptr},
      {"mailto:", nullptr},
      {"mailto:rua", nullptr},
      {"mailto:a%zz@a.test", nullptr},
      {"mailto:a%0d%0a@a.test", nullptr},
      {"mailto:a@[192.0.2.1]", nullptr},
      {"mailto:a@a.test%0d%0aBcc:x", nullptr},
      {"mailto:a@a.test,b@a.test", nullptr},
  };
  for (const auto& [uri, expected] : cases) {
    const auto address = rua_address(uri);
    ASSERT_EQ(address.has_value(), expected != nullptr) << uri;
    if (expected) {
      EXPECT_EQ(address->to_string(), expected);
    }
  }
}

TEST(DmarcMessage, ExternalDestinationsMustAgree) {
  const auto zone = dns::FakeZone::parse(R"(
_dmarc.a.test TXT "v=DMARC1; p=none"
a.test._report._dmarc.reports.example TXT "v=DMARC1;"
a.test._report._dmarc.moved.example TXT "v=DMARC1; rua=mailto:here@moved.example,mailto:there@moved.example"
a.test._report._dmarc.away.example TXT "v=DMARC1; rua=mailto:x@away.example,mailto:x@victim.example"
a.test._report._dmarc.other.example TXT "hello"
_dmarc.broken.example SERVFAIL
)");
  net::test::Loop loop;
  const auto where = [&](const std::string& domain) {
    std::vector<std::string> out;
    const auto found = loop.run(report_addresses("a.test", mail::Address{"rua", domain}, *zone));
    if (!found) out.push_back("error");
    for (const auto& address : found.value_or(std::vector<mail::Address>())) out.push_back(address.to_string());
    return out;
  };
  EXPECT_THAT(where("a.test"), ElementsAre("rua@a.test"));
  EXPECT_THAT(where("mail.a.test"), ElementsAre("rua@mail.a.test"));
  EXPECT_THAT(where("reports.example"), ElementsAre("rua@reports.example"));
  EXPECT_THAT(where("moved.example"), ElementsAre("here@moved.example", "there@moved.example"));
  EXPECT_THAT(where("away.example"), IsEmpty());
  EXPECT_THAT(where("other.example"), IsEmpty());
  EXPECT_THAT(where("nowhere.example"), IsEmpty());
  EXPECT_THAT(where(std::string(250, 'x') + ".example"), IsEmpty());
  EXPECT_THAT(where("broken.example"), ElementsAre("error"));
}

TEST(DmarcMessage, IsAsTheRfcWantsIt) {
  DmarcReport report;
  report.domain = "a.test";
  report.report_id = "01J9ZQ3V5W8XKD2M6N7P4R1STB";
  report.begin = 1795392000;
  report.end = 1795478399;
  report.rows.resize(1);
  const auto message = compose_report_message(report, {"mx.test", {"dmarc", "test.test"}},
                                              {{"rua", "a.test"}, {"rua", "b.test"}}, from_millis(1795478400'000));
  const auto head = mail::Head::parse(message.head);
  ASSERT_TRUE(head);
  EXPECT_EQ(mail::unfold(head->value("Subject")),
            "Report Domain: a.test Submitter: mx.test Report-ID: <01J9ZQ3V5W8XKD2M6N7P4R1STB>");
  EXPECT_EQ(mail::unfold(head->value("To")), "<rua@a.test>, <rua@b.test>");
  EXPECT_THAT(message.body, HasSubstr("Content-Disposition: attachment; "
                                      "filename=\"mx.test!a.test!1795392000!1795478399!01J9ZQ3V5W8XKD2M6N7P4R1STB."
                                      "xml.gz\"\r\n"));
  EXPECT_THAT(message.body, HasSubstr("Content-Type: application/gzip;"));
}

} // namespace
} // namespace paquebot::mailauth
