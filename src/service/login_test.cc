#include "directory/test_server.h"
#include "service/login.h"
#include "store/wrapped_store.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using directory::run_task;
using Verdict = LoginAnswer::Verdict;

/// The account changes just after its password was looked up.
class Changing final : public store::WrappedStore {
public:
  using WrappedStore::WrappedStore;
  Task<Result<store::Account>> find_account(std::string login) override {
    auto account = co_await inner_.find_account(std::move(login));
    if (account && change) {
      store::Account changed = *account;
      change(changed);
      change = nullptr;
      auto done = co_await inner_.update_account(std::move(changed));
      EXPECT_TRUE(done);
    }
    co_return account;
  }
  Task<Result<store::Account>> get_account(store::Id id) override {
    auto account = co_await inner_.get_account(id);
    if (account && change) {
      store::Account changed = *account;
      change(changed);
      change = nullptr;
      auto done = co_await inner_.update_account(std::move(changed));
      EXPECT_TRUE(done);
    }
    co_return account;
  }
  std::function<void(store::Account&)> change;
};

TEST(Login, LooksAgainWhenTheAccountChangedMeanwhile) {
  directory::TestServer server;
  server.domain("example.org");
  server.account("ann@example.org", "right");
  Changing store(server.store());
  directory::CpuPool cpu(1);
  directory::Directory directory(store, cpu, {.hostname = "mx.example.org"});
  Sessions sessions;
  directory::LoginGuard guard;
  auto attempt = [&](const std::string& password) {
    LoginDesk desk({store, directory, sessions, guard, nullptr}, "192.0.2.1", "smtp", 0);
    return run_task(desk.ask({.authcid = "ann@example.org", .secret = password}, {})).verdict;
  };
  EXPECT_EQ(attempt("right"), Verdict::accepted);
  EXPECT_EQ(attempt("wrong"), Verdict::wrong);
  server.account("bob@example.org"); // drops what is cached
  store.change = [](store::Account& account) { account.disabled = true; };
  EXPECT_EQ(attempt("right"), Verdict::disabled);
  EXPECT_FALSE(store.change) << "nothing changed while the password was checked";
}

} // namespace
} // namespace paquebot::service
