#include "store/entry_flags.h"
#include "store/test_contract.h"

#include <set>

namespace paquebot::store {
namespace {

TEST_P(StoreContract, AMessageIsReadWhereItCame) {
  const Account anna = make_account("anna@example.org"), bert = make_account("bert@example.org");
  const Ulid first = deliver(anna), second = deliver(anna);
  EXPECT_EQ(run(store().mailboxes().read_delivered(anna.id, first))->info.uid, 1u);
  EXPECT_EQ(run(store().mailboxes().read_delivered(anna.id, second))->info.uid, 2u);
  EXPECT_EQ(run(store().mailboxes().read_delivered(bert.id, first)).error().code, Errc::not_found) << "another's";
  EXPECT_EQ(run(store().mailboxes().read_delivered(0, first)).error().code, Errc::not_found);
  ASSERT_TRUE(run(store().mailboxes().expunge(inbox(anna).id, {1}, "anna")));
  EXPECT_EQ(run(store().mailboxes().read_delivered(anna.id, first)).error().code, Errc::not_found);
}

TEST_P(StoreContract, UidsAreNeverUsedAgain) {
  const Account anna = make_account("anna@example.org");
  for (int i = 0; i < 3; ++i) {
    AcceptRequest request = message();
    request.recipients = {to_mailbox(anna)};
    accepted(request);
  }
  const MailboxInfo before = inbox(anna);
  EXPECT_EQ(before.uidnext, 4u);
  EXPECT_EQ(run(store().mailboxes().expunge(before.id, {2, 3, 77}, "anna")).value_or(0), 2u);
  EXPECT_EQ(inbox(anna).count, 1u);
  reopen();
  AcceptRequest request = message();
  request.recipients = {to_mailbox(anna)};
  accepted(request);
  const auto entries = run(store().mailboxes().list_entries(before.id, 0, 10));
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ(entries->back().uid, 4u);
  EXPECT_NE(entries->front().uidl, entries->back().uidl);
  EXPECT_EQ(inbox(anna).uidvalidity, before.uidvalidity);
}

TEST_P(StoreContract, ExpungedMailIsGoneAndItsTrailSaysSo) {
  const Account anna = make_account("anna@example.org");
  AcceptRequest request = message();
  request.recipients = {to_mailbox(anna)};
  const Ulid id = accepted(request);
  const MailboxInfo box = inbox(anna);
  const auto content = run(store().mailboxes().read_entry(box.id, 1));
  ASSERT_TRUE(content);
  EXPECT_EQ(run(store().mailboxes().expunge(box.id, {1}, "POP3 anna [192.0.2.7]")).value_or(0), 1u);
  EXPECT_EQ(run(store().mailboxes().expunge(box.id, {1}, "again")).value_or(9), 0u);
  EXPECT_EQ(run(store().mailboxes().read_entry(box.id, 1)).error().code, Errc::not_found);
  EXPECT_FALSE(run(store().content().read_body(content->body, 0, 10)));
  EXPECT_EQ(inbox(anna).bytes, 0u);
  const Trace trace = trail(id);
  EXPECT_EQ(trace.events.back().kind, EventKind::removed);
  EXPECT_EQ(trace.events.back().detail, "POP3 anna [192.0.2.7]");
}

TEST_P(StoreContract, EntriesAreReadSeveralAtOnce) {
  const Account anna = make_account("anna@example.org");
  for (int i = 0; i < 4; ++i) {
    AcceptRequest request = message();
    request.body.bytes = std::string(100, static_cast<char>('a' + i));
    request.body.size = 100;
    request.recipients = {to_mailbox(anna)};
    accepted(request);
  }
  const Id box = inbox(anna).id;
  using Uids = std::vector<std::uint32_t>;
  const auto size = run(store().mailboxes().read_entry(box, 1))->info.size;
  const auto texts = [&](Uids uids, std::size_t most) {
    std::string firsts;
    const auto entries = run(store().mailboxes().read_entries(box, std::move(uids), most));
    for (const EntryContent& entry : entries.value_or(std::vector<EntryContent>()))
      firsts += entry.text.value_or("?").substr(0, 1);
    return firsts;
  };
  EXPECT_EQ(texts({1, 2, 3, 4}, 1 << 20), "abcd");
  EXPECT_EQ(texts({3, 1}, 1 << 20), "ca");
  EXPECT_EQ(texts({1, 2, 3}, 2 * size), "ab");
  EXPECT_EQ(texts({2, 3}, 0), "b") << "the first is always there";
  EXPECT_EQ(texts({1, 9, 2}, 1 << 20), "a") << "ends in front of what is not there";
  EXPECT_EQ(run(store().mailboxes().read_entries(box, {9, 1}, 1 << 20)).error().code, Errc::not_found);
}

TEST_P(StoreContract, ALargeBodyIsNotReadWithItsEntry) {
  const Account anna = make_account("anna@example.org");
  const auto staged = run(store().acceptance().stage());
  ASSERT_TRUE(staged);
  ASSERT_TRUE(run((*staged)->append(std::string(kInlineBody + 1, 'x'))));
  ASSERT_TRUE(run((*staged)->finish()));
  AcceptRequest request = message();
  request.body = {"", *staged, kInlineBody + 1, mail::BodyType::seven_bit};
  request.recipients = {to_mailbox(anna)};
  accepted(request);
  const auto entries = run(store().mailboxes().read_entries(inbox(anna).id, {1}, 1 << 20));
  ASSERT_TRUE(entries);
  EXPECT_FALSE(entries->front().text);
  EXPECT_EQ(entries->front().body.size, kInlineBody + 1);
}

TEST_P(StoreContract, ListingsAndIndexesCoverEveryEntry) {
  const Account anna = make_account("anna@example.org");
  constexpr std::uint32_t kEntries = 57;
  for (std::uint32_t i = 0; i < kEntries; ++i) {
    AcceptRequest request = message();
    request.recipients = {to_mailbox(anna)};
    accepted(request);
  }
  const Id box = inbox(anna).id;
  ASSERT_TRUE(run(store().mailboxes().expunge(box, {1, 30, 57}, "anna")));
  std::vector<std::uint32_t> uids;
  for (std::uint32_t after = 0;;) {
    const auto page = run(store().mailboxes().list_entries(box, after, 10));
    ASSERT_TRUE(page);
    if (page->empty()) break;
    for (const EntryInfo& e : *page) uids.push_back(e.uid);
    after = uids.back();
  }
  ASSERT_EQ(uids.size(), 54u);
  for (const std::uint32_t stride : {1u, 2u, 7u, 54u, 1000u}) {
    const auto index = run(store().mailboxes().index_view(inbox(anna).view(), stride));
    ASSERT_TRUE(index);
    std::vector<std::uint32_t> expected;
    for (std::size_t i = 0; i < uids.size(); i += stride) expected.push_back(uids[i]);
    EXPECT_EQ(*index, expected) << stride;
  }
  MailboxView first = inbox(anna).view();
  first.uidnext = 5;
  EXPECT_EQ(run(store().mailboxes().index_view(first, 2)).value(), (std::vector<std::uint32_t>{2, 4}));
  EXPECT_FALSE(run(store().mailboxes().index_view(first, 0)));
}

/// uids, those that are gone with a minus.
std::vector<std::int64_t> seen(const Result<std::vector<EntryInfo>>& entries) {
  std::vector<std::int64_t> uids;
  for (const EntryInfo& e : entries.value()) uids.push_back(e.gone ? -std::int64_t{e.uid} : std::int64_t{e.uid});
  return uids;
}

TEST_P(StoreContract, AViewShowsWhatWasThere) {
  const Account anna = make_account("anna@example.org");
  for (int i = 0; i < 9; ++i) deliver(anna);
  const Id box = inbox(anna).id;
  ASSERT_TRUE(run(store().mailboxes().expunge(box, {2, 8}, "anna")));
  const MailboxView view = inbox(anna).view();
  deliver(anna);
  ASSERT_TRUE(run(store().mailboxes().expunge(box, {4, 5, 7, 9, 10}, "anna")));
  ASSERT_TRUE(run(store().mailboxes().expunge(box, {1, 3}, "anna")));
  using Seen = std::vector<std::int64_t>;
  EXPECT_EQ(seen(run(store().mailboxes().list_view(view, 0, 100))), (Seen{-1, -3, -4, -5, 6, -7, -9}));
  EXPECT_EQ(seen(run(store().mailboxes().list_view(view, 4, 2))), (Seen{-5, 6}));
  EXPECT_EQ(seen(run(store().mailboxes().list_view(view, 6, 1))), (Seen{-7}));
  EXPECT_EQ(seen(run(store().mailboxes().list_view(view, 9, 1))), Seen());
  const auto entries = run(store().mailboxes().list_view(view, 5, 1)).value();
  EXPECT_EQ(entries.front().uidl, run(store().mailboxes().list_entries(box, 5, 1)).value().front().uidl);
  for (const std::uint32_t stride : {1u, 2u, 3u, 50u}) {
    const Seen all{1, 3, 4, 5, 6, 7, 9};
    std::vector<std::uint32_t> expected;
    for (std::size_t i = 0; i < all.size(); i += stride) expected.push_back(static_cast<std::uint32_t>(all[i]));
    EXPECT_EQ(run(store().mailboxes().index_view(view, stride)).value(), expected) << stride;
  }
  EXPECT_EQ(seen(run(store().mailboxes().list_view(inbox(anna).view(), 0, 9))), Seen{6});
  run(store().directory().remove_account(anna.login)).value();
  EXPECT_EQ(run(store().mailboxes().list_view(view, 0, 100)).error().code, Errc::not_found);
  maintain();
}

/// What was deleted is known as long as trails are; who saw the mailbox before what is forgotten is told so.
TEST_P(StoreContract, WhatWasDeletedIsForgottenLater) {
  const Account anna = make_account("anna@example.org"), bert = make_account("bert@example.org");
  for (int i = 0; i < 4; ++i) deliver(anna);
  deliver(bert);
  deliver(bert);
  const MailboxView first = inbox(anna).view(), of_bert = inbox(bert).view();
  ASSERT_TRUE(run(store().mailboxes().expunge(first.mailbox, {1}, "anna")));
  const MailboxView second = inbox(anna).view();
  clock().advance(std::chrono::hours(24 * 20));
  ASSERT_TRUE(run(store().mailboxes().expunge(first.mailbox, {2}, "anna")));
  ASSERT_TRUE(run(store().mailboxes().expunge(of_bert.mailbox, {2}, "bert")));
  maintain();
  using Seen = std::vector<std::int64_t>;
  EXPECT_EQ(seen(run(store().mailboxes().list_view(first, 0, 9))), (Seen{-1, -2, 3, 4}));
  clock().advance(std::chrono::hours(24 * 20));
  maintain();
  EXPECT_EQ(run(store().mailboxes().list_view(first, 0, 9)).error().code, Errc::conflict);
  EXPECT_EQ(run(store().mailboxes().index_view(first, 1)).error().code, Errc::conflict);
  EXPECT_EQ(seen(run(store().mailboxes().list_view(second, 0, 9))), (Seen{-2, 3, 4}));
  EXPECT_EQ(seen(run(store().mailboxes().list_view(of_bert, 0, 9))), (Seen{1, -2}));
  clock().advance(std::chrono::hours(24 * 20));
  maintain();
  EXPECT_EQ(run(store().mailboxes().list_view(second, 0, 9)).error().code, Errc::conflict);
  EXPECT_EQ(run(store().mailboxes().list_view(of_bert, 0, 9)).error().code, Errc::conflict);
  EXPECT_EQ(seen(run(store().mailboxes().list_view(inbox(anna).view(), 0, 9))), (Seen{3, 4}));
}

TEST_P(StoreContract, OneSessionAMailbox) {
  const Account anna = make_account("anna@example.org");
  const Id box = inbox(anna).id;
  auto lock = run(store().mailboxes().lock(box));
  ASSERT_TRUE(lock);
  EXPECT_EQ(run(store().mailboxes().lock(box)).error().code, Errc::conflict);
  EXPECT_TRUE(run((*lock)->unlock()));
  EXPECT_TRUE(run((*lock)->unlock())) << "a second time does nothing";
  auto next = run(store().mailboxes().lock(box));
  ASSERT_TRUE(next);
  lock->reset();
  EXPECT_FALSE(run(store().mailboxes().lock(box))) << "it was given back before: it is not the next one's";
  next->reset();
  next = run(store().mailboxes().lock(box));
  ASSERT_TRUE(next) << "what is let go is unlocked";
  reopen();
  EXPECT_TRUE(run(store().mailboxes().lock(box))) << "a lock ends with its epoch";
}

TEST_P(StoreContract, AnImportIsTakenOnce) {
  const Account anna = make_account("anna@example.org"), bert = make_account("bert@example.org");
  const auto import = [&](const Account& account, const std::string& digest) {
    AcceptRequest request = message();
    request.klass = MessageClass::imported;
    request.digest = digest;
    request.recipients = {to_mailbox(account)};
    return run(store().acceptance().accept(std::make_shared<AcceptRequest>(request))).status;
  };
  const std::string one(16, '\1'), two(16, '\2');
  EXPECT_FALSE(run(store().mailboxes().was_imported(anna.id, one)).value());
  EXPECT_EQ(import(anna, one), AcceptStatus::accepted);
  EXPECT_EQ(import(anna, one), AcceptStatus::duplicate);
  EXPECT_EQ(import(anna, two), AcceptStatus::accepted);
  EXPECT_EQ(import(bert, one), AcceptStatus::accepted);
  EXPECT_EQ(import(anna, ""), AcceptStatus::accepted);
  EXPECT_EQ(import(anna, ""), AcceptStatus::accepted);
  EXPECT_EQ(inbox(anna).count, 4u);
  EXPECT_TRUE(run(store().mailboxes().expunge(inbox(anna).id, {1, 2}, "anna")));
  reopen();
  EXPECT_TRUE(run(store().mailboxes().was_imported(anna.id, one)).value())
      << "deleted by its owner: it does not come back";
  EXPECT_EQ(import(anna, one), AcceptStatus::duplicate);
  EXPECT_FALSE(run(store().mailboxes().was_imported(bert.id, two)).value());
  AcceptRequest elsewhere = message();
  elsewhere.klass = MessageClass::imported;
  elsewhere.digest = two;
  elsewhere.recipients = {to_mailbox(anna)};
  elsewhere.recipients[0].mailbox = "Archive";
  EXPECT_EQ(run(store().acceptance().accept(std::make_shared<AcceptRequest>(elsewhere))).status,
            AcceptStatus::duplicate)
      << "in whichever mailbox it was put";
  elsewhere.digest = std::string(16, '\3');
  EXPECT_EQ(run(store().acceptance().accept(std::make_shared<AcceptRequest>(elsewhere))).status,
            AcceptStatus::accepted);
  EXPECT_TRUE(run(store().mailboxes().was_imported(anna.id, elsewhere.digest)).value());
  ASSERT_TRUE(run(store().directory().remove_account("anna@example.org")));
  EXPECT_FALSE(run(store().mailboxes().was_imported(anna.id, one)).value());
  while (run(store().upkeep().maintain(message().accepted_at)).value()) {
  }
  EXPECT_EQ(run(store().upkeep().verify()).value(), std::vector<std::string>());
}

TEST_P(StoreContract, AnImportKeepsItsUidlUnlessItIsTaken) {
  const Account anna = make_account("anna@example.org"), bert = make_account("bert@example.org");
  const auto import = [&](const Account& account, const std::string& uidl) {
    AcceptRequest request = message();
    request.klass = MessageClass::imported;
    request.uidl = uidl;
    request.recipients = {to_mailbox(account)};
    accepted(request);
    const auto entries = run(store().mailboxes().list_entries(inbox(account).id, 0, 100)).value();
    EXPECT_EQ(run(store().mailboxes().read_entry(inbox(account).id, entries.back().uid)).value().info.old_uidl,
              entries.back().old_uidl);
    return entries.back().old_uidl;
  };
  EXPECT_EQ(import(anna, "000000104c0907b0"), "000000104c0907b0");
  EXPECT_EQ(import(anna, "sixteen-octets-1"), "sixteen-octets-1") << "as long as an id of ours";
  EXPECT_EQ(import(anna, "000000104c0907b0"), "");
  EXPECT_EQ(import(anna, ""), "");
  EXPECT_EQ(import(anna, Ulid().to_string()), "") << "it could be one of ours";
  EXPECT_EQ(import(bert, "000000104c0907b0"), "000000104c0907b0");
  EXPECT_TRUE(run(store().mailboxes().expunge(inbox(anna).id, {1}, "anna")));
  EXPECT_EQ(import(anna, "000000104c0907b0"), "000000104c0907b0");
  EXPECT_EQ(run(store().upkeep().verify()).value(), std::vector<std::string>());
}

TEST_P(StoreContract, AQuotaHoldsForImports) {
  const Account anna = make_account("anna@example.org", 10);
  AcceptRequest request = message();
  request.klass = MessageClass::imported;
  request.recipients = {to_mailbox(anna)};
  EXPECT_EQ(run(store().acceptance().accept(std::make_shared<AcceptRequest>(request))).status,
            AcceptStatus::over_quota);
  EXPECT_EQ(inbox(anna).count, 0u);
}

TEST_P(StoreContract, ImportsKeepTheirDateFlagsAndOctets) {
  const Account anna = make_account("anna@example.org");
  AcceptRequest request = message();
  request.klass = MessageClass::imported;
  request.internal_date = 1'000'000'000'000;
  request.flags = kSeen | kFlagged;
  request.recipients = {to_mailbox(anna)};
  accepted(request);
  const auto content = run(store().mailboxes().read_entry(inbox(anna).id, 1));
  ASSERT_TRUE(content);
  EXPECT_EQ(content->info.internal_date, 1'000'000'000'000);
  EXPECT_EQ(content->info.flags, kSeen | kFlagged);
  EXPECT_EQ(content->head, request.head);
}

TEST_P(StoreContract, WhatCameAsSmtputf8IsMarked) {
  const Account anna = make_account("anna@example.org");
  AcceptRequest request = message();
  request.sender.smtputf8 = true;
  request.recipients = {to_mailbox(anna)};
  accepted(request);
  request = message();
  request.recipients = {to_mailbox(anna)};
  accepted(request);
  const auto rows = run(store().mailboxes().list_entries(inbox(anna).id, 0, 10)).value();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].flags, kInternational);
  EXPECT_EQ(rows[1].flags, 0u);
  EXPECT_EQ(run(store().upkeep().verify()).value(), std::vector<std::string>());
}

TEST_P(StoreContract, InboxIsFoundInAnyCaseAndOthersNot) {
  const Account anna = make_account("anna@example.org");
  EXPECT_TRUE(run(store().mailboxes().open(anna.id, "inbox")));
  EXPECT_EQ(run(store().mailboxes().open(anna.id, "sent")).error().code, Errc::not_found);
  EXPECT_EQ(run(store().mailboxes().open(999, "INBOX")).error().code, Errc::not_found);
}

TEST_P(StoreContract, ARemovedAccountsMailGoesInSlices) {
  const Account anna = make_account("anna@example.org");
  const Account bert = make_account("bert@example.org");
  const MailboxInfo old = inbox(anna);
  for (int i = 0; i < 450; ++i) {
    AcceptRequest request = message();
    request.recipients = {to_mailbox(anna), to_mailbox(bert)};
    accepted(request);
  }
  ASSERT_TRUE(run(store().directory().remove_account("anna@example.org")));
  AcceptRequest late = message();
  late.recipients = {to_mailbox(anna)};
  EXPECT_EQ(accept(late).status, AcceptStatus::account_gone);
  expect_sound();
  int slices = 1;
  while (run(store().upkeep().maintain(now())).value_or(false)) ++slices;
  EXPECT_GE(slices, 3);
  EXPECT_TRUE(run(store().mailboxes().list_entries(old.id, 0, 10)).value().empty());
  EXPECT_EQ(inbox_count(bert), 450u);
  const Account again = make_account("anna@example.org");
  EXPECT_EQ(inbox(again).count, 0u);
  EXPECT_GT(inbox(again).uidvalidity, old.uidvalidity);
}

TEST_P(StoreContract, OldMailExpiresInSlicesAndNotUnderALock) {
  const Account anna = make_account("anna@example.org"), bert = make_account("bert@example.org");
  const Ulid oldest = accepted([&] {
    AcceptRequest request = message();
    request.recipients = {to_mailbox(anna), to_mailbox(bert)};
    return request;
  }());
  for (int i = 0; i < 449; ++i) {
    AcceptRequest request = message();
    request.recipients = {to_mailbox(anna)};
    accepted(request);
  }
  clock().advance(std::chrono::hours(24));
  const std::int64_t before = now() - 1000;
  AcceptRequest fresh = message();
  fresh.recipients = {to_mailbox(anna), to_mailbox(bert)};
  accepted(fresh);
  const auto round = [&] {
    int slices = 0;
    std::size_t removed = 0;
    for (bool more = true; more; ++slices) {
      const auto slice = run(store().mailboxes().expire_entries(before, "expired"));
      if (!slice) return std::pair{slices, std::size_t{9999}};
      removed += slice->removed;
      more = slice->more;
    }
    return std::pair{slices, removed};
  };
  const auto lock = run(store().mailboxes().lock(inbox(anna).id));
  ASSERT_TRUE(lock);
  EXPECT_EQ(round().second, 1u) << "bert's only";
  EXPECT_EQ(inbox_count(anna), 451u);
  EXPECT_TRUE(run((*lock)->unlock()));
  const auto [slices, removed] = round();
  EXPECT_EQ(removed, 450u);
  EXPECT_GE(slices, 3);
  EXPECT_EQ(round().second, 0u);
  EXPECT_EQ(inbox_count(anna), 1u);
  EXPECT_EQ(inbox_count(bert), 1u);
  EXPECT_EQ(trail(oldest).events.back().kind, EventKind::removed);
  EXPECT_EQ(trail(oldest).events.back().detail, "expired");
  EXPECT_TRUE(run(store().mailboxes().lock(inbox(anna).id))) << "it gave the lock back";
  expect_sound();
}

} // namespace
} // namespace paquebot::store
