#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "service/setup_site.h"
#include "setup/autodiscover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SetupSiteTest : public ::testing::Test {
protected:
  http::Response ask(std::string method, std::string host, std::string path, std::string query = {},
                     std::string content = {}) {
    http::Exchange exchange;
    exchange.request = {
        .method = std::move(method), .host = std::move(host), .path = std::move(path), .query = std::move(query)};
    exchange.content = std::move(content);
    return directory::run_task(site.answer(std::move(exchange))).response;
  }
  http::Response discover(const std::string& address) {
    return ask("POST", "mx.example.org", "/Autodiscover/AutoDiscover.xml", "",
               "<Autodiscover><Request><EMailAddress>" + address + "</EMailAddress></Request></Autodiscover>");
  }
  static std::string field(const http::Response& response, std::string_view name) {
    for (const auto& one : response.fields)
      if (one.name == name) return one.value;
    return {};
  }

  setup::Options options;
  Result<bool> broken = true; ///< an error: the store fails
  const std::vector<setup::Offer> offers{{setup::Protocol::pop3, setup::Security::implicit, 995},
                                         {setup::Protocol::submission, setup::Security::implicit, 465}};
  FakeClock clock;
  SetupSite site{{.facts = [this] { return setup::facts_of(options, "mx.example.org", offers, true); },
                  .is_our_domain = [this](std::string domain) -> Task<Result<bool>> {
                    if (!broken) co_return broken;
                    co_return domain == "example.org" || domain == "xn--bcher-kva.example";
                  },
                  .clock = clock}};
};

constexpr const char* kMail = "/mail/config-v1.1.xml";
constexpr const char* kWellKnown = "/.well-known/autoconfig/mail/config-v1.1.xml";

TEST_F(SetupSiteTest, TellsThunderbirdByHostOrAddress) {
  const std::tuple<const char*, const char*, const char*, const char*> rows[] = {
      {"autoconfig.example.org", kMail, "", "example.org"},
      {"autoconfig.example.org", kMail, "emailaddress=ann%40example.org", "example.org"},
      {"autoconfig.example.org", kMail, "emailaddress=no.such.user%40example.org", "example.org"},
      {"example.org", kWellKnown, "", "example.org"},
      {"example.org", kWellKnown, "emailaddress=ann%40example.org", "example.org"},
      {"mx.example.org", kWellKnown, "emailaddress=ann%40EXAMPLE.org", "example.org"},
      {"mx.example.org", kWellKnown, "emailaddress=ann%40b%C3%BCcher.example", "xn--bcher-kva.example"},
      {"autoconfig.example.org", kMail, "emailaddress=nonsense", "example.org"},
      {"mx.example.org", kWellKnown, "", "mx.example.org"},
  };
  for (const auto& [host, path, query, domain] : rows) {
    const auto response = ask("GET", host, path, query);
    ASSERT_EQ(response.status, 200U) << host << path << query << response.content;
    EXPECT_THAT(response.content, HasSubstr("<domain>" + std::string(domain) + "</domain>"));
    EXPECT_EQ(field(response, "Content-Type"), "text/xml; charset=utf-8");
  }
}

TEST_F(SetupSiteTest, DoesNotTellWhetherThereIsAUser) {
  const auto of = [this](const std::string& user) {
    return ask("GET", "autoconfig.example.org", kMail, "emailaddress=" + user + "%40example.org").content;
  };
  EXPECT_EQ(of("ann"), of("nobody"));
  EXPECT_THAT(of("%3Cscript%3E"), Not(HasSubstr("script")));
}

TEST_F(SetupSiteTest, ServesNoForeignDomain) {
  EXPECT_EQ(ask("GET", "autoconfig.example.net", kMail).status, 404U);
  EXPECT_EQ(ask("GET", "autoconfig.example.org", kMail, "emailaddress=ann%40example.net").status, 404U);
  EXPECT_EQ(ask("GET", "", kMail).status, 404U);
  EXPECT_EQ(ask("GET", "autoconfig.", kMail).status, 404U);
  EXPECT_EQ(ask("GET", "mta-sts.example.net", "/.well-known/mta-sts.txt").status, 404U);
  EXPECT_THAT(discover("ann@example.net").content, HasSubstr("<ErrorCode>500</ErrorCode>"));
}

TEST_F(SetupSiteTest, SaysWhatItDoesNotUnderstand) {
  EXPECT_EQ(ask("GET", "autoconfig.example.org", kMail, "emailaddress=%zz").status, 400U);
  EXPECT_EQ(ask("GET", "example.org", "/mail/other.xml").status, 404U);
  const auto posted = ask("POST", "autoconfig.example.org", kMail);
  EXPECT_EQ(posted.status, 405U);
  EXPECT_EQ(field(posted, "Allow"), "GET, HEAD");
  const auto got = ask("GET", "mx.example.org", "/autodiscover/autodiscover.xml");
  EXPECT_EQ(got.status, 405U);
  EXPECT_EQ(field(got, "Allow"), "POST");
  EXPECT_EQ(ask("HEAD", "autoconfig.example.org", kMail).status, 200U);
}

TEST_F(SetupSiteTest, SaysThatItCantTellWhenTheStoreFails) {
  broken = fail(Errc::io, "the disk is gone");
  EXPECT_EQ(ask("GET", "autoconfig.example.org", kMail).status, 503U);
  EXPECT_EQ(ask("GET", "mta-sts.example.org", "/.well-known/mta-sts.txt").status, 503U);
  EXPECT_EQ(discover("ann@example.org").status, 503U);
}

TEST_F(SetupSiteTest, AnswersAutodiscover) {
  const auto response = discover("no.such.user@example.org");
  EXPECT_EQ(response.status, 200U);
  EXPECT_THAT(response.content, HasSubstr("<LoginName>no.such.user@example.org</LoginName>"));
  EXPECT_THAT(response.content, HasSubstr("<Server>mx.example.org</Server>"));
  EXPECT_THAT(discover("ann").content, HasSubstr("<ErrorCode>600</ErrorCode>"));
  EXPECT_THAT(ask("POST", "mx.example.org", "/autodiscover/autodiscover.xml", "", "<!DOCTYPE x>").content,
              HasSubstr("<ErrorCode>600</ErrorCode>"));
}

TEST_F(SetupSiteTest, TakesContentForAutodiscoverOnly) {
  const auto most = [this](std::string method, std::string path) {
    return site.most_content({.method = std::move(method), .path = std::move(path)}, {});
  };
  EXPECT_EQ(most("POST", "/AUTODISCOVER/autodiscover.XML"), setup::kMaxAutodiscover);
  EXPECT_EQ(most("GET", "/autodiscover/autodiscover.xml"), 0U);
  EXPECT_EQ(most("POST", kMail), 0U);
}

TEST_F(SetupSiteTest, ServesThePolicyOnItsHostOnly) {
  const char* path = "/.well-known/mta-sts.txt";
  const auto response = ask("GET", "mta-sts.example.org", path);
  EXPECT_EQ(response.status, 200U);
  EXPECT_THAT(response.content, HasSubstr("mode: testing\r\nmx: mx.example.org\r\n"));
  EXPECT_THAT(field(response, "Content-Type"), HasSubstr("text/plain"));
  EXPECT_EQ(ask("GET", "example.org", path).status, 404U);
  EXPECT_EQ(ask("GET", "mx.example.org", path).status, 404U);
  options.mta_sts.mode = setup::MtaStsMode::off;
  EXPECT_EQ(ask("GET", "mta-sts.example.org", path).status, 404U);
}

} // namespace
} // namespace paquebot::service
