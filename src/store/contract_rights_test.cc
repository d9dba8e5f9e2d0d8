#include "store/test_contract.h"

namespace paquebot::store {
namespace {

std::string told(const std::vector<Grant>& grants) {
  std::string all;
  for (const Grant& one : grants) all += one.login + ":" + one.domain + " ";
  return all;
}

TEST_P(StoreContract, GrantsComeAndGo) {
  const Account anna = make_account("anna@example.org");
  const Account bert = make_account("bert@example.net");
  Rights& rights = store().rights();
  ASSERT_TRUE(run(rights.grant(bert.id, "")));
  ASSERT_TRUE(run(rights.grant(anna.id, "Example.ORG")));
  ASSERT_TRUE(run(rights.grant(anna.id, "example.org"))) << "once more is no error";
  ASSERT_TRUE(run(rights.grant(anna.id, "example.net")));
  EXPECT_EQ(run(rights.grant(99, "")).error().code, Errc::not_found);
  EXPECT_EQ(run(rights.grant(anna.id, "example.com")).error().code, Errc::not_found);
  ASSERT_TRUE(run(store().directory().add_alias_domain("other.example", "example.org")));
  EXPECT_EQ(run(rights.grant(anna.id, "other.example")).error().code, Errc::invalid);
  reopen();
  Rights& again = store().rights();
  EXPECT_EQ(told(run(again.list_grants(0)).value()),
            "bert@example.net: anna@example.org:example.net anna@example.org:example.org ");
  EXPECT_EQ(told(run(again.list_grants(bert.id)).value()), "bert@example.net: ");
  ASSERT_TRUE(run(again.revoke(anna.id, "example.org")));
  EXPECT_EQ(run(again.revoke(anna.id, "example.org")).error().code, Errc::not_found);
  ASSERT_TRUE(run(store().directory().remove_account("bert@example.net")));
  EXPECT_EQ(told(run(again.list_grants(0)).value()), "anna@example.org:example.net ");
  ASSERT_TRUE(run(store().directory().remove_domain("example.net")));
  EXPECT_EQ(told(run(again.list_grants(0)).value()), "") << "whoever gets that name is another";
}

Token make_token(Id account, std::string label, char hash) {
  Token token;
  token.account = account;
  token.label = std::move(label);
  token.hash = std::string(32, hash);
  token.scopes = {"accounts.read", "queue.write"};
  return token;
}

TEST_P(StoreContract, TokensComeAndGo) {
  const Account anna = make_account("anna@example.org");
  Rights& rights = store().rights();
  Token wanted = make_token(anna.id, "script", 'a');
  wanted.domains = {"example.org"};
  wanted.networks = {"192.0.2.0/24", "2001:db8::/32"};
  wanted.expires = now() + 1000;
  const auto made = run(rights.add_token(wanted));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->created, now());
  ASSERT_TRUE(run(rights.add_token(make_token(0, "script", 'b'))));
  EXPECT_EQ(run(rights.add_token(make_token(anna.id, "script", 'c'))).error().code, Errc::conflict);
  EXPECT_EQ(run(rights.add_token(make_token(99, "x", 'd'))).error().code, Errc::not_found);
  ASSERT_TRUE(run(rights.use_token(made->id, 5000, "192.0.2.1")));
  ASSERT_TRUE(run(rights.use_token(made->id, 4000, "192.0.2.2"))) << "an older one comes late";
  reopen();
  Rights& again = store().rights();
  const auto found = run(again.find_token(std::string(32, 'a'))).value();
  EXPECT_EQ(found.login, "anna@example.org");
  EXPECT_EQ(found.scopes, wanted.scopes);
  EXPECT_EQ(found.domains, wanted.domains);
  EXPECT_EQ(found.networks, wanted.networks);
  EXPECT_EQ(found.expires, wanted.expires);
  EXPECT_EQ(found.used, 5000);
  EXPECT_EQ(found.used_from, "192.0.2.1");
  EXPECT_EQ(run(again.find_token(std::string(32, 'z'))).error().code, Errc::not_found);
  EXPECT_EQ(run(again.list_tokens({}))->size(), 2u);
  EXPECT_EQ(run(again.list_tokens(Id{0})).value().at(0).networks, std::vector<std::string>());
  EXPECT_EQ(run(again.list_tokens(anna.id))->size(), 1u);
  ASSERT_TRUE(run(again.add_token(make_token(anna.id, "other", 'e'))));
  ASSERT_TRUE(run(again.remove_token(made->id)));
  EXPECT_EQ(run(again.remove_token(made->id)).error().code, Errc::not_found);
  ASSERT_TRUE(run(store().directory().remove_account("anna@example.org")));
  EXPECT_EQ(run(again.find_token(std::string(32, 'e'))).error().code, Errc::not_found) << "it goes with its account";
}

TEST_P(StoreContract, TokensGoWithTheDomainThatTheyName) {
  ASSERT_TRUE(run(store().directory().add_domain("example.com")));
  Token wanted = make_token(0, "one", 'a');
  wanted.domains = {"example.net", "example.com"};
  ASSERT_TRUE(run(store().rights().add_token(wanted)));
  wanted = make_token(0, "two", 'b');
  wanted.domains = {"my.example.com"};
  ASSERT_TRUE(run(store().rights().add_token(wanted)));
  ASSERT_TRUE(run(store().directory().remove_domain("example.com")));
  const auto left = run(store().rights().list_tokens({})).value();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].label, "two");
}

TEST_P(StoreContract, TokensAreBounded) {
  const std::string label = "t";
  for (int i = 0; i < 100; ++i) {
    Token token = make_token(0, label + std::to_string(i), 'x');
    token.hash[0] = static_cast<char>(i);
    ASSERT_TRUE(run(store().rights().add_token(token)));
  }
  EXPECT_EQ(run(store().rights().add_token(make_token(0, "more", 'y'))).error().code, Errc::no_space);
}

} // namespace
} // namespace paquebot::store
