#include "control/control.h"
#include "control/grants.h"
#include "control/json.h"
#include "directory/test_server.h"
#include "dns/fake_zone.h"
#include "doctor/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::control {
namespace {

using ::testing::HasSubstr;

class DoctorRoutes : public ::testing::Test {
protected:
  DoctorRoutes() {
    server.domain("example.org");
    server.account("ann@example.org", "wonderland");
    hooks.attempts = &journal;
    hooks.world = [this] {
      doctor::World world{.clock = system_clock(), .zone = zone, .options = {}, .machine = {}};
      world.machine.hostname = "mx.example.org";
      world.machine.started = 1;
      return world;
    };
    control = std::make_unique<Control>(server.store(), server.directory(), hooks);
  }
  Response call(const std::string& target) {
    return directory::run_task(control->handle({"GET", target, "", "operator test"}));
  }
  json::value ok(const std::string& target) {
    const auto response = call(target);
    EXPECT_EQ(response.status, 200U) << target << " " << response.body;
    return parse_json(response.body, "x").value_or(json::value());
  }

  store::Id run_account() {
    return directory::run_task(server.store().directory().find_account("ann@example.org"))->id;
  }

  directory::TestServer server;
  policy::Attempts journal;
  std::shared_ptr<dns::FakeZone> zone =
      dns::FakeZone::parse("example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.7");
  Hooks hooks;
  std::unique_ptr<Control> control;
};

TEST_F(DoctorRoutes, OneCheckAStep) {
  std::int64_t step = 0;
  std::vector<std::string> checks;
  do {
    const auto answer = ok("/v1/domains/example.org/doctor?step=" + std::to_string(step));
    checks.push_back(get_text(answer, "check"));
    EXPECT_FALSE(get_list(answer, "findings").empty()) << checks.back();
    for (const auto& one : get_list(answer, "findings")) EXPECT_FALSE(get_text(one, "seen").empty()) << checks.back();
    step = get_number(answer, "next");
  } while (step != 0 && checks.size() < 100);
  EXPECT_EQ(checks.size(), doctor::steps_for({}, "example.org").size());
  EXPECT_EQ(checks.front(), "mx");
}

TEST_F(DoctorRoutes, TheServerAndItsDomains) {
  const auto first = ok("/v1/doctor");
  EXPECT_EQ(get_text(first, "check"), "resolver");
  EXPECT_EQ(get_text(first, "next_label"), doctor::checks()[1].label);
  EXPECT_EQ(get_number(first, "of"), static_cast<std::int64_t>(doctor::checks().size()));
}

TEST_F(DoctorRoutes, WhatIsWrong) {
  EXPECT_EQ(call("/v1/domains/other.test/doctor").status, 404U);
  EXPECT_EQ(call("/v1/domains/example.org/doctor?step=99").status, 400U);
  EXPECT_EQ(call("/v1/domains/example.org/doctor?step=x").status, 400U);
  EXPECT_EQ(call("/v1/accounts/bob@example.org/doctor").status, 404U);
  EXPECT_EQ(call("/v1/accounts/bob@example.org/attempts").status, 404U);
  EXPECT_EQ(call("/v1/accounts/ann@example.org/attempts?after=x").status, 400U);
  EXPECT_EQ(call("/v1/clients/nobody/doctor").status, 400U);
}

TEST_F(DoctorRoutes, WhySheCanNotSend) {
  const std::int64_t now = millis(system_clock().wall());
  journal.add({.what = policy::Attempt::What::wrong,
               .at = now,
               .client = "203.0.113.9",
               .port = 587,
               .protocol = "smtp",
               .name = "ann"});
  const auto told = ok("/v1/accounts/ann@example.org/doctor");
  const auto& findings = get_list(told, "findings");
  ASSERT_FALSE(findings.empty());
  EXPECT_THAT(get_text(findings[0], "seen"), HasSubstr("tried to log in as ann without @example.org on 587"));
  EXPECT_THAT(get_text(get_list(ok("/v1/clients/203.0.113.9/doctor"), "findings").at(0), "seen"),
              HasSubstr("203.0.113.9"));
  const auto news = ok("/v1/accounts/ann@example.org/attempts");
  EXPECT_EQ(get_list(news, "findings").size(), 1U);
  const std::string after = std::to_string(get_number(news, "last"));
  EXPECT_TRUE(get_list(ok("/v1/accounts/ann@example.org/attempts?after=" + after), "findings").empty());
}

/// Addresses of others are shown to nobody but who looks after the server.
TEST_F(DoctorRoutes, NamelessOnesOfOthers) {
  const std::int64_t now = millis(system_clock().wall());
  journal.add({.what = policy::Attempt::What::tls_at_once,
               .at = now,
               .client = "203.0.113.9",
               .port = 110,
               .protocol = "pop3"});
  const std::string target = "/v1/accounts/ann@example.org/doctor";
  EXPECT_THAT(call(target).body, HasSubstr("203.0.113.9"));
  Asker ann;
  ann.grants.role = Role::account;
  ann.grants.login = "ann@example.org";
  ann.grants.account = run_account();
  const auto own = directory::run_task(control->handle({"GET", target, "", ann.name}, ann));
  EXPECT_EQ(own.status, 200U) << own.body;
  EXPECT_EQ(own.body.find("203.0.113.9"), std::string::npos);
}

} // namespace
} // namespace paquebot::control
