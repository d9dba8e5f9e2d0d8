#include "control/control.h"
#include "control/json.h"
#include "directory/test_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::control {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class SetupControl : public ::testing::Test {
protected:
  SetupControl() {
    hooks.hostname = "mx.example.org";
    hooks.setup = [this] { return facts; };
    control = std::make_unique<Control>(server.store(), server.directory(), hooks);
    ok("POST", "/v1/domains", R"({"name":"example.org"})");
    ok("POST", "/v1/accounts", R"({"login":"ann@example.org","password":"secret of ann"})");
  }
  Response ask(std::string method, std::string target, std::string body = {}) {
    return directory::run_task(
        control->handle({std::move(method), std::move(target), std::move(body), "operator test"}));
  }
  json::value ok(const std::string& method, const std::string& target, const std::string& body = {}) {
    const auto response = ask(method, target, body);
    EXPECT_EQ(response.status, 200U) << method << " " << target << " " << response.body;
    return parse_json(response.body, "x").value_or(json::value());
  }
  std::vector<std::string> zone() {
    std::vector<std::string> lines;
    const auto answer = ok("GET", "/v1/domains/example.org/dns");
    for (const auto& record : get_list(answer, "records")) lines.push_back(get_text(record, "zone"));
    return lines;
  }

  directory::TestServer server;
  setup::Facts facts =
      setup::facts_of({}, "mx.example.org",
                      std::vector<setup::Offer>{{setup::Protocol::pop3, setup::Security::implicit, 995},
                                                {setup::Protocol::submission, setup::Security::starttls, 587}},
                      false);
  Hooks hooks;
  std::unique_ptr<Control> control;
};

TEST_F(SetupControl, RecordsNameWhatTheListenersOffer) {
  EXPECT_THAT(zone(), Contains("_pop3s._tcp.example.org. IN SRV 0 1 995 mx.example.org."));
  EXPECT_THAT(zone(), Contains("_submission._tcp.example.org. IN SRV 10 1 587 mx.example.org."));
  EXPECT_THAT(zone(), Not(Contains(HasSubstr("mta-sts"))));
  facts.clients.web = true;
  EXPECT_THAT(zone(), Contains("mta-sts.example.org. IN CNAME mx.example.org."));
  EXPECT_THAT(zone(), Contains(HasSubstr("_mta-sts.example.org. IN TXT \"v=STSv1; id=")));
}

TEST_F(SetupControl, AnAccountHasAProfile) {
  const auto answer = ok("GET", "/v1/accounts/Ann%40example.org/mobileconfig");
  EXPECT_THAT(get_text(answer, "profile"), HasSubstr("<string>ann@example.org</string>"));
  EXPECT_THAT(get_text(answer, "profile"), Not(HasSubstr("secret of ann")));
  EXPECT_EQ(get_text(answer, "type"), "application/x-apple-aspen-config");
  EXPECT_EQ(ask("GET", "/v1/accounts/bob%40example.org/mobileconfig").status, 404U);
  facts.clients.offers.clear();
  EXPECT_THAT(ask("GET", "/v1/accounts/ann%40example.org/mobileconfig").body, HasSubstr("needs a listener with TLS"));
}

} // namespace
} // namespace paquebot::control
