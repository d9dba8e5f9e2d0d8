#include "setup/autodiscover.h"

#include <gtest/gtest.h>

namespace paquebot::setup {
namespace {

constexpr std::string_view kWanted = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";

std::string request(std::string_view address, std::string_view schema = kWanted) {
  return "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
         "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006\">"
         "<Request><EMailAddress>" +
         std::string(address) + "</EMailAddress><AcceptableResponseSchema>" + std::string(schema) +
         "</AcceptableResponseSchema></Request></Autodiscover>";
}

TEST(Autodiscover, ReadsARequest) {
  const auto read = read_autodiscover(request(" ann@example.org\n"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->address, "ann@example.org");
  EXPECT_TRUE(knows_schema(read->schema));
}

TEST(Autodiscover, ReadsWhatDiffersInFormOnly) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"<Autodiscover><Request><EMailAddress>a@b.c</EMailAddress></Request></Autodiscover>", "a@b.c"},
      {"<x:Autodiscover xmlns:x='y'><x:Request><x:EMailAddress>a@b.c</x:EMailAddress></x:Request></x:Autodiscover>",
       "a@b.c"},
      {"<Autodiscover><Request><!-- ? --><EMailAddress><![CDATA[a&b@c]]></EMailAddress></Request></Autodiscover>",
       "a&b@c"},
      {"<Autodiscover><Request><EMailAddress>a&amp;&#98;@c</EMailAddress></Request></Autodiscover>", "a&b@c"},
      {"<Autodiscover><Request><LegacyDN>/o=x</LegacyDN><EMailAddress>a@b.c</EMailAddress></Request></Autodiscover>",
       "a@b.c"},
  };
  for (const auto& [in, out] : rows) {
    const auto read = read_autodiscover(in);
    ASSERT_TRUE(read) << in;
    EXPECT_EQ(read->address, out);
    EXPECT_TRUE(knows_schema(read->schema));
  }
}

TEST(Autodiscover, RefusesWhatIsHostile) {
  const std::string deep = "<a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a>";
  const std::string rows[] = {
      "",
      "ann@example.org",
      "<Autodiscover>",
      "<Autodiscover/>",
      "<Autodiscover><Request/></Autodiscover>",
      "<Autodiscover><Request><EMailAddress> </EMailAddress></Request></Autodiscover>",
      "<Autodiscover><EMailAddress>a@b.c</EMailAddress></Autodiscover>",
      "<Autodiscover><Request><EMailAddress>a@b.c</EMailAddress></Request></Autodiscover><x/>",
      "<Autodiscover><Request><EMailAddress>&x;</EMailAddress></Request></Autodiscover>",
      "<Autodiscover><Request><EMailAddress>&#0;</EMailAddress></Request></Autodiscover>",
      "<!DOCTYPE a><Autodiscover><Request><EMailAddress>a@b.c</EMailAddress></Request></Autodiscover>",
      "<!DOCTYPE a [<!ENTITY x \"a@b.c\">]>" + request("&x;"),
      "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" + request("&x;"),
      "<!DOCTYPE a SYSTEM \"http://192.0.2.1/a.dtd\">" + request("a@b.c"),
      "<?xml version=\"1.0\" encoding=\"x-nothing\"?><Autodiscover/>",
      "<Autodiscover><Request><EMailAddress>\xff</EMailAddress></Request></Autodiscover>",
      deep,
      request(std::string(kMaxAutodiscover, 'a')),
      std::string("<a>\0</a>", 8),
  };
  for (const std::string& in : rows) {
    const auto read = read_autodiscover(in);
    ASSERT_FALSE(read) << in;
    EXPECT_EQ(read.error().code, Errc::invalid);
  }
}

TEST(Autodiscover, KnowsOnlyTheAnswersThatItGives) {
  const auto phone = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006";
  EXPECT_FALSE(knows_schema(read_autodiscover(request("a@b.c", phone))->schema));
}

TEST(Autodiscover, AnswersWithTheBestOfEach) {
  const std::vector<Offer> offers{{Protocol::pop3, Security::implicit, 995},
                                  {Protocol::pop3, Security::starttls, 110},
                                  {Protocol::submission, Security::starttls, 587}};
  const std::string text = autodiscover(client_settings("mx.example.org", offers, true), "a<b@example.org");
  for (const std::string_view part : {"<Type>POP3</Type>", "<Type>SMTP</Type>", "<Port>995</Port>", "<Port>587</Port>",
                                      "<Encryption>SSL</Encryption>", "<Encryption>TLS</Encryption>",
                                      "<LoginName>a&lt;b@example.org</LoginName>", "<UsePOPAuth>on</UsePOPAuth>"})
    EXPECT_NE(text.find(part), std::string::npos) << part << '\n' << text;
  EXPECT_EQ(text.find("<Port>110</Port>"), std::string::npos);
}

TEST(Autodiscover, TellsWhyNot) {
  const WallTime noon{std::chrono::hours(12) + std::chrono::seconds(5)};
  const std::string text = autodiscover_error(AutodiscoverFault::bad_request, noon);
  EXPECT_NE(text.find("<Error Time=\"12:00:05\" Id=\"1\">"), std::string::npos) << text;
  EXPECT_NE(text.find("<ErrorCode>600</ErrorCode>"), std::string::npos);
}

} // namespace
} // namespace paquebot::setup
