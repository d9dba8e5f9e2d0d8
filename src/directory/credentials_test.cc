#include "base/fake_clock.h"
#include "directory/credentials.h"
#include "directory/test_server.h"

#include <gtest/gtest.h>

namespace paquebot::directory {
namespace {

using Verdict = Login::Verdict;
using sasl::ScramHash;

class CredentialsTest : public ::testing::Test {
protected:
  CredentialsTest() : server({.hostname = "mx.example.org"}, clock) {
    server.domain("example.org");
    ann = server.account("ann@example.org", "wonderland");
    server.address("ann.b", "example.org", ann.id);
  }
  ScramLookup keys(const std::string& user, ScramHash hash = ScramHash::sha256) {
    return run_task(server.directory().scram_keys(user, hash)).value();
  }
  /// Does the password fit one of the keys that a SCRAM login is checked with?
  bool fits(const std::string& user, const std::string& password, ScramHash hash = ScramHash::sha256) {
    const auto found = keys(user, hash).credentials;
    const auto made = sasl::make_scram_key(hash, password, found.salt, found.iterations);
    for (const auto& key : found.keys)
      if (key.stored == made.stored && key.server == made.server) return true;
    return false;
  }
  Login login(const std::string& user, const std::string& password) {
    return run_task(server.directory().login("", user, password));
  }
  std::string app_password(const std::string& label) {
    const auto account = run_task(server.store().directory().get_account(ann.id)).value();
    auto made = run_task(server.directory().new_app_password(account, label)).value();
    EXPECT_TRUE(run_task(server.store().credentials().add_app_password(made.first)));
    return made.second;
  }

  FakeClock clock;
  TestServer server;
  store::Account ann;
};

TEST_F(CredentialsTest, AnOlderHashGetsKeysAtTheNextLogin) {
  EXPECT_FALSE(fits("ann", "wonderland"));
  const std::string salt = keys("ann").credentials.salt;
  EXPECT_EQ(login("ann", "wrong").verdict, Verdict::wrong);
  EXPECT_FALSE(fits("ann", "wonderland"));
  EXPECT_EQ(login("ann", "wonderland").verdict, Verdict::accepted);
  EXPECT_TRUE(fits("ann", "wonderland"));
  EXPECT_TRUE(fits("ANN@example.org", "wonderland", ScramHash::sha1));
  EXPECT_FALSE(fits("ann", "wrong"));
  EXPECT_EQ(keys("ann").credentials.salt, salt) << "nobody can see that there are keys now";
}

TEST_F(CredentialsTest, UnknownNamesLookLikeKnownOnes) {
  const auto nobody = keys("nobody").credentials, known = keys("ann").credentials;
  EXPECT_EQ(nobody.salt.size(), known.salt.size());
  EXPECT_EQ(nobody.iterations, known.iterations);
  EXPECT_EQ(nobody.keys.size(), 1u);
  EXPECT_EQ(keys("Nobody@Example.org").credentials.salt, nobody.salt) << "it stays the same";
  EXPECT_NE(keys("nobody2").credentials.salt, nobody.salt);
  EXPECT_NE(nobody.salt, known.salt);
  EXPECT_EQ(keys(std::string(5000, 'x')).credentials.keys.size(), 1u);
}

TEST_F(CredentialsTest, NewPasswordsHaveEverything) {
  auto made = run_task(server.directory().new_password(ann, "gr\xC3\xBC\xC3\x9F dich"));
  ASSERT_TRUE(made);
  ann.password = made->hash;
  ann.scram_salt = made->scram_salt;
  ann.scram_iterations = made->scram_iterations;
  ann.scram_keys = made->scram_keys;
  ASSERT_TRUE(run_task(server.store().directory().update_account(ann)));
  EXPECT_TRUE(fits("ann", "gr\xC3\xBC\xC3\x9F dich"));
  EXPECT_EQ(login("ann", "gru\xCC\x88\xC3\x9F dich").verdict, Verdict::accepted) << "typed another way";
  EXPECT_EQ(run_task(server.directory().new_password(ann, "bell\x07")).error().code, Errc::invalid);
}

TEST_F(CredentialsTest, AppPasswordsLogInEveryWay) {
  const std::string phone = app_password("phone"), laptop = app_password("laptop");
  EXPECT_EQ(phone.size(), 31u);
  EXPECT_NE(phone, laptop);
  for (const auto& password : {phone, laptop}) {
    EXPECT_EQ(login("ann", password).verdict, Verdict::accepted);
    EXPECT_TRUE(fits("ann", password));
    EXPECT_TRUE(fits("ann", password, ScramHash::sha1));
  }
  EXPECT_EQ(login("ann", phone).password.label, "phone");
  EXPECT_EQ(login("ann", "wonderland").password.id, 0);
  EXPECT_EQ(login("nobody", phone).verdict, Verdict::wrong);
  const auto id = login("ann", phone).password.id;
  ASSERT_TRUE(run_task(server.store().credentials().remove_app_password(ann.id, id)));
  EXPECT_EQ(login("ann", phone).verdict, Verdict::wrong);
  EXPECT_FALSE(fits("ann", phone));
  EXPECT_EQ(login("ann", laptop).verdict, Verdict::accepted);
  const auto all = keys("ann");
  EXPECT_EQ(all.owners.size(), all.credentials.keys.size());
}

TEST_F(CredentialsTest, WhoMayActAsWhom) {
  const struct {
    const char* authzid;
    const char* user;
    Verdict verdict;
  } cases[] = {{"", "ann", Verdict::accepted},
               {"ann.b", "ann", Verdict::accepted},
               {"ann@example.org", "ann.b@example.org", Verdict::accepted},
               {"bob", "ann", Verdict::wrong},
               {"", "nobody", Verdict::wrong},
               {"nobody", "ann", Verdict::wrong}};
  for (const auto& c : cases)
    EXPECT_EQ(run_task(server.directory().authorize(c.authzid, c.user)).verdict, c.verdict) << c.authzid << c.user;
  EXPECT_EQ(run_task(server.directory().login_name("Ann.B")), "ann@example.org");
  EXPECT_EQ(run_task(server.directory().login_name("NoBody")), "nobody");
}

} // namespace
} // namespace paquebot::directory
