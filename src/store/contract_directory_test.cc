#include "store/settings.h"
#include "store/test_contract.h"

namespace paquebot::store {
namespace {

TEST_P(StoreContract, DomainsAreAddedListedAndRemoved) {
  EXPECT_EQ(run(store().directory().add_domain("Example.ORG")).value().name, "example.org");
  EXPECT_EQ(run(store().directory().add_domain("example.org")).error().code, Errc::conflict);
  EXPECT_TRUE(run(store().directory().add_domain("a.example")));
  const auto list = run(store().directory().list_domains());
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ(list->front().name, "a.example");
  EXPECT_TRUE(run(store().directory().remove_domain("A.example")));
  EXPECT_EQ(run(store().directory().remove_domain("a.example")).error().code, Errc::not_found);
  make_account("anna@example.org");
  EXPECT_EQ(run(store().directory().remove_domain("example.org")).error().code, Errc::conflict);
  EXPECT_TRUE(run(store().directory().remove_account("anna@example.org")));
  EXPECT_TRUE(run(store().directory().remove_domain("example.org")));
}

TEST_P(StoreContract, AccountsAreFoundInAnyCaseAndKeepTheirData) {
  Account wanted;
  wanted.login = "Anna@Example.org";
  EXPECT_EQ(run(store().directory().add_account(wanted)).error().code, Errc::not_found) << "the domain is not ours";
  ASSERT_TRUE(run(store().directory().add_domain("example.org")));
  wanted.password = "$argon2id$x";
  wanted.quota = 5000;
  const auto made = run(store().directory().add_account(wanted));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->login, "anna@example.org");
  EXPECT_EQ(made->created, now());
  EXPECT_EQ(run(store().directory().add_account(wanted)).error().code, Errc::conflict);
  auto found = run(store().directory().find_account("ANNA@example.ORG"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, made->id);
  EXPECT_EQ(found->password, "$argon2id$x");
  EXPECT_EQ(found->quota, 5000u);
  found->disabled = true;
  found->quota = 0;
  found->password = "";
  ASSERT_TRUE(run(store().directory().update_account(*found)));
  const auto again = run(store().directory().get_account(made->id));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->disabled);
  EXPECT_EQ(again->quota, 0u);
  AcceptRequest request = message();
  request.recipients = {to_mailbox(*made)};
  accepted(request);
  EXPECT_EQ(run(store().directory().list_accounts("example.org")).value().at(0).messages, 1u);
  EXPECT_EQ(run(store().directory().list_accounts("")).value().at(0).used, inbox(*made).bytes);
  EXPECT_EQ(run(store().directory().find_account("nobody@example.org")).error().code, Errc::not_found);
  EXPECT_EQ(run(store().directory().update_account(Account{.id = 99})).error().code, Errc::not_found);
}

TEST_P(StoreContract, BadLoginsAreRefused) {
  ASSERT_TRUE(run(store().directory().add_domain("example.org")));
  for (const char* login : {"", "anna", "@example.org", "*@example.org"}) {
    Account wanted;
    wanted.login = login;
    EXPECT_EQ(run(store().directory().add_account(wanted)).error().code, Errc::invalid) << login;
  }
}

TEST_P(StoreContract, AddressesLeadToAccountsOrExpand) {
  const Account anna = make_account("anna@example.org");
  ASSERT_TRUE(run(store().directory().add_address({"Info", "Example.org", anna.id, {}})));
  ASSERT_TRUE(run(store().directory().add_address({"team", "example.org", 0, {"anna@example.org", "x@far.example"}})));
  ASSERT_TRUE(run(store().directory().add_address({"team", "example.org", 0, {"y@far.example"}})));
  ASSERT_TRUE(run(store().directory().add_address({"*", "example.org", 0, {"anna@example.org"}})));
  auto found = run(store().directory().find_address("TEAM", "EXAMPLE.org"));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->domain_is_ours);
  EXPECT_EQ(found->owner, anna.id);
  ASSERT_TRUE(found->entry);
  EXPECT_EQ(found->entry->targets, (std::vector<std::string>{"anna@example.org", "x@far.example", "y@far.example"}));
  EXPECT_TRUE(found->catch_all);
  found = run(store().directory().find_address("info", "example.org"));
  EXPECT_EQ(found->entry->account, anna.id);
  found = run(store().directory().find_address("nobody", "example.org"));
  EXPECT_FALSE(found->entry);
  EXPECT_TRUE(found->catch_all);
  EXPECT_FALSE(run(store().directory().find_address("anna", "far.example"))->domain_is_ours);
  EXPECT_EQ(run(store().directory().account_addresses(anna.id)).value().size(), 2u);
  EXPECT_EQ(run(store().directory().list_addresses("example.org")).value().size(), 4u);
}

TEST_P(StoreContract, InternationalNamesAreOneHoweverTheyAreTyped) {
  const std::string composed = "jos\xC3\xA9", decomposed = "jose\xCC\x81", capitals = "JOS\xC3\x89";
  const Account jose = make_account(decomposed + "@example.org");
  EXPECT_EQ(jose.login, composed + "@example.org");
  for (const std::string& name : {composed, decomposed, capitals}) {
    EXPECT_EQ(run(store().directory().find_account(name + "@example.org")).value().id, jose.id);
    EXPECT_EQ(run(store().directory().find_address(name, "example.org"))->entry->account, jose.id);
    Account again;
    again.login = name + "@example.org";
    EXPECT_EQ(run(store().directory().add_account(again)).error().code, Errc::conflict);
    EXPECT_EQ(run(store().directory().add_address({name, "example.org", 0, {"x@far.example"}})).error().code,
              Errc::conflict);
    EXPECT_TRUE(run(store().directory().set_senders(name, "example.org", {"x@far.example"})));
  }
  ASSERT_TRUE(run(store().directory().add_address({"\xC3\x9C", "example.org", 0, {"x@far.example"}})));
  EXPECT_TRUE(run(store().directory().remove_address("u\xCC\x88", "example.org", "")));
  EXPECT_TRUE(run(store().directory().remove_account(capitals + "@example.org")));
  EXPECT_EQ(run(store().upkeep().verify()).value(), std::vector<std::string>());
}

TEST_P(StoreContract, AddressConflictsAndRemovals) {
  const Account anna = make_account("anna@example.org");
  const Account bert = make_account("bert@example.org");
  EXPECT_EQ(run(store().directory().add_address({"anna", "example.org", 0, {"x@far.example"}})).error().code,
            Errc::conflict);
  EXPECT_EQ(run(store().directory().add_address({"anna", "example.org", bert.id, {}})).error().code, Errc::conflict);
  EXPECT_TRUE(run(store().directory().add_address({"anna", "example.org", anna.id, {}}))) << "it leads there already";
  EXPECT_EQ(run(store().directory().add_address({"x", "far.example", anna.id, {}})).error().code, Errc::not_found);
  EXPECT_EQ(run(store().directory().add_address({"x", "example.org", 99, {}})).error().code, Errc::not_found);
  EXPECT_EQ(run(store().directory().add_address({"x", "example.org", 0, {}})).error().code, Errc::invalid);
  EXPECT_EQ(run(store().directory().add_address({"", "example.org", anna.id, {}})).error().code, Errc::invalid);
  EXPECT_EQ(run(store().directory().remove_address("anna", "example.org", "")).error().code, Errc::conflict)
      << "its own address";
  ASSERT_TRUE(run(store().directory().add_address({"team", "example.org", 0, {"a@far.example", "b@far.example"}})));
  EXPECT_EQ(run(store().directory().add_address({"team", "example.org", anna.id, {}})).error().code, Errc::conflict);
  EXPECT_EQ(run(store().directory().remove_address("team", "example.org", "c@far.example")).error().code,
            Errc::not_found);
  EXPECT_TRUE(run(store().directory().remove_address("team", "example.org", "a@far.example")));
  EXPECT_EQ(run(store().directory().find_address("team", "example.org"))->entry->targets.size(), 1u);
  EXPECT_TRUE(run(store().directory().remove_address("Team", "example.org", "b@far.example")))
      << "the last target takes the alias with it";
  EXPECT_FALSE(run(store().directory().find_address("team", "example.org"))->entry);
  EXPECT_EQ(run(store().directory().remove_address("team", "example.org", "")).error().code, Errc::not_found);
  Account wanted;
  wanted.login = "info@example.org";
  ASSERT_TRUE(run(store().directory().add_address({"info", "example.org", anna.id, {}})));
  EXPECT_EQ(run(store().directory().add_account(wanted)).error().code, Errc::conflict);
}

TEST_P(StoreContract, AddressesSayWhoMayWriteToThem) {
  const Account ann = make_account("ann@example.org");
  using List = std::vector<std::string>;
  const auto senders = [&](const std::string& local) {
    return run(store().directory().find_address(local, "example.org")).value().entry.value().senders;
  };
  ASSERT_TRUE(run(store().directory().add_address({"team", "example.org", 0, {"x@example.net"}})));
  EXPECT_EQ(senders("team"), List());
  const std::uint64_t before = store().directory().generation();
  ASSERT_TRUE(
      run(store().directory().set_senders("Team", "example.org", {"members", "boss@example.org", "example.net"})));
  EXPECT_GT(store().directory().generation(), before);
  EXPECT_EQ(senders("team"), (List{"members", "boss@example.org", "example.net"}));
  ASSERT_TRUE(run(store().directory().add_address({"team", "example.org", 0, {"y@example.net"}})));
  EXPECT_EQ(senders("team").size(), 3u) << "one more target changes nothing";
  reopen();
  EXPECT_EQ(run(store().directory().list_addresses("example.org")).value().at(1).senders.size(), 3u);
  ASSERT_TRUE(run(store().directory().set_senders("team", "example.org", {})));
  EXPECT_EQ(senders("team"), List());
  ASSERT_TRUE(run(store().directory().add_address({"all", "example.org", 0, {"x@example.net"}, {"domain"}})));
  EXPECT_EQ(senders("all"), List{"domain"});
  EXPECT_EQ(run(store().directory().set_senders("nobody", "example.org", {"domain"})).error().code, Errc::not_found);
  EXPECT_EQ(run(store().directory().set_senders("team", "other.example", {"domain"})).error().code, Errc::not_found);
}

TEST_P(StoreContract, EveryDomainKeepsAnOwner) {
  const Account anna = make_account("anna@example.org");
  const Account bert = make_account("bert@example.org");
  ASSERT_TRUE(run(store().directory().add_domain("alias.example")));
  EXPECT_EQ(run(store().directory().find_address("x", "example.org"))->owner, anna.id);
  EXPECT_EQ(run(store().directory().set_domain_owner("alias.example", 99)).error().code, Errc::not_found);
  ASSERT_TRUE(run(store().directory().set_domain_owner("alias.example", anna.id)));
  EXPECT_EQ(run(store().directory().remove_account("anna@example.org")).error().code, Errc::conflict)
      << "alias.example has nobody else";
  ASSERT_TRUE(run(store().directory().set_domain_owner("alias.example", bert.id)));
  ASSERT_TRUE(run(store().directory().remove_account("anna@example.org")));
  EXPECT_EQ(run(store().directory().find_address("x", "example.org"))->owner, bert.id);
  EXPECT_FALSE(run(store().directory().find_address("anna", "example.org"))->entry);
}

TEST_P(StoreContract, WhereARemovedAccountLoggedInFromIsForgotten) {
  make_account("anna@example.org");
  make_account("bert@example.org");
  for (const char* login : {"anna@example.org", "bert@example.org"})
    ASSERT_TRUE(run(store().upkeep().set_setting(std::string(kKnownNetworks) + login, "192.0.2.1=1")));
  ASSERT_TRUE(run(store().directory().remove_account("anna@example.org")));
  EXPECT_EQ(run(store().upkeep().get_setting("login.known.anna@example.org")).value(), "");
  EXPECT_EQ(run(store().upkeep().get_setting("login.known.bert@example.org")).value(), "192.0.2.1=1");
}

TEST_P(StoreContract, ChangesOfTheDirectoryAreNoticed) {
  std::uint64_t last = store().directory().generation();
  const auto rises = [&] {
    return store().directory().generation() > std::exchange(last, store().directory().generation());
  };
  const Account anna = make_account("anna@example.org");
  EXPECT_TRUE(rises());
  ASSERT_TRUE(run(store().directory().add_address({"x", "example.org", anna.id, {}})));
  EXPECT_TRUE(rises());
  ASSERT_TRUE(run(store().directory().update_account(anna)));
  EXPECT_TRUE(rises());
  AcceptRequest request = message();
  request.recipients = {to_mailbox(anna)};
  accepted(request);
  EXPECT_FALSE(rises());
}

TEST_P(StoreContract, SettingsStay) {
  EXPECT_EQ(run(store().upkeep().get_setting("queue.held")).value(), "");
  ASSERT_TRUE(run(store().upkeep().set_setting("queue.held", "1")));
  ASSERT_TRUE(run(store().upkeep().set_setting("queue.held", "2")));
  reopen();
  EXPECT_EQ(run(store().upkeep().get_setting("queue.held")).value(), "2");
  EXPECT_TRUE(store().acceptance().has_room());
}

TEST_P(StoreContract, SettingsAreListedByPrefix) {
  using Rows = std::vector<std::pair<std::string, std::string>>;
  for (const char* key : {"list b", "list a", "lisu", "list"}) ASSERT_TRUE(run(store().upkeep().set_setting(key, "1")));
  EXPECT_EQ(run(store().upkeep().list_settings("list ", 9, "")).value(), (Rows{{"list a", "1"}, {"list b", "1"}}));
  EXPECT_EQ(run(store().upkeep().list_settings("list ", 1, "")).value(), (Rows{{"list a", "1"}}));
  EXPECT_EQ(run(store().upkeep().list_settings("list ", 9, "list a")).value(), (Rows{{"list b", "1"}}));
  EXPECT_EQ(run(store().upkeep().list_settings("list ", 9, "a")).value(), (Rows{{"list a", "1"}, {"list b", "1"}}));
  EXPECT_EQ(run(store().upkeep().list_settings("list ", 9, "list b")).value(), Rows());
  ASSERT_TRUE(run(store().upkeep().set_setting("list a", "")));
  EXPECT_EQ(run(store().upkeep().list_settings("list ", 9, "")).value(), (Rows{{"list b", "1"}}));
}

TEST_P(StoreContract, AnAliasDomainHasTheAddressesOfAnother) {
  const Account anna = make_account("anna@example.org");
  ASSERT_TRUE(run(store().directory().add_address({"team", "example.org", 0, {"anna@example.org"}})));
  const auto made = run(store().directory().add_alias_domain("Example.Net", "example.org"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->alias_of, "example.org");
  reopen();
  const auto found = run(store().directory().find_address("Team", "example.net")).value();
  EXPECT_TRUE(found.domain_is_ours);
  EXPECT_EQ(found.alias_of, "example.org");
  EXPECT_EQ(found.owner, anna.id);
  ASSERT_TRUE(found.entry);
  EXPECT_EQ(found.entry->domain, "example.org");
  EXPECT_EQ(run(store().directory().find_address("anna", "example.net")).value().entry->account, anna.id);
  EXPECT_FALSE(run(store().directory().find_address("nobody", "example.net")).value().entry);
  const auto all = run(store().directory().list_domains()).value();
  for (const Domain& domain : all) EXPECT_EQ(domain.alias_of, domain.name == "example.net" ? "example.org" : "");

  Account bert;
  bert.login = "bert@example.net";
  EXPECT_EQ(run(store().directory().add_account(bert)).error().code, Errc::invalid);
  EXPECT_EQ(run(store().directory().add_address({"x", "example.net", anna.id, {}})).error().code, Errc::invalid);
  EXPECT_EQ(run(store().directory().set_domain_owner("example.net", anna.id)).error().code, Errc::invalid);
  EXPECT_EQ(run(store().directory().add_alias_domain("example.com", "example.net")).error().code, Errc::invalid);
  EXPECT_EQ(run(store().directory().add_alias_domain("example.com", "elsewhere.example")).error().code,
            Errc::not_found);
  EXPECT_EQ(run(store().directory().add_alias_domain("example.net", "example.org")).error().code, Errc::conflict);
  ASSERT_TRUE(run(store().directory().remove_address("team", "example.org", "")));
  EXPECT_EQ(run(store().directory().remove_domain("example.org")).error().code, Errc::conflict);
  ASSERT_TRUE(run(store().directory().remove_domain("example.net")));
  EXPECT_FALSE(run(store().directory().find_address("anna", "example.net")).value().domain_is_ours);
}

} // namespace
} // namespace paquebot::store
