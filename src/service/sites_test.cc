#include "net/test_support.h"
#include "service/forwarded.h"
#include "service/sites.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using ::testing::HasSubstr;

class SitesTest : public ::testing::Test {
protected:
  http::Exchange asking(const std::string& path, const std::string& host = "mx.example.test",
                        const std::string& method = "GET") {
    http::Exchange exchange;
    exchange.request.method = method;
    exchange.request.target = exchange.request.path = path;
    exchange.request.host = host;
    return exchange;
  }
  std::string told(http::Site& site, http::Exchange exchange) {
    const http::Answer answer = loop.run(site.answer(std::move(exchange)));
    const std::string* location = http::find_field(answer.response.fields, "Location");
    if (location == nullptr)
      for (const http::Field& field : answer.response.fields)
        if (field.name == "Location") location = &field.value;
    return std::to_string(answer.response.status) + " " + (location != nullptr ? *location : answer.response.content);
  }
  void put(SitePlace place, const std::string& words) {
    sites.add(std::move(place), std::make_shared<FixedPage>("text/plain", words));
  }

  net::test::Loop loop;
  Sites sites{"mx.example.test"};
  PlainSites plain{sites};
};

TEST_F(SitesTest, TheLongestPathAnswersAndItsHostFirst) {
  put({.path = "/"}, "start");
  put({.path = "/v1/"}, "all");
  put({.path = "/v1/me/"}, "mine");
  put({.path = "/v1/", .host = "other.test"}, "other");
  put({.path = "/Auto/x.XML", .any_case = true}, "any");
  EXPECT_EQ(told(sites, asking("/")), "200 start");
  EXPECT_EQ(told(sites, asking("/v1/x")), "200 all");
  EXPECT_EQ(told(sites, asking("/v1/")), "200 all");
  EXPECT_EQ(told(sites, asking("/v1/me/x")), "200 mine");
  EXPECT_EQ(told(sites, asking("/v1/me/x", "other.test")), "200 other");
  EXPECT_EQ(told(sites, asking("/auto/X.xml")), "200 any");
  for (const char* path : {"/v1", "/V1/", "/x", "/auto/x.xml2"})
    EXPECT_THAT(told(sites, asking(path)), HasSubstr("404")) << path;
}

TEST_F(SitesTest, ForeignNamesAreNotAnsweredWhereItMatters) {
  put({.path = "/metrics", .own_names = true}, "numbers");
  for (const char* host : {"mx.example.test", "localhost", "127.0.0.1", "[::1]"})
    EXPECT_EQ(told(sites, asking("/metrics", host)), "200 numbers") << host;
  for (const char* host : {"evil.test", "mx.example.test.evil.test", "", "localhost.evil.test"})
    EXPECT_THAT(told(sites, asking("/metrics", host)), HasSubstr("421")) << host;
}

TEST_F(SitesTest, WithoutTlsThereAreChallengesAndRedirects) {
  put({.path = "/"}, "start");
  put({.path = "/.well-known/acme-challenge/", .plain = true}, "proof");
  EXPECT_EQ(told(plain, asking("/.well-known/acme-challenge/x")), "200 proof");
  EXPECT_EQ(told(plain, asking("/")), "301 https://mx.example.test/");
  EXPECT_EQ(told(plain, asking("/a%20b?c", "www.example.test")), "301 https://www.example.test/a%20b?c");
  EXPECT_EQ(told(plain, asking("/x", "", "POST")), "308 https://mx.example.test/x");
  http::Exchange absolute = asking("/a b/");
  absolute.request.target = "http://mx.example.test/a%20b/?d";
  absolute.request.form = http::Form::absolute;
  absolute.request.query = "d";
  EXPECT_EQ(told(plain, std::move(absolute)), "301 https://mx.example.test/a%20b/?d");
  plain.lead_to(8443);
  EXPECT_EQ(told(plain, asking("/")), "301 https://mx.example.test:8443/");
}

TEST_F(SitesTest, AFixedPageIsReadOnceByWhoKeepsIt) {
  const auto page = make_start_page("mx.example.test");
  http::Answer answer = loop.run(page->answer(asking("/")));
  EXPECT_THAT(answer.response.content, HasSubstr("<h1>mx.example.test</h1>"));
  std::string tag;
  for (const http::Field& field : answer.response.fields)
    if (field.name == "ETag") tag = field.value;
  http::Exchange again = asking("/");
  again.request.fields = {{"if-none-match", tag}};
  EXPECT_EQ(told(*page, std::move(again)), "304 ");
  EXPECT_THAT(told(*page, asking("/", "x", "DELETE")), HasSubstr("405"));
}

// ---- Who visits ----

http::Visitor visitor(const http::Fields& fields, const std::string& peer = "10.0.0.1") {
  http::Request request;
  request.fields = fields;
  http::Visitor from;
  from.address = peer;
  return visitor_for(request, from, net::Networks::parse({"10.0.0.0/8"}).value());
}

TEST(Forwarded, CountsFromProxiesOnly) {
  const http::Fields fields = {{"x-forwarded-for", "192.0.2.66, 192.0.2.9, 10.0.0.7"}, {"x-forwarded-proto", "https"}};
  EXPECT_EQ(visitor(fields, "198.51.100.1").address, "198.51.100.1");
  EXPECT_FALSE(visitor(fields, "198.51.100.1").encrypted);
  EXPECT_EQ(visitor(fields).address, "192.0.2.9")
      << "the last one that is no proxy's; what it says itself is not looked at";
  EXPECT_TRUE(visitor(fields).encrypted);
  EXPECT_EQ(visitor({}).address, "10.0.0.1");
  EXPECT_EQ(visitor({{"x-forwarded-for", "10.0.0.3, 10.0.0.2"}}).address, "10.0.0.3");
}

TEST(Forwarded, TheStandardFieldInAllItsForms) {
  const auto address = [](const char* value) { return visitor({{"forwarded", value}}).address; };
  EXPECT_EQ(address("for=192.0.2.60;proto=http;by=203.0.113.43"), "192.0.2.60");
  EXPECT_EQ(address("For=\"192.0.2.60:4711\""), "192.0.2.60");
  EXPECT_EQ(address("for=\"[2001:db8::7]:4711\";proto=https"), "2001:db8::7");
  EXPECT_EQ(address("for=\"a,b\", for=192.0.2.60"), "192.0.2.60");
  EXPECT_EQ(address("for=192.0.2.60, for=unknown"), "10.0.0.1") << "nobody before it counts";
  for (const char* bad : {"for=_hidden", "for=", "for", "", "for=\"", "for=[", "for=192.0.2.300", "by=192.0.2.1"})
    EXPECT_EQ(address(bad), "10.0.0.1") << bad;
  EXPECT_TRUE(visitor({{"forwarded", "for=192.0.2.60;proto=HTTPS"}}).encrypted);
}

TEST(Forwarded, AVisitorHidesNothingOfWhatTheProxyAdds) {
  for (const char* before : {"for=\"", "\"", "for=\"x;, ", "a\\\"", "for=10.0.0.9;by=\"", "\"\"\""})
    EXPECT_EQ(visitor({{"forwarded", std::string(before) + ", for=192.0.2.60"}}).address, "192.0.2.60") << before;
}

TEST(Forwarded, AProxyWritesOneKindAndHandsTheOtherOn) {
  EXPECT_EQ(visitor({{"forwarded", "for=127.0.0.1"}, {"x-forwarded-for", "192.0.2.2"}}).address, "0.0.0.0");
  EXPECT_EQ(visitor({{"forwarded", "for=192.0.2.2"}, {"x-forwarded-for", "127.0.0.1"}}).address, "0.0.0.0");
  const http::Fields both = {{"forwarded", "for=192.0.2.2;proto=https"},
                             {"x-forwarded-for", "192.0.2.2, 10.0.0.9"},
                             {"x-forwarded-proto", "http"}};
  EXPECT_EQ(visitor(both).address, "192.0.2.2");
  EXPECT_FALSE(visitor(both).encrypted) << "both must say so";
}

} // namespace
} // namespace paquebot::service
