#include "store/test_contract.h"

namespace paquebot::store {
namespace {

std::string hash_of(char letter) { return std::string(32, letter); }

WebSession web_session(Id account, char letter, std::int64_t created = 0) {
  return {.hash = hash_of(letter), .account = account, .created = created, .from = "192.0.2.1"};
}

bool is_open(Store& store, char letter) { return run(store.access().find_session(hash_of(letter))).has_value(); }

TEST_P(StoreContract, SessionsComeAndGo) {
  const Account anna = make_account("anna@example.org");
  EXPECT_EQ(run(store().access().add_session(web_session(99, 'x'))).error().code, Errc::not_found);
  ASSERT_TRUE(run(store().access().add_session(web_session(anna.id, 'a'))));
  ASSERT_TRUE(run(store().access().add_session(web_session(anna.id, 'b'))));
  ASSERT_TRUE(run(store().access().add_session(web_session(0, 'r'))));
  ASSERT_TRUE(run(store().access().use_session(hash_of('a'), now() + 5)));
  ASSERT_TRUE(run(store().access().use_session(hash_of('a'), now() - 5))) << "an older one comes late";
  ASSERT_TRUE(run(store().access().use_session(hash_of('x'), now()))) << "one that is over";
  reopen();
  const auto kept = run(store().access().find_session(hash_of('a')));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->account, anna.id);
  EXPECT_EQ(kept->created, now());
  EXPECT_EQ(kept->used, now() + 5);
  EXPECT_EQ(kept->from, "192.0.2.1");
  EXPECT_EQ(run(store().access().find_session(hash_of('r')))->account, 0);
  const auto all = run(store().access().list_sessions(anna.id));
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->at(0).hash, hash_of('a'));
  EXPECT_EQ(all->at(0).used, now() + 5);
  EXPECT_EQ(all->at(1).hash, hash_of('b'));
  EXPECT_EQ(run(store().access().list_sessions(0))->size(), 1u);
  EXPECT_EQ(run(store().access().list_sessions(99))->size(), 0u);
  EXPECT_EQ(run(store().access().end_sessions(anna.id, hash_of('a'))).value_or(0), 1u);
  EXPECT_EQ(run(store().access().end_sessions(anna.id, hash_of('a'))).value_or(9), 0u);
  EXPECT_TRUE(is_open(store(), 'a') && !is_open(store(), 'b') && is_open(store(), 'r'));
  ASSERT_TRUE(run(store().access().end_session(hash_of('a'))));
  ASSERT_TRUE(run(store().access().end_session(hash_of('a')))) << "once more is no error";
  EXPECT_EQ(run(store().access().find_session(hash_of('a'))).error().code, Errc::not_found);
}

TEST_P(StoreContract, SessionsAreBoundedAndEndByThemselves) {
  const Account anna = make_account("anna@example.org");
  for (std::size_t i = 0; i <= kMostSessions; ++i) {
    clock().advance(std::chrono::seconds(1));
    ASSERT_TRUE(run(store().access().add_session(web_session(anna.id, static_cast<char>('0' + i)))));
  }
  EXPECT_FALSE(is_open(store(), '0')) << "it was not used the longest";
  EXPECT_TRUE(is_open(store(), '1'));
  ASSERT_TRUE(run(store().access().use_session(hash_of('1'), now() + kSessionIdle)));
  clock().advance(std::chrono::milliseconds(kSessionIdle + 1));
  maintain();
  EXPECT_TRUE(is_open(store(), '1'));
  EXPECT_FALSE(is_open(store(), '9'));
  ASSERT_TRUE(run(store().access().use_session(hash_of('1'), now() + kSessionLife)));
  clock().advance(std::chrono::milliseconds(kSessionLife));
  maintain();
  EXPECT_FALSE(is_open(store(), '1'));
}

TEST_P(StoreContract, SessionsAndLinksEndWithWhatTheyStandFor) {
  Account anna = make_account("anna@example.org");
  const Account bert = make_account("bert@example.org");
  const auto begin = [&] {
    ASSERT_TRUE(run(store().access().add_session(web_session(anna.id, 'a'))));
    ASSERT_TRUE(run(store().access().add_link({hash_of('l'), OnceLink::Purpose::reset, anna.id, 0, now() + 1000})));
    ASSERT_TRUE(is_open(store(), 'a'));
  };
  const auto is_over = [&] {
    return !is_open(store(), 'a') &&
           run(store().access().find_link(hash_of('l'), OnceLink::Purpose::reset)).error().code == Errc::not_found;
  };
  ASSERT_TRUE(run(store().access().add_session(web_session(bert.id, 'b'))));
  begin();
  anna.quota = 5;
  ASSERT_TRUE(run(store().directory().update_account(anna)));
  EXPECT_TRUE(is_open(store(), 'a'));
  anna.password = "$6$another";
  ASSERT_TRUE(run(store().directory().update_account(anna)));
  EXPECT_TRUE(is_over());
  begin();
  anna.disabled = true;
  ASSERT_TRUE(run(store().directory().update_account(anna)));
  EXPECT_TRUE(is_over());
  begin();
  ASSERT_TRUE(run(store().access().begin_factor(anna.id, "secret")));
  ASSERT_TRUE(run(store().access().confirm_factor(anna.id, "secret", 7, {hash_of('c')})));
  ASSERT_TRUE(run(store().directory().remove_account("anna@example.org")));
  EXPECT_TRUE(is_over());
  EXPECT_EQ(run(store().access().get_factor(anna.id)).error().code, Errc::not_found);
  EXPECT_TRUE(is_open(store(), 'b')) << "it is another's";
}

TEST_P(StoreContract, ALinkIsTakenOnce) {
  using Purpose = OnceLink::Purpose;
  const Account anna = make_account("anna@example.org");
  const auto code = [&](char letter, Purpose purpose) {
    const auto taken = run(store().access().take_link(hash_of(letter), purpose));
    return taken ? Errc::conflict : taken.error().code;
  };
  EXPECT_EQ(run(store().access().add_link({hash_of('x'), Purpose::reset, 99, 0, now() + 1})).error().code,
            Errc::not_found);
  ASSERT_TRUE(run(store().access().add_link({hash_of('a'), Purpose::console, 0, 0, now() + 1000})));
  ASSERT_TRUE(run(store().access().add_link({hash_of('b'), Purpose::reset, anna.id, 0, now() + 1000})));
  ASSERT_TRUE(run(store().access().add_link({hash_of('c'), Purpose::reset, anna.id, 0, now() + 1000})));
  EXPECT_EQ(code('b', Purpose::reset), Errc::not_found) << "another took its place";
  EXPECT_EQ(code('c', Purpose::console), Errc::not_found) << "it is for something else";
  reopen();
  EXPECT_EQ(run(store().access().find_link(hash_of('c'), Purpose::reset))->account, anna.id);
  EXPECT_EQ(run(store().access().take_link(hash_of('c'), Purpose::reset))->account, anna.id);
  EXPECT_EQ(code('c', Purpose::reset), Errc::not_found);
  clock().advance(std::chrono::seconds(1));
  EXPECT_EQ(code('a', Purpose::console), Errc::not_found) << "its time is over";
  maintain();
}

TEST_P(StoreContract, ASecondFactorIsConfirmedAndItsCodesAreTakenOnce) {
  const Account anna = make_account("anna@example.org");
  Access* access = &store().access();
  EXPECT_EQ(run(access->get_factor(anna.id)).error().code, Errc::not_found);
  EXPECT_EQ(run(access->begin_factor(99, "s")).error().code, Errc::not_found);
  EXPECT_EQ(run(access->remove_factor(anna.id)).error().code, Errc::not_found);
  ASSERT_TRUE(run(access->begin_factor(anna.id, "first")));
  ASSERT_TRUE(run(access->begin_factor(anna.id, "second")));
  EXPECT_FALSE(run(store().directory().get_account(anna.id))->second_factor);
  EXPECT_EQ(run(access->use_factor(anna.id, 4)).error().code, Errc::conflict) << "nobody has confirmed it";
  EXPECT_EQ(run(access->confirm_factor(anna.id, "first", 5, {})).error().code, Errc::conflict);
  const auto before = store().directory().generation();
  ASSERT_TRUE(run(access->confirm_factor(anna.id, "second", 5, {hash_of('a'), hash_of('b')})));
  EXPECT_GT(store().directory().generation(), before) << "caches have to know";
  EXPECT_EQ(run(access->begin_factor(anna.id, "third")).error().code, Errc::conflict);
  EXPECT_EQ(run(access->confirm_factor(anna.id, "second", 6, {})).error().code, Errc::conflict);
  EXPECT_EQ(run(access->use_factor(anna.id, 5)).error().code, Errc::conflict);
  ASSERT_TRUE(run(access->use_factor(anna.id, 7)));
  EXPECT_EQ(run(access->use_factor(anna.id, 6)).error().code, Errc::conflict) << "an older one";
  EXPECT_EQ(run(access->use_recovery(anna.id, hash_of('x'))).error().code, Errc::not_found);
  ASSERT_TRUE(run(access->use_recovery(anna.id, hash_of('a'))));
  EXPECT_EQ(run(access->use_recovery(anna.id, hash_of('a'))).error().code, Errc::not_found);
  reopen();
  access = &store().access();
  EXPECT_TRUE(run(store().directory().find_account("anna@example.org"))->second_factor);
  const auto kept = run(access->get_factor(anna.id));
  ASSERT_TRUE(kept);
  EXPECT_TRUE(kept->confirmed);
  EXPECT_EQ(kept->secret, "second");
  EXPECT_EQ(kept->step, 7);
  EXPECT_EQ(kept->codes, 1u);
  ASSERT_TRUE(run(access->remove_factor(anna.id)));
  EXPECT_FALSE(run(store().directory().get_account(anna.id))->second_factor);
}

std::string audit_told(Store& store, const AuditFilter& filter, std::size_t most = 100) {
  std::string all;
  const auto entries = run(store.audit().list(filter, most)).value();
  for (const AuditEntry& one : entries) all += one.action + ":" + one.subject + " ";
  return all;
}

TEST_P(StoreContract, TheAuditLogTellsTheNewestFirst) {
  const auto add = [&](const char* login, const char* action, const char* subject) {
    AuditEntry entry{.who = login, .login = login};
    entry.action = action;
    entry.subject = subject;
    entry.outcome = std::string(2 * kAuditText, 'x');
    ASSERT_TRUE(run(store().audit().add(entry)));
  };
  add("anna@example.org", "account.add", "bert@example.org");
  add("bert@example.org", "token.add", "bert@example.org 1");
  add("", "account.add", "carl@example.org");
  reopen();
  EXPECT_EQ(audit_told(store(), {}),
            "account.add:carl@example.org token.add:bert@example.org 1 account.add:bert@example.org ");
  EXPECT_EQ(audit_told(store(), {.login = "Bert@example.org"}),
            "token.add:bert@example.org 1 account.add:bert@example.org ");
  EXPECT_EQ(audit_told(store(), {.login = "ert@example.org"}), "");
  EXPECT_EQ(audit_told(store(), {.action = "account.add"}),
            "account.add:carl@example.org account.add:bert@example.org ");
  EXPECT_EQ(audit_told(store(), {}, 1), "account.add:carl@example.org ");
  const auto all = run(store().audit().list({}, 10)).value();
  EXPECT_EQ(audit_told(store(), {.before = all[0].id}, 1), "token.add:bert@example.org 1 ");
  EXPECT_EQ(all[2].who, "anna@example.org");
  EXPECT_EQ(all[2].at, now());
  EXPECT_EQ(all[2].outcome.size(), kAuditText);
  clock().advance(std::chrono::milliseconds(kKeepAudit + 1));
  add("anna@example.org", "domain.add", "example.net");
  maintain();
  EXPECT_EQ(audit_told(store(), {}), "domain.add:example.net ");
}

std::shared_ptr<PendingEntry> pending_order(const char* action, const char* subject) {
  AuditEntry entry{.who = "olga@example.org", .login = "olga@example.org"};
  entry.action = action;
  entry.subject = subject;
  entry.outcome = "done";
  return std::make_shared<PendingEntry>(std::move(entry));
}

TEST_P(StoreContract, TheFirstChangeOfAnOrderKeepsItsEntry) {
  const auto pending = pending_order("domain.add", "example.net");
  {
    const auto bound = store().bound(pending);
    ASSERT_TRUE(bound);
    ASSERT_TRUE(run(bound->directory().add_domain("example.net")));
    EXPECT_NE(pending->kept(), 0);
    ASSERT_TRUE(run(bound->upkeep().set_setting("a", "b")));
  }
  EXPECT_EQ(pending->changes(), 2);
  reopen();
  ASSERT_TRUE(run(store().directory().get_domain("example.net")));
  EXPECT_EQ(audit_told(store(), {}), "domain.add:example.net ");
  const AuditEntry kept = run(store().audit().list({}, 10)).value().at(0);
  EXPECT_EQ(kept.id, pending->kept());
  EXPECT_EQ(kept.outcome, "done");
  EXPECT_EQ(kept.at, now());
  ASSERT_TRUE(run(store().audit().amend(kept.id, "example.net 7", std::string(2 * kAuditText, 'y'))));
  EXPECT_EQ(audit_told(store(), {}), "domain.add:example.net 7 ");
  EXPECT_EQ(run(store().audit().list({}, 10)).value().at(0).outcome, std::string(kAuditText, 'y'));
}

TEST_P(StoreContract, WhatIsRefusedKeepsNoEntry) {
  ASSERT_TRUE(run(store().directory().add_domain("example.net")));
  const auto pending = pending_order("domain.add", "example.net");
  const auto bound = store().bound(pending);
  EXPECT_EQ(run(bound->directory().add_domain("example.net")).error().code, Errc::conflict);
  ASSERT_TRUE(run(bound->directory().list_domains()));
  EXPECT_EQ(pending->kept(), 0);
  EXPECT_EQ(pending->changes(), 0);
  EXPECT_EQ(audit_told(store(), {}), "");
}

TEST_P(StoreContract, WhoHearsOfChangesHearsOfThoseOfAnOrder) {
  std::vector<Change::Kind> heard;
  const auto subscription = store().subscribe([&heard](const Change& change) { heard.push_back(change.kind); });
  const std::uint64_t before = store().directory().generation();
  const auto pending = pending_order("domain.add", "example.net");
  const auto bound = store().bound(pending);
  ASSERT_TRUE(run(bound->directory().add_domain("example.net")));
  EXPECT_GT(store().directory().generation(), before);
  EXPECT_EQ(heard, std::vector{Change::Kind::directory});
}

} // namespace
} // namespace paquebot::store
