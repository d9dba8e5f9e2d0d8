#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "service/login.h"
#include "service/login_keeper.h"
#include "service/patience_keeper.h"
#include "store/wrapped_store.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using directory::run_task;
using Verdict = LoginAnswer::Verdict;

/// The account changes just after its password was looked up.
class Changing final : public store::Wrapped<store::WrappedDirectoryStore> {
public:
  using Wrapped::Wrapped;
  Task<Result<store::Account>> find_account(std::string login) override {
    auto account = co_await WrappedDirectoryStore::find_account(std::move(login));
    if (account) co_await change_now(*account);
    co_return account;
  }
  Task<Result<store::Account>> get_account(store::Id id) override {
    auto account = co_await WrappedDirectoryStore::get_account(id);
    if (account) co_await change_now(*account);
    co_return account;
  }
  std::function<void(store::Account&)> change;

private:
  Task<void> change_now(store::Account account) {
    if (!change) co_return;
    std::exchange(change, nullptr)(account);
    auto done = co_await WrappedDirectoryStore::update_account(std::move(account));
    EXPECT_TRUE(done);
  }
};

Task<bool> done(Task<void> task) {
  co_await std::move(task);
  co_return true;
}

TEST(Login, LooksAgainWhenTheAccountChangedMeanwhile) {
  directory::TestServer server;
  server.domain("example.org");
  server.account("ann@example.org", "right");
  Changing store(server.store());
  directory::CpuPool cpu(1);
  directory::Directory directory(store, cpu, {.hostname = "mx.example.org"});
  Sessions sessions;
  directory::LoginThrottle throttle;
  auto attempt = [&](const std::string& password) {
    LoginDesk desk({store, directory, sessions, throttle, nullptr}, "192.0.2.1", "smtp", 0);
    return run_task(desk.ask({.authcid = "ann@example.org", .secret = password}, {}, "PLAIN")).verdict;
  };
  EXPECT_EQ(attempt("right"), Verdict::accepted);
  EXPECT_EQ(attempt("wrong"), Verdict::wrong);
  server.account("bob@example.org"); // drops what is cached
  store.change = [](store::Account& account) { account.disabled = true; };
  EXPECT_EQ(attempt("right"), Verdict::disabled);
  EXPECT_FALSE(store.change) << "nothing changed while the password was checked";
}

TEST(Login, WhatIsRefusedIsWrittenDownForItsUser) {
  directory::TestServer server;
  server.domain("example.org");
  server.account("ann@example.org", "right");
  Sessions sessions;
  directory::LoginThrottle throttle;
  policy::Attempts journal;
  LoginMeans means{server.store(), server.directory(), sessions, throttle, nullptr};
  means.attempts = &journal;
  LoginDesk desk(means, "192.0.2.1", "smtp", 0, 587);
  desk.stop(); // nothing is held back
  const auto attempt = [&](const std::string& password) {
    return run_task(desk.ask({.authcid = "ann", .secret = password}, {}, "PLAIN")).verdict;
  };
  EXPECT_EQ(attempt("wrong"), Verdict::wrong);
  EXPECT_EQ(attempt("right"), Verdict::accepted);
  desk.note({"CRAM-MD5", "this mechanism is not offered here"});
  desk.note({"", "a login without TLS"});
  using What = policy::Attempt::What;
  const auto found = journal.find(0, 10, [](const policy::Attempt&) { return true; });
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].what, What::clear_login);
  EXPECT_EQ(found[1].what, What::mechanism);
  EXPECT_EQ(found[1].mechanism, "CRAM-MD5");
  EXPECT_EQ(found[2].what, What::wrong);
  EXPECT_EQ(found[2].name, "ann");
  EXPECT_EQ(found[2].client, "192.0.2.1");
  EXPECT_EQ(found[2].port, 587);
}

TEST(Login, WithASecondFactorMailProgramsNeedAppPasswords) {
  directory::TestServer server;
  server.domain("example.org");
  const store::Account ann = server.account("ann@example.org", "right");
  auto made = run_task(server.directory().new_app_password(ann, "phone"));
  ASSERT_TRUE(made);
  const std::string app_password = made->second;
  ASSERT_TRUE(run_task(server.store().credentials().add_app_password(made->first)));
  Sessions sessions;
  directory::LoginThrottle throttle;
  policy::Attempts journal;
  LoginMeans means{server.store(), server.directory(), sessions, throttle, nullptr};
  means.attempts = &journal;
  LoginDesk desk(means, "192.0.2.1", "smtp", 0, 587);
  desk.stop(); // nothing is held back
  const auto plain = [&](const std::string& password) {
    return run_task(desk.ask({.authcid = "ann@example.org", .secret = password}, {}, "PLAIN")).verdict;
  };
  // The engine has found that the proof fits the n-th of the keys.
  const auto scram = [&](std::size_t key) {
    using Kind = sasl::Question::Kind;
    sasl::Question keys{.kind = Kind::scram_keys, .authcid = "ann@example.org", .hash = sasl::ScramHash::sha256};
    EXPECT_EQ(run_task(desk.ask(keys, {}, "SCRAM-SHA-256")).verdict, Verdict::keys);
    sasl::Question proof{.kind = Kind::scram, .authcid = "ann@example.org", .hash = sasl::ScramHash::sha256};
    proof.right = true;
    proof.key = key;
    return run_task(desk.ask(proof, {}, "SCRAM-SHA-256")).verdict;
  };
  EXPECT_EQ(plain("right"), Verdict::accepted);
  EXPECT_EQ(scram(0), Verdict::accepted);
  ASSERT_TRUE(run_task(server.store().access().begin_factor(ann.id, "secret")));
  EXPECT_EQ(plain("right"), Verdict::accepted) << "nobody has shown a code yet";
  ASSERT_TRUE(run_task(server.store().access().confirm_factor(ann.id, "secret", 1, {})));
  EXPECT_EQ(plain("right"), Verdict::wrong);
  EXPECT_EQ(scram(0), Verdict::wrong);
  EXPECT_EQ(plain(app_password), Verdict::accepted);
  EXPECT_EQ(scram(1), Verdict::accepted);
  const auto told = journal.find(0, 10, [](const policy::Attempt&) { return true; });
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].why, "the account has a second factor: mail programs need an app password");
  ASSERT_TRUE(run_task(server.store().access().remove_factor(ann.id)));
  EXPECT_EQ(plain("right"), Verdict::accepted);
}

TEST(Login, KnownAddressesAreKeptInTheStore) {
  directory::TestServer server;
  server.domain("example.org");
  server.account("ann@example.org", "right");
  directory::LoginThrottle before, after;
  ASSERT_EQ(before.begin("192.0.2.7", "ann@example.org").count(), 0);
  before.succeeded("192.0.2.7", "ann@example.org", "ann@example.org", "smtp");
  LoginKeeper first(server.store(), before), second(server.store(), after);
  EXPECT_TRUE(run_task(done(first.save())));
  EXPECT_TRUE(run_task(done(second.load())));
  EXPECT_TRUE(after.knows("192.0.2.7", "ann@example.org"));
  EXPECT_FALSE(after.knows("192.0.2.8", "ann@example.org"));
  EXPECT_TRUE(after.take_changes(10).empty());
}

TEST(PatienceKeeper, ARestartMakesNobodyBeginAnew) {
  using std::chrono::hours;
  directory::TestServer server;
  FakeClock clock;
  intake::Patience before, after;
  EXPECT_FALSE(before.is_over("ann", clock.now()));
  for (int twice = 0; twice < 2; ++twice) {
    clock.advance(hours(10));
    EXPECT_FALSE(before.is_over("ann", clock.now()));
  }
  PatienceKeeper keeper(server.store().upkeep(), clock);
  EXPECT_TRUE(run_task(done(keeper.save(before))));
  clock.advance(hours(1));
  EXPECT_TRUE(run_task(done(keeper.load(after))));
  clock.advance(hours(5));
  EXPECT_TRUE(after.is_over("ann", clock.now()));
  EXPECT_FALSE(after.is_over("bob", clock.now()));
  clock.advance(8 * hours(24));
  intake::Patience later; // what is too old is read, and goes away
  EXPECT_TRUE(run_task(done(keeper.load(later))));
  EXPECT_TRUE(run_task(done(keeper.save(later))));
  EXPECT_TRUE(run_task(server.store().upkeep().list_settings("patience.", 10, ""))->empty());
}

TEST(Login, ScramIsOfferedWhileEverybodyCanDoIt) {
  directory::TestServer server;
  server.domain("example.org");
  ScramSwitch scram(server.directory());
  EXPECT_TRUE(run_task(scram.offered())) << "nobody is there yet";
  server.account("ann@example.org", "right");
  EXPECT_FALSE(run_task(scram.offered()));
  EXPECT_EQ(run_task(server.directory().login({}, "ann@example.org", "wrong")).verdict,
            directory::Login::Verdict::wrong);
  EXPECT_FALSE(run_task(scram.offered()));
  EXPECT_EQ(run_task(server.directory().login({}, "ann@example.org", "right")).verdict,
            directory::Login::Verdict::accepted);
  EXPECT_TRUE(run_task(scram.offered())) << "her login made the keys";
  server.account("mute@example.org");
  EXPECT_TRUE(run_task(scram.offered())) << "who has no password needs none";
  auto bob = server.account("bob@example.org", "builder");
  EXPECT_FALSE(run_task(scram.offered()));
  bob.disabled = true;
  ASSERT_TRUE(run_task(server.store().directory().update_account(bob)));
  EXPECT_TRUE(run_task(scram.offered()));
}

} // namespace
} // namespace paquebot::service
