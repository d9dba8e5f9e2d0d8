#include "control/control.h"
#include "control/json.h"
#include "directory/test_server.h"
#include "dns/fake_zone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::control {
namespace {

using directory::run_task;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class DkimControl : public ::testing::Test {
protected:
  DkimControl() {
    hooks.hostname = "mx.example.org";
    hooks.resolver = zone;
    start();
  }
  void start() { control = std::make_unique<Control>(server.store(), server.directory(), hooks); }
  Response call(std::string method, std::string target, std::string body = {}) {
    return run_task(control->handle({std::move(method), std::move(target), std::move(body), "operator test"}));
  }
  json::value ok(const std::string& method, const std::string& target, const std::string& body = {}) {
    const auto response = call(method, target, body);
    EXPECT_EQ(response.status, 200U) << method << " " << target << " " << response.body;
    EXPECT_EQ(response.body.find("PRIVATE"), std::string::npos) << "the private key stays in the store";
    return parse_json(response.body, "x").value_or(json::value());
  }
  /// "409 words"; "200" when it was done.
  std::string refusal(const std::string& method, const std::string& target) {
    const auto response = call(method, target);
    return std::to_string(response.status) + " " + response.body;
  }
  /// "next", "active" or "retired" of each key, in their order.
  std::string states() {
    std::string out;
    const auto answer = ok("GET", "/v1/dkim?domain=example.org");
    for (const auto& key : get_list(answer, "keys")) out += get_text(key, "state") + " ";
    return out;
  }
  void publish(const json::value& answer) {
    for (const auto& key : get_list(answer, "keys"))
      zone->add(get_text(key.at("record"), "name"), dns::Type::txt, {get_text(key.at("record"), "value")});
  }

  directory::TestServer server;
  std::shared_ptr<dns::FakeZone> zone = std::make_shared<dns::FakeZone>();
  Hooks hooks;
  std::unique_ptr<Control> control;
};

TEST_F(DkimControl, ANewDomainGetsBothKeys) {
  EXPECT_TRUE(get_bool(ok("POST", "/v1/domains", R"({"name":"example.org"})"), "signs"));
  const auto answer = ok("GET", "/v1/dkim?domain=Example.ORG");
  const auto& keys = get_list(answer, "keys");
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_THAT(get_text(keys.at(0), "selector"), MatchesRegex("pq20[0-9]{6}-rsa"));
  EXPECT_THAT(get_text(keys.at(1), "selector"), MatchesRegex("pq20[0-9]{6}-ed"));
  EXPECT_EQ(get_number(keys.at(0), "bits"), 2048);
  EXPECT_EQ(get_text(keys.at(1), "algorithm"), "ed25519");
  EXPECT_EQ(states(), "active active ");
  const std::string zone_text = get_text(keys.at(0).at("record"), "zone");
  EXPECT_THAT(zone_text, HasSubstr("-rsa._domainkey.example.org. IN TXT ("));
  for (std::size_t quote = zone_text.find('"'); quote != std::string::npos;) {
    const std::size_t end = zone_text.find('"', quote + 1);
    EXPECT_LE(end - quote - 1, 255U);
    quote = zone_text.find('"', end + 1);
  }
}

TEST_F(DkimControl, AnOlderDomainGetsThemWhenAsked) {
  server.domain("example.org");
  EXPECT_EQ(states(), "");
  EXPECT_EQ(get_list(ok("POST", "/v1/domains/example.org/dkim"), "keys").size(), 2U);
  EXPECT_THAT(refusal("POST", "/v1/domains/example.org/dkim"), HasSubstr("409"));
  EXPECT_THAT(refusal("POST", "/v1/domains/elsewhere.org/dkim"), HasSubstr("404"));
  EXPECT_THAT(refusal("GET", "/v1/dkim?domain=elsewhere.org"), HasSubstr("404"));
}

TEST_F(DkimControl, RotationWaitsForTheDns) {
  ok("POST", "/v1/domains", R"({"name":"example.org"})");
  const std::string activate = "/v1/domains/example.org/dkim/activate";
  EXPECT_THAT(refusal("POST", activate), HasSubstr("404"));
  const auto made = ok("POST", "/v1/domains/example.org/dkim/rotate");
  EXPECT_EQ(made, ok("POST", "/v1/domains/example.org/dkim/rotate")) << "no third pair";
  EXPECT_THAT(get_text(get_list(made, "keys").at(0), "selector"), MatchesRegex("pq20[0-9]{6}-2-rsa"));
  EXPECT_EQ(states(), "active active next next ");
  EXPECT_THAT(refusal("POST", activate), HasSubstr("is not in the DNS yet"));
  publish(made);
  ok("POST", activate);
  EXPECT_EQ(states(), "retired retired active active ");
}

TEST_F(DkimControl, RotationKnowsAForeignKeyAndATroubledDns) {
  ok("POST", "/v1/domains", R"({"name":"example.org"})");
  const auto made = ok("POST", "/v1/domains/example.org/dkim/rotate");
  const std::string name = get_text(get_list(made, "keys").at(0).at("record"), "name");
  const auto before = ok("GET", "/v1/dkim?domain=example.org");
  zone->add(name, dns::Type::txt, {get_text(get_list(before, "keys").at(0).at("record"), "value")});
  EXPECT_THAT(refusal("POST", "/v1/domains/example.org/dkim/activate"), HasSubstr("has another key"));
  zone->fail(name, dns::Status::servfail);
  EXPECT_THAT(refusal("POST", "/v1/domains/example.org/dkim/activate"), HasSubstr("could not be asked"));
  hooks.resolver = nullptr;
  start();
  EXPECT_THAT(refusal("POST", "/v1/domains/example.org/dkim/activate"), HasSubstr("server is down"));
  ok("POST", "/v1/domains/example.org/dkim/activate?force=1");
  EXPECT_EQ(states(), "retired retired active active ");
}

TEST_F(DkimControl, KeysAreNotDeletedTooSoon) {
  ok("POST", "/v1/domains", R"({"name":"example.org"})");
  ok("POST", "/v1/domains/example.org/dkim/rotate");
  const auto answer = ok("GET", "/v1/dkim?domain=example.org");
  const auto path = [&](std::size_t i) {
    return "/v1/domains/example.org/dkim/" + get_text(get_list(answer, "keys").at(i), "selector");
  };
  EXPECT_THAT(refusal("DELETE", path(0)), HasSubstr("rotate first"));
  ok("DELETE", path(2)); // it never signed
  ok("POST", "/v1/domains/example.org/dkim/activate?force=1");
  EXPECT_EQ(states(), "active retired active ") << "no algorithm is lost";
  EXPECT_THAT(refusal("DELETE", path(1)), HasSubstr("wait 7 more days"));
  EXPECT_THAT(refusal("DELETE", "/v1/domains/example.org/dkim"), HasSubstr("wait 7 more days"));
  EXPECT_THAT(refusal("DELETE", "/v1/domains/example.org/dkim?force=yes"), HasSubstr("400"));
  const auto gone = ok("DELETE", "/v1/domains/example.org/dkim?force=1");
  EXPECT_EQ(get_list(gone, "removed").size(), 1U);
  EXPECT_THAT(refusal("DELETE", "/v1/domains/example.org/dkim?force=1"), HasSubstr("no retired DKIM keys"));
  EXPECT_THAT(refusal("DELETE", path(1)), HasSubstr("404"));
  EXPECT_EQ(states(), "active active ");
}

TEST_F(DkimControl, AllRecordsOfADomain) {
  ok("POST", "/v1/domains", R"({"name":"example.org"})");
  ok("POST", "/v1/domains", R"({"name":"elsewhere.test"})");
  std::vector<std::string> zone_lines;
  const auto answer = ok("GET", "/v1/domains/example.org/dns");
  for (const auto& record : get_list(answer, "records")) {
    EXPECT_FALSE(get_text(record, "purpose").empty());
    zone_lines.push_back(get_text(record, "zone"));
  }
  ASSERT_EQ(zone_lines.size(), 6U);
  EXPECT_EQ(zone_lines[0], "example.org. IN MX 10 mx.example.org.");
  EXPECT_EQ(zone_lines[1], R"(example.org. IN TXT "v=spf1 mx -all")");
  EXPECT_EQ(zone_lines[2], R"(mx.example.org. IN TXT "v=spf1 a -all")");
  EXPECT_EQ(zone_lines[5], R"(_dmarc.example.org. IN TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@example.org")");
  EXPECT_EQ(get_list(ok("GET", "/v1/domains/elsewhere.test/dns"), "records").size(), 5U) << "the host is another's";
}

} // namespace
} // namespace paquebot::control
