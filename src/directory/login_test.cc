#include "base/fake_clock.h"
#include "directory/test_server.h"

#include <gtest/gtest.h>

namespace paquebot::directory {
namespace {

using Verdict = Login::Verdict;

class LoginTest : public ::testing::Test {
protected:
  LoginTest() : server({.hostname = "mx.example.org"}, clock) {
    server.domain("example.org");
    ann = server.account("ann@example.org", "wonderland").id;
    bob = server.account("bob@example.org", "builder").id;
    server.account("mute@example.org");
    server.address("ann.b", "example.org", ann);
    server.alias("team", "example.org", {"ann@example.org"});
  }
  Login login(const std::string& user, const std::string& password, const std::string& authzid = {}) {
    return run_task(server.directory().login(authzid, user, password));
  }

  FakeClock clock;
  TestServer server;
  store::Id ann = 0;
  store::Id bob = 0;
};

TEST_F(LoginTest, Table) {
  const struct {
    const char* authzid;
    const char* user;
    const char* password;
    Verdict verdict;
  } cases[] = {
      {"", "ann@example.org", "wonderland", Verdict::accepted},
      {"", "ANN@Example.ORG", "wonderland", Verdict::accepted},
      {"", "ann", "wonderland", Verdict::accepted},
      {"", "ann.b@example.org", "wonderland", Verdict::accepted},
      {"ann@example.org", "ann", "wonderland", Verdict::accepted},
      {"ann.b", "ann", "wonderland", Verdict::accepted},
      {"bob@example.org", "ann", "wonderland", Verdict::wrong},
      {"nobody", "ann", "wonderland", Verdict::wrong},
      {"", "ann", "Wonderland", Verdict::wrong},
      {"", "ann", "", Verdict::wrong},
      {"", "", "", Verdict::wrong},
      {"", "bob", "wonderland", Verdict::wrong},
      {"", "team", "wonderland", Verdict::wrong},
      {"", "ann+tag", "wonderland", Verdict::wrong},
      {"", "nobody@example.org", "wonderland", Verdict::wrong},
      {"", "ann@example.net", "wonderland", Verdict::wrong},
      {"", "mute@example.org", "", Verdict::wrong},
      {"", "*@example.org", "wonderland", Verdict::wrong},
      {"", "ann@example.org\r\nx", "wonderland", Verdict::wrong},
  };
  for (const auto& c : cases) {
    const Login result = login(c.user, c.password, c.authzid);
    EXPECT_EQ(result.verdict, c.verdict) << c.authzid << "|" << c.user << "|" << c.password;
    EXPECT_EQ(result.account.id, c.verdict == Verdict::accepted ? ann : 0);
  }
}

TEST_F(LoginTest, HostileSizes) {
  EXPECT_EQ(login(std::string(100'000, 'a'), "x").verdict, Verdict::wrong);
  EXPECT_EQ(login("ann", std::string(100'000, 'a')).verdict, Verdict::wrong);
  EXPECT_EQ(login("ann", "wonderland", std::string(100'000, 'a')).verdict, Verdict::wrong);
}

TEST_F(LoginTest, DisabledOnlyForTheRightPassword) {
  auto account = run_task(server.store().get_account(bob)).value();
  account.disabled = true;
  ASSERT_TRUE(run_task(server.store().update_account(account)));
  EXPECT_EQ(login("bob", "builder").verdict, Verdict::disabled);
  EXPECT_EQ(login("bob", "guess").verdict, Verdict::wrong);
}

TEST_F(LoginTest, ChangedPasswordCountsAtOnce) {
  EXPECT_EQ(login("bob", "builder").verdict, Verdict::accepted);
  EXPECT_EQ(login("bob", "builder").verdict, Verdict::accepted);
  auto account = run_task(server.store().get_account(bob)).value();
  account.password = hash_password("better").value();
  ASSERT_TRUE(run_task(server.store().update_account(account)));
  EXPECT_EQ(login("bob", "builder").verdict, Verdict::wrong);
  EXPECT_EQ(login("bob", "better").verdict, Verdict::accepted);
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(login("bob", "better").verdict, Verdict::accepted);
}

TEST_F(LoginTest, ShortNamesNeedOneDomain) {
  server.domain("other.example");
  EXPECT_EQ(login("ann", "wonderland").verdict, Verdict::wrong);
  EXPECT_EQ(login("ann@example.org", "wonderland").verdict, Verdict::accepted);
}

} // namespace
} // namespace paquebot::directory
