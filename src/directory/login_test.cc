#include "base/fake_clock.h"
#include "directory/test_server.h"

#include <algorithm>
#include <boost/asio/detached.hpp>
#include <crypt.h>
#include <gtest/gtest.h>
#include <latch>

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
  auto account = run_task(server.store().directory().get_account(bob)).value();
  account.disabled = true;
  ASSERT_TRUE(run_task(server.store().directory().update_account(account)));
  EXPECT_EQ(login("bob", "builder").verdict, Verdict::disabled);
  EXPECT_EQ(login("bob", "guess").verdict, Verdict::wrong);
}

TEST_F(LoginTest, ChangedPasswordCountsAtOnce) {
  EXPECT_EQ(login("bob", "builder").verdict, Verdict::accepted);
  EXPECT_EQ(login("bob", "builder").verdict, Verdict::accepted);
  auto account = run_task(server.store().directory().get_account(bob)).value();
  account.password = hash_password("better").value();
  ASSERT_TRUE(run_task(server.store().directory().update_account(account)));
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

/// An account whose hash of "wonderland" came from another server.
store::Account imported(TestServer& server, const std::string& login, const char* setting) {
  auto account = server.account(login, "x");
  crypt_data data{};
  account.password = crypt_r("wonderland", setting, &data);
  EXPECT_TRUE(run_task(server.store().directory().update_account(account)));
  return account;
}

TEST_F(LoginTest, AWrongPasswordCostsTheSameForEveryName) {
  imported(server, "old@example.org", "$1$saltsalt$");
  imported(server, "older@example.org", "$6$rounds=1000$saltsalt$");
  imported(server, "other@example.org", "$6$rounds=1000$different$");
  for (const char* password : {"guess", "gu\xC3\xBC\xC3\x9F", "gu\x75\xCC\x88"}) {
    const auto expected = login("nobody", password).work;
    EXPECT_GE(expected.size(), 3u);
    EXPECT_EQ(std::ranges::count(expected, own_hash_form()), std::ranges::count(expected, "$1"));
    for (const char* user : {"ann", "bob@example.org", "mute", "old", "older", "other", "ann.b", "team"}) {
      const Login wrong = login(user, password);
      EXPECT_EQ(wrong.verdict, Verdict::wrong);
      EXPECT_EQ(wrong.work, expected) << user << ' ' << password;
    }
  }
  for (const char* user : {"old", "older", "other", "ann"})
    EXPECT_EQ(login(user, "wonderland").verdict, Verdict::accepted) << user;
}

TEST_F(LoginTest, WhatIsKnownToBeWrongIsNotHashedTwice) {
  for (const char* user : {"ann", "nobody"}) {
    EXPECT_EQ(login(user, "guess").work.size(), 1u) << user;
    const Login again = login(user, "guess");
    EXPECT_EQ(again.verdict, Verdict::wrong);
    EXPECT_TRUE(again.work.empty()) << user;
    EXPECT_EQ(login(user, "another").work.size(), 1u);
  }
  EXPECT_EQ(login("ann.b", "guess").work.size(), 1u) << "nobody learns that the two are one";
  EXPECT_EQ(login("nobody2", "guess").work.size(), 1u);
  clock.advance(std::chrono::minutes(6));
  EXPECT_EQ(login("ann", "guess").work.size(), 1u) << "not for ever: it may have been memory that lacked";
  auto account = run_task(server.store().directory().get_account(ann)).value();
  account.password = hash_password("guess").value();
  ASSERT_TRUE(run_task(server.store().directory().update_account(account)));
  EXPECT_EQ(login("ann", "guess").verdict, Verdict::accepted) << "it is right now";
}

TEST_F(LoginTest, StrangersPasswordsLeaveRoomForThoseOfKnownOnes) {
  boost::asio::io_context context;
  CpuPool pool(1, 10, 1);
  Directory directory(server.store(), pool, {.hostname = "mx.example.org"}, clock);
  std::latch entered{1}, go{1};
  std::move_only_function<void()> slow = [&] {
    entered.count_down();
    go.wait();
  };
  boost::asio::co_spawn(context, pool.run(std::move(slow)), boost::asio::detached);
  context.poll();
  entered.wait();
  std::vector<Verdict> strangers;
  std::optional<Verdict> known;
  for (const char* password : {"one", "two", "three"})
    boost::asio::co_spawn(context, directory.login({}, "ann", password, Turn::last),
                          [&](const std::exception_ptr&, const Login& login) { strangers.push_back(login.verdict); });
  context.restart();
  while (strangers.size() < 2 && context.run_one() > 0) {
  }
  EXPECT_EQ(strangers, std::vector(2, Verdict::temporary)) << "at once, though nothing moves";
  boost::asio::co_spawn(context, directory.login({}, "ann", "wonderland", Turn::first),
                        [&](const std::exception_ptr&, const Login& login) { known = login.verdict; });
  go.count_down();
  context.run();
  EXPECT_EQ(known, Verdict::accepted);
  EXPECT_EQ(strangers.back(), Verdict::wrong);
}

TEST(HashForm, IsWhatCostsTheSame) {
  const std::pair<const char*, const char*> cases[] = {
      {"$1$saltsalt$JS6AKQeuM1fFWxeOY10Em0", "$1"},
      {"$6$saltsalt$digest", "$6"},
      {"$6$rounds=5000$saltsalt$digest", "$6$rounds=5000"},
      {"$2b$12$abcdefghijklmnopqrstuv", "$2b$12"},
      {"$y$j9T$salt$digest", "$y$j9T"},
      {"$7$CU..../....salt$digest", "$7$CU..../...."},
      {"$argon2id$v=19$m=19456,t=2,p=1$salt$digest", "$argon2id$v=19$m=19456,t=2,p=1"},
      {"_J9..rasmBYk8r9AiWNc", "_J9.."},
      {"abJnggxhB/yWI", ""},
      {"$", "$"},
      {"$6", "$6"},
      {"$argon2", "$argon2"},
      {"", ""},
  };
  for (const auto& [hash, form] : cases) EXPECT_EQ(hash_form(hash), form) << hash;
  EXPECT_EQ(own_hash_form(), "$argon2id$v=19$m=19456,t=2,p=1");
}

TEST_F(LoginTest, WhoKeepsScramFromWorking) {
  auto missing = run_task(server.directory().without_scram()).value();
  EXPECT_EQ(missing.logins, (std::vector<std::string>{"ann@example.org", "bob@example.org"}));
  EXPECT_EQ(missing.count, 2u);
  EXPECT_EQ(login("ann", "wonderland").verdict, Verdict::accepted);
  missing = run_task(server.directory().without_scram()).value();
  EXPECT_EQ(missing.logins, std::vector<std::string>{"bob@example.org"}) << "ann's keys were just made";
  auto account = run_task(server.store().directory().get_account(bob)).value();
  account.disabled = true;
  ASSERT_TRUE(run_task(server.store().directory().update_account(account)));
  EXPECT_EQ(run_task(server.directory().without_scram()).value().count, 0u);
}

} // namespace
} // namespace paquebot::directory
