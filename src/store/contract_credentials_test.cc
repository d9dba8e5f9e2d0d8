#include "store/test_contract.h"

namespace paquebot::store {
namespace {

TEST_P(StoreContract, ScramKeysBelongToAPassword) {
  Account anna = make_account("anna@example.org");
  anna.password = "first";
  anna.scram_salt = std::string("salt\0x", 6);
  anna.scram_iterations = 50000;
  anna.scram_keys = std::string(104, '\xFF');
  ASSERT_TRUE(run(store().directory().update_account(anna)));
  auto found = run(store().directory().find_account("anna@example.org")).value();
  EXPECT_EQ(found.scram_salt, anna.scram_salt);
  EXPECT_EQ(found.scram_iterations, 50000u);
  EXPECT_EQ(found.scram_keys, anna.scram_keys);
  const auto generation = store().directory().generation();
  found.scram_keys = "others";
  EXPECT_TRUE(run(store().credentials().set_scram(found)));
  EXPECT_EQ(store().directory().generation(), generation);
  EXPECT_EQ(run(store().directory().get_account(anna.id))->scram_keys, "others");
  found.password = "second";
  EXPECT_EQ(run(store().credentials().set_scram(found)).error().code, Errc::conflict)
      << "keys of a password that is no more";
  EXPECT_EQ(run(store().directory().list_accounts("")).value().at(0).scram_keys, "others");
}

TEST_P(StoreContract, AppPasswordsComeAndGo) {
  const Account anna = make_account("anna@example.org");
  const Account bert = make_account("bert@example.org");
  const auto generation = store().directory().generation();
  const auto phone = run(
      store().credentials().add_app_password({.account = anna.id, .label = "phone", .hash = "h1", .scram_keys = "k1"}));
  ASSERT_TRUE(phone);
  EXPECT_GT(store().directory().generation(), generation);
  EXPECT_EQ(phone->created, now());
  ASSERT_TRUE(run(store().credentials().add_app_password({.account = anna.id, .label = "laptop", .hash = "h2"})));
  ASSERT_TRUE(run(store().credentials().add_app_password({.account = bert.id, .label = "phone", .hash = "h3"})));
  EXPECT_EQ(run(store().credentials().add_app_password({.account = anna.id, .label = "phone"})).error().code,
            Errc::conflict);
  EXPECT_EQ(run(store().credentials().add_app_password({.account = 99, .label = "x"})).error().code, Errc::not_found);
  auto list = run(store().credentials().list_app_passwords(anna.id)).value();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].label, "laptop");
  EXPECT_EQ(list[1].hash, "h1");
  EXPECT_EQ(list[1].scram_keys, "k1");
  EXPECT_EQ(list[1].used, 0);
  ASSERT_TRUE(run(store().credentials().use_app_password(phone->id, 5000, "192.0.2.1")));
  ASSERT_TRUE(run(store().credentials().use_app_password(phone->id, 4000, "192.0.2.2"))) << "an older login comes late";
  ASSERT_TRUE(run(store().credentials().use_app_password(12345, 4000, "192.0.2.2")));
  reopen();
  list = run(store().credentials().list_app_passwords(anna.id)).value();
  EXPECT_EQ(list[1].used, 5000);
  EXPECT_EQ(list[1].used_from, "192.0.2.1");
  EXPECT_EQ(run(store().credentials().remove_app_password(bert.id, phone->id)).error().code, Errc::not_found)
      << "it is anna's";
  ASSERT_TRUE(run(store().credentials().remove_app_password(anna.id, phone->id)));
  EXPECT_EQ(run(store().credentials().remove_app_password(anna.id, phone->id)).error().code, Errc::not_found);
  EXPECT_EQ(run(store().credentials().list_app_passwords(anna.id))->size(), 1u);
  ASSERT_TRUE(run(store().directory().remove_account("bert@example.org")));
  EXPECT_TRUE(run(store().credentials().list_app_passwords(bert.id))->empty());
}

TEST_P(StoreContract, AppPasswordsAreBounded) {
  const Account anna = make_account("anna@example.org");
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(
        run(store().credentials().add_app_password({.account = anna.id, .label = std::to_string(i), .hash = "h"})));
  EXPECT_EQ(run(store().credentials().add_app_password({.account = anna.id, .label = "more"})).error().code,
            Errc::no_space);
}

TEST_P(StoreContract, HasASecretThatStays) {
  const std::string secret = run(store().upkeep().get_setting("login.secret")).value();
  EXPECT_EQ(secret.size(), 64u);
  reopen();
  EXPECT_EQ(run(store().upkeep().get_setting("login.secret")).value(), secret);
}

} // namespace
} // namespace paquebot::store
