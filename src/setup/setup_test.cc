#include "setup/autoconfig.h"
#include "setup/client_settings.h"
#include "setup/digest.h"
#include "setup/mobileconfig.h"
#include "setup/mta_sts.h"
#include "setup/records.h"
#include "setup/xml.h"

#include <gtest/gtest.h>

namespace paquebot::setup {
namespace {

using enum Protocol;
using enum Security;

const std::vector<Offer> kUsual{
    {submission, starttls, 587}, {submission, implicit, 465}, {pop3, starttls, 110}, {pop3, implicit, 995}};

ClientSettings usual(bool web = true) { return client_settings("mx.example.org", kUsual, web); }

std::size_t times(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

mail::Address address(std::string_view text) { return mail::parse_address(text).value(); }

// ---- What is offered ----

TEST(ClientSettings, NamesImplicitTlsFirst) {
  const std::vector<Offer> expected{
      {pop3, implicit, 995}, {pop3, starttls, 110}, {submission, implicit, 465}, {submission, starttls, 587}};
  EXPECT_EQ(usual().offers, expected);
  EXPECT_EQ(usual().best(pop3)->port, 995);
  EXPECT_EQ(usual().best(submission)->port, 465);
}

TEST(ClientSettings, LeavesOutTheLoopbackBesidesOthers) {
  const std::vector<Offer> both{{pop3, implicit, 1995, true}, {submission, implicit, 465, false}};
  const auto made = client_settings("mx.example.org", both, false);
  EXPECT_EQ(made.offers, (std::vector<Offer>{{submission, implicit, 465, false}}));
  EXPECT_EQ(made.best(pop3), nullptr);
  const std::vector<Offer> only{{pop3, implicit, 1995, true}};
  EXPECT_EQ(client_settings("mx.example.org", only, false).offers, only);
}

TEST(ClientSettings, HasNoPortTwiceAndNoneThatIsNotKnown) {
  const std::vector<Offer> given{{pop3, implicit, 995}, {pop3, implicit, 0}, {pop3, implicit, 995}};
  EXPECT_EQ(client_settings("mx.example.org", given, false).offers.size(), 1u);
  const std::vector<Offer> unknown{{submission, implicit, 0, false}, {pop3, implicit, 1995, true}};
  EXPECT_EQ(client_settings("mx.example.org", unknown, false).offers.size(), 1u) << "port 0 is no public listener";
}

// ---- XML ----

TEST(Xml, EscapesWhatHasAMeaningAndReplacesWhatCantBe) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"ann", "ann"},
      {"a&b<c>d\"e'f", "a&amp;b&lt;c&gt;d&quot;e&#39;f"},
      {"]]>", "]]&gt;"},
      {"b\xc3\xbc"
       "cher",
       "b\xc3\xbc"
       "cher"},
      {"\xff", "\xef\xbf\xbd"},
      {"a\x01z", "a\xef\xbf\xbdz"},
      {"a\r\nz", "a\xef\xbf\xbd\nz"},
      {"\xef\xbf\xbf", "\xef\xbf\xbd"},
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {std::string_view("\0", 1), "\xef\xbf\xbd"},
  };
  for (const auto& [in, out] : rows) EXPECT_EQ(xml_escape(in), out) << in;
}

TEST(Xml, ClosesWhatItOpened) {
  XmlWriter xml("<?xml version=\"1.0\"?>");
  xml.open("a", "b=\"c\"").open("d").leaf("e", "<").close().empty("f");
  EXPECT_EQ(xml.finish(), "<?xml version=\"1.0\"?>\n<a b=\"c\">\n  <d>\n    <e>&lt;</e>\n  </d>\n  <f/>\n</a>\n");
}

// ---- Autoconfig ----

TEST(Autoconfig, TellsEachListener) {
  const std::string text = autoconfig(usual(), "example.org");
  EXPECT_TRUE(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clientConfig version=\"1.1\">\n"));
  EXPECT_TRUE(text.ends_with("</clientConfig>\n"));
  EXPECT_NE(text.find("<domain>example.org</domain>"), std::string::npos);
  EXPECT_EQ(times(text, "<incomingServer type=\"pop3\">"), 2u);
  EXPECT_EQ(times(text, "<outgoingServer type=\"smtp\">"), 2u);
  EXPECT_EQ(times(text, "<hostname>mx.example.org</hostname>"), 4u);
  EXPECT_EQ(times(text, "<username>%EMAILADDRESS%</username>"), 4u);
  EXPECT_EQ(times(text, "<socketType>SSL</socketType>"), 2u);
  EXPECT_EQ(times(text, "<socketType>STARTTLS</socketType>"), 2u);
  EXPECT_LT(text.find("<port>995</port>"), text.find("<port>110</port>"));
  EXPECT_EQ(times(text, "plain"), 0u);
}

TEST(Autoconfig, ShowsAnInternationalDomainAsItIsRead) {
  const std::string text = autoconfig(usual(), "xn--bcher-kva.example");
  EXPECT_NE(text.find("<domain>xn--bcher-kva.example</domain>"), std::string::npos);
  EXPECT_NE(text.find("<displayName>b\xc3\xbc"
                      "cher.example</displayName>"),
            std::string::npos);
}

TEST(Autoconfig, FindsTheDomainOfWhatAProgramAsksFor) {
  const std::pair<std::string, std::string> rows[] = {
      {"ann@example.org", "example.org"},
      {"Ann+tag@EXAMPLE.Org", "example.org"},
      {"\"a b\"@example.org", "example.org"},
      {"b\xc3\xbc"
       "cher@b\xc3\xbc"
       "cher.example",
       "xn--bcher-kva.example"},
      {"", ""},
      {"ann", ""},
      {"ann@", ""},
      {"@example.org", ""},
      {"ann@[192.0.2.1]", ""},
      {"ann@example.org\r\nx", ""},
      {"<ann@example.org>", ""},
      {"a@b@example.org", ""},
      {std::string(2000, 'a') + "@example.org", ""},
  };
  for (const auto& [in, out] : rows) EXPECT_EQ(domain_of(in), out) << in;
}

// ---- Apple ----

TEST(Mobileconfig, SetsUpOneAccount) {
  const auto made = mobileconfig(usual(), address("ann@example.org"), "Ann & Sons");
  ASSERT_TRUE(made);
  EXPECT_NE(made->find("<key>EmailAccountName</key>\n        <string>Ann &amp; Sons</string>"), std::string::npos);
  EXPECT_NE(made->find("<key>IncomingMailServerPortNumber</key>\n        <integer>995</integer>"), std::string::npos);
  EXPECT_NE(made->find("<key>OutgoingMailServerPortNumber</key>\n        <integer>465</integer>"), std::string::npos);
  EXPECT_NE(made->find("<string>org.example.mx." + uuid_of("mailto:ann@example.org") + "</string>"), std::string::npos);
  EXPECT_EQ(times(*made, "<key>PayloadUUID</key>"), 2u);
  for (const std::string_view key : {">IncomingPassword<", ">OutgoingPassword<"})
    EXPECT_EQ(times(*made, key), 0u) << "it has no password";
  EXPECT_EQ(*made, *mobileconfig(usual(), address("ann@example.org"), "Ann & Sons"));
  EXPECT_NE(*made, *mobileconfig(usual(), address("bob@example.org"), "Ann & Sons"));
}

TEST(Mobileconfig, EscapesAHostileAddress) {
  const auto made = mobileconfig(usual(), address("\"</string><true/>\"@example.org"), "]]>");
  ASSERT_TRUE(made);
  EXPECT_EQ(times(*made, "</string><true/>"), 0u);
}

TEST(Mobileconfig, NeedsBothWays) {
  const std::vector<Offer> half{{submission, implicit, 465}};
  const auto made = mobileconfig(client_settings("mx.example.org", half, true), address("ann@example.org"), "");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::unsupported);
}

TEST(Digest, MakesTheUuidsThatOthersMake) {
  // python3 -c 'import uuid; print(uuid.uuid5(uuid.NAMESPACE_URL, "mailto:ann@example.org"))'
  EXPECT_EQ(uuid_of("mailto:ann@example.org"), "A94BBF94-1BFA-58F8-901E-ADB560C44851");
  EXPECT_EQ(short_digest("").size(), 16u);
  EXPECT_EQ(short_digest(""), "e3b0c44298fc1c14");
}

// ---- MTA-STS ----

TEST(MtaSts, WritesThePolicy) {
  const MtaSts policy{.mode = MtaStsMode::enforce, .mx = {"*.example.net", "mx.example.org"}};
  EXPECT_EQ(mta_sts_policy(policy, "mx.example.org"),
            "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmx: *.example.net\r\nmax_age: 604800\r\n");
  EXPECT_EQ(mta_sts_policy({.mode = MtaStsMode::off}, "mx.example.org"), "");
  EXPECT_EQ(mta_sts_text({.mode = MtaStsMode::off}, "mx.example.org"), "");
}

TEST(MtaSts, ChangesItsIdWithThePolicy) {
  const MtaSts testing;
  MtaSts enforce = testing, longer = testing;
  enforce.mode = MtaStsMode::enforce;
  longer.max_age += std::chrono::seconds(1);
  const std::string text = mta_sts_text(testing, "mx.example.org");
  EXPECT_EQ(text, mta_sts_text(testing, "mx.example.org"));
  EXPECT_NE(text, mta_sts_text(testing, "mx2.example.org"));
  EXPECT_NE(text, mta_sts_text(enforce, "mx.example.org"));
  EXPECT_NE(text, mta_sts_text(longer, "mx.example.org"));
  EXPECT_TRUE(text.starts_with("v=STSv1; id="));
  EXPECT_EQ(text.find_first_not_of("0123456789abcdef", 12), text.size() - 1)
      << text; // RFC 8461 section 3.1: 1*32 alphanumeric
}

TEST(MtaSts, ReadsPatterns) {
  const std::pair<std::string_view, std::string_view> rows[] = {{"MX.Example.Net", "mx.example.net"},
                                                                {"*.example.net", "*.example.net"},
                                                                {"*", ""},
                                                                {"*.", ""},
                                                                {"mx.*.example.net", ""},
                                                                {"", ""},
                                                                {"a b", ""},
                                                                {"*.*.example.net", ""},
                                                                {"mx.example.net\r\nmode: none", ""},
                                                                {"[192.0.2.1]", ""},
                                                                {"192.0.2.1;", ""}};
  for (const auto& [in, out] : rows) EXPECT_EQ(read_mx_pattern(in), out) << in;
}

// ---- Records ----

Facts facts(bool web, MtaSts policy = {}) {
  return facts_of({.host = {}, .mta_sts = std::move(policy)}, "mx.example.org", kUsual, web);
}

std::vector<std::string> lines(const std::vector<Record>& records) {
  std::vector<std::string> all;
  for (const Record& one : records)
    all.push_back(one.type == Record::Type::txt ? one.name + " TXT " + one.value : zone_line(one));
  return all;
}

TEST(SetupRecords, AreThoseThatProgramsAskFor) {
  const std::vector<std::string> services{"_pop3s._tcp.example.org. IN SRV 0 1 995 mx.example.org.",
                                          "_pop3._tcp.example.org. IN SRV 10 1 110 mx.example.org.",
                                          "_submissions._tcp.example.org. IN SRV 0 1 465 mx.example.org.",
                                          "_submission._tcp.example.org. IN SRV 10 1 587 mx.example.org."};
  EXPECT_EQ(lines(setup_records(facts(false), "example.org")), services);
  auto all = services;
  all.insert(all.end(), {"autoconfig.example.org. IN CNAME mx.example.org.",
                         "_autodiscover._tcp.example.org. IN SRV 0 1 443 mx.example.org.",
                         "mta-sts.example.org. IN CNAME mx.example.org.",
                         "_mta-sts.example.org TXT " + mta_sts_text({}, "mx.example.org"),
                         "_smtp._tls.example.org TXT v=TLSRPTv1; rua=mailto:postmaster@example.org"});
  EXPECT_EQ(lines(setup_records(facts(true), "example.org")), all);
}

TEST(SetupRecords, LeadToTheHostOfTheClients) {
  const Facts other = facts_of({.host = "mail.example.org", .mta_sts = {}}, "mx.example.org", kUsual, true);
  EXPECT_EQ(lines(setup_records(other, "example.org"))[0], "_pop3s._tcp.example.org. IN SRV 0 1 995 mail.example.org.");
  EXPECT_EQ(lines(setup_records(other, "example.org"))[4], "autoconfig.example.org. IN CNAME mx.example.org.");
}

TEST(SetupRecords, NeedNoneForTheServersOwnName) {
  for (const auto& one : setup_records(facts_of({}, "mta-sts.example.org", kUsual, true), "example.org"))
    EXPECT_FALSE(one.name == "mta-sts.example.org") << zone_line(one);
}

TEST(SetupRecords, LeaveOutAPolicyThatIsNotThere) {
  for (const auto& one : setup_records(facts(true, {.mode = MtaStsMode::off}), "example.org"))
    EXPECT_EQ(one.name.find("mta-sts"), std::string::npos) << one.name;
}

} // namespace
} // namespace paquebot::setup
