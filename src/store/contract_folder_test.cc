#include "store/entry_flags.h"
#include "store/test_contract.h"

#include <algorithm>
#include <map>

namespace paquebot::store {
namespace {

using How = FlagChange::How;
using Uids = std::vector<std::uint32_t>;

std::map<std::string, Folder> folders_of(Store& store, const Account& account) {
  std::map<std::string, Folder> out;
  const auto list = run(store.mailboxes().list_folders(account.id));
  for (const Folder& one : list.value().folders) out[one.name] = one;
  return out;
}

std::vector<std::string> names_of(Store& store, const Account& account) {
  std::vector<std::string> out;
  for (const auto& [name, folder] : folders_of(store, account)) out.push_back(name);
  return out;
}

Errc why(const Result<>& result) { return result ? Errc{} : result.error().code; }

Marked marked(Store& store, Id mailbox, UidSet uids, FlagChange change) {
  auto done = run(store.mailboxes().mark(mailbox, std::move(uids), std::move(change)));
  EXPECT_TRUE(done);
  return done.value_or(Marked());
}

std::uint64_t flags_of(Store& store, Id mailbox, std::uint32_t uid) {
  const auto rows = run(store.mailboxes().list_set(mailbox, {{uid, uid}}, 1));
  return rows && !rows->empty() ? (*rows)[0].flags : ~std::uint64_t{0};
}

TEST_P(StoreContract, AnAccountBeginsWithItsFolders) {
  const Account anna = make_account("anna@example.org");
  EXPECT_EQ(names_of(store(), anna), (std::vector<std::string>{"Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"}));
  const auto folders = folders_of(store(), anna);
  EXPECT_EQ(folders.at("INBOX").special_use, 0);
  EXPECT_EQ(folders.at("Archive").special_use, 2);
  EXPECT_EQ(folders.at("Drafts").special_use, 4);
  EXPECT_EQ(folders.at("Junk").special_use, 16);
  EXPECT_EQ(folders.at("Sent").special_use, 32);
  EXPECT_EQ(folders.at("Trash").special_use, 64);
  EXPECT_EQ(run(store().mailboxes().list_folders(anna.id))->subscribed.size(), 6u);
}

TEST_P(StoreContract, FoldersAreMadeWithThoseAboveThem) {
  const Account anna = make_account("anna@example.org");
  EXPECT_TRUE(run(store().mailboxes().create_folder(anna.id,
                                                    "Work/2026/\xC3\x9C"
                                                    "bung",
                                                    0)));
  EXPECT_EQ(why(run(store().mailboxes().create_folder(anna.id, "Work/2026", 0))), Errc::conflict);
  EXPECT_EQ(why(run(store().mailboxes().create_folder(anna.id, "inbox", 0))), Errc::conflict);
  EXPECT_EQ(why(run(store().mailboxes().create_folder(anna.id + 100, "x", 0))), Errc::not_found);
  EXPECT_TRUE(run(store().mailboxes().create_folder(anna.id, "Second", 2)));
  reopen();
  const auto folders = folders_of(store(), anna);
  EXPECT_TRUE(folders.contains("Work"));
  EXPECT_TRUE(folders.contains("Work/2026/\xC3\x9C"
                               "bung"));
  EXPECT_EQ(folders.at("Second").special_use, 2);
}

TEST_P(StoreContract, FoldersAreBounded) {
  const Account anna = make_account("anna@example.org");
  std::size_t made = 6;
  for (int n = 0; made + 30 <= kMostFolders; ++n, made += 30) {
    std::string name = "f" + std::to_string(n);
    for (int level = 1; level < 30; ++level) name += "/x";
    ASSERT_TRUE(run(store().mailboxes().create_folder(anna.id, name, 0)));
  }
  for (; made < kMostFolders; ++made)
    ASSERT_TRUE(run(store().mailboxes().create_folder(anna.id, "g" + std::to_string(made), 0)));
  EXPECT_EQ(why(run(store().mailboxes().create_folder(anna.id, "more", 0))), Errc::refused);
  EXPECT_EQ(why(run(store().mailboxes().create_folder(anna.id, "one/more", 0))), Errc::refused);
  EXPECT_EQ(folders_of(store(), anna).size(), kMostFolders) << "nothing of what was refused is left";
}

TEST_P(StoreContract, ARemovedFolderIsGoneWithItsMailAndItsUidvalidityIsNotGivenAgain) {
  const Account anna = make_account("anna@example.org");
  deliver(anna);
  ASSERT_TRUE(run(store().mailboxes().create_folder(anna.id, "Old/deep", 0)));
  const Id inbox_id = inbox(anna).id;
  ASSERT_TRUE(run(store().mailboxes().copy(inbox_id, {{1, 1}}, anna.id, "Old", false)));
  const Folder before = folders_of(store(), anna).at("Old");
  EXPECT_EQ(before.count, 1u);
  EXPECT_TRUE(run(store().mailboxes().subscribe_folder(anna.id, "Old", true)));
  EXPECT_TRUE(run(store().mailboxes().remove_folder(anna.id, "Old")));
  EXPECT_EQ(why(run(store().mailboxes().remove_folder(anna.id, "Old"))), Errc::not_found);
  EXPECT_EQ(why(run(store().mailboxes().remove_folder(anna.id, "Inbox"))), Errc::refused);
  EXPECT_TRUE(folders_of(store(), anna).contains("Old/deep")) << "what is below it stays";
  const auto subscribed = run(store().mailboxes().list_folders(anna.id))->subscribed;
  EXPECT_NE(std::ranges::find(subscribed, "Old"), subscribed.end()) << "so do subscriptions";
  EXPECT_EQ(run(store().mailboxes().changes_since(before.view())).error().code, Errc::not_found);
  maintain();
  EXPECT_EQ(inbox(anna).count, 1u) << "the content is shared";
  EXPECT_TRUE(run(store().mailboxes().read_entry(inbox_id, 1)));
  ASSERT_TRUE(run(store().mailboxes().create_folder(anna.id, "Old", 0)));
  EXPECT_GT(folders_of(store(), anna).at("Old").uidvalidity, before.uidvalidity);
}

TEST_P(StoreContract, RenamingTakesAlongWhatIsBelow) {
  const Account anna = make_account("anna@example.org");
  ASSERT_TRUE(run(store().mailboxes().create_folder(anna.id, "a/b/c", 0)));
  ASSERT_TRUE(run(store().mailboxes().create_folder(anna.id, "ab", 0)));
  const auto before = folders_of(store(), anna);
  EXPECT_TRUE(run(store().mailboxes().rename_folder(anna.id, "a", "new/place")));
  const auto after = folders_of(store(), anna);
  EXPECT_EQ(after.at("new/place/b/c").id, before.at("a/b/c").id);
  EXPECT_EQ(after.at("new/place").uidvalidity, before.at("a").uidvalidity);
  EXPECT_TRUE(after.contains("new")) << "made on the way";
  EXPECT_TRUE(after.contains("ab"));
  EXPECT_FALSE(after.contains("a"));
  EXPECT_EQ(why(run(store().mailboxes().rename_folder(anna.id, "new/place", "ab"))), Errc::conflict);
  EXPECT_EQ(why(run(store().mailboxes().rename_folder(anna.id, "nothing", "x"))), Errc::not_found);
  ASSERT_TRUE(run(store().mailboxes().create_folder(anna.id, "x/b", 0)));
  ASSERT_TRUE(run(store().mailboxes().remove_folder(anna.id, "x")));
  EXPECT_EQ(why(run(store().mailboxes().rename_folder(anna.id, "new/place", "x"))), Errc::conflict) << "x/b is there";
}

TEST_P(StoreContract, RenamingInboxEmptiesIt) {
  const Account anna = make_account("anna@example.org");
  deliver(anna);
  const MailboxInfo before = inbox(anna);
  EXPECT_TRUE(run(store().mailboxes().rename_folder(anna.id, "INBOX", "Saved/2026")));
  EXPECT_EQ(inbox(anna).count, 0u);
  EXPECT_GT(inbox(anna).uidvalidity, before.uidvalidity);
  EXPECT_EQ(folders_of(store(), anna).at("Saved/2026").count, 1u);
  deliver(anna);
  EXPECT_EQ(inbox(anna).count, 1u);
}

TEST_P(StoreContract, FlagsAndKeywordsAreKeptAndCounted) {
  const Account anna = make_account("anna@example.org");
  for (int i = 0; i < 4; ++i) deliver(anna);
  const Id box = inbox(anna).id;
  Marked done = marked(store(), box, {{1, 2}, {9, 9}}, {How::add, kSeen | kDeleted, {"$Junk", "Later"}});
  ASSERT_EQ(done.marks.size(), 2u) << "of those that are there";
  ASSERT_EQ(done.keywords.size(), 2u);
  EXPECT_EQ(done.keywords[0].bit, kFirstKeyword);
  EXPECT_EQ(done.marks[0].flags & kSystemFlags, kSeen | kDeleted);
  EXPECT_EQ(done.marks[0].modseq, done.marks[1].modseq);
  EXPECT_EQ(inbox(anna).unseen, 2u);
  EXPECT_EQ(inbox(anna).deleted, 2u);
  done = marked(store(), box, {{1, 1}}, {How::add, kSeen, {"$JUNK"}});
  EXPECT_FALSE(done.marks[0].changed) << "it was so before";
  EXPECT_EQ(done.keywords.size(), 2u) << "in any case one keyword";
  marked(store(), box, {{1, 1}}, {How::remove, kDeleted, {"Later", "never there"}});
  marked(store(), box, {{2, 2}}, {How::replace, kFlagged, {}});
  reopen();
  EXPECT_EQ(flags_of(store(), box, 1), kSeen | (1ull << kFirstKeyword) | kTouched);
  EXPECT_EQ(flags_of(store(), box, 2), kFlagged | kTouched);
  EXPECT_EQ(flags_of(store(), box, 3), 0u);
  EXPECT_EQ(inbox(anna).unseen, 3u);
  EXPECT_EQ(inbox(anna).deleted, 0u);
  EXPECT_EQ(run(store().mailboxes().list_keywords(box))->size(), 2u);
}

TEST_P(StoreContract, WhatChangedBehindAModseqIsFound) {
  const Account anna = make_account("anna@example.org");
  for (int i = 0; i < 5; ++i) deliver(anna);
  const MailboxInfo then = inbox(anna);
  marked(store(), then.id, {{2, 2}}, {How::add, kSeen, {}});
  deliver(anna);
  ASSERT_TRUE(run(store().mailboxes().expunge(then.id, {3, 4}, "somebody")));
  const auto since = [&](std::int64_t modseq) {
    return run(store().mailboxes().entries_since({then.id, inbox(anna).uidnext, modseq})).value();
  };
  EXPECT_EQ(since(then.modseq).changed, (UidSet{{2, 2}, {6, 6}}));
  EXPECT_EQ(since(then.modseq).gone, (UidSet{{3, 4}}));
  EXPECT_FALSE(since(then.modseq).all_gone);
  EXPECT_EQ(since(-1).changed, (UidSet{{1, 2}, {5, 6}}));
  EXPECT_TRUE(since(inbox(anna).modseq).changed.empty());
  EXPECT_EQ(run(store().mailboxes().entries_since({then.id + 99, 9, 0})).error().code, Errc::not_found);
}

TEST_P(StoreContract, FlagsAreChangedOnlyWhereNobodyElseHas) {
  const Account anna = make_account("anna@example.org");
  for (int i = 0; i < 3; ++i) deliver(anna);
  const MailboxInfo then = inbox(anna);
  marked(store(), then.id, {{2, 2}}, {How::add, kSeen, {}});
  FlagChange change{How::add, kFlagged | kDeleted, {}, then.modseq};
  const Marked done = marked(store(), then.id, {{1, 3}}, change);
  EXPECT_EQ(done.refused, (UidSet{{2, 2}}));
  ASSERT_EQ(done.marks.size(), 2u);
  EXPECT_EQ(done.marks[1].uid, 3u);
  EXPECT_EQ(flags_of(store(), then.id, 2) & kFlagged, 0u);
  const FlagSums sums = run(store().mailboxes().sum_flags(then.id)).value();
  EXPECT_EQ(sums.first_unseen, 1u);
  EXPECT_EQ(sums.deleted_octets, inbox(anna).bytes / 3 * 2);
}

TEST_P(StoreContract, KeywordsOfAMailboxAreBounded) {
  const Account anna = make_account("anna@example.org");
  deliver(anna);
  const Id box = inbox(anna).id;
  for (unsigned bit = kFirstKeyword; bit <= kLastKeyword; ++bit)
    ASSERT_TRUE(run(store().mailboxes().mark(box, {{1, 1}}, {How::add, 0, {"k" + std::to_string(bit)}})));
  EXPECT_EQ(run(store().mailboxes().mark(box, {{1, 1}}, {How::add, kSeen, {"one-more"}})).error().code, Errc::refused);
  EXPECT_EQ(flags_of(store(), box, 1) & kSeen, 0u) << "nothing of it was done";
}

TEST_P(StoreContract, ChangesAreToldToWhoSawTheMailboxBefore) {
  const Account anna = make_account("anna@example.org");
  for (int i = 0; i < 5; ++i) deliver(anna);
  const MailboxInfo seen = inbox(anna);
  EXPECT_EQ(*run(store().mailboxes().list_uids(seen.view())), (UidSet{{1, 5}}));
  marked(store(), seen.id, {{1, 1}, {4, 4}}, {How::add, kFlagged, {"$Label"}});
  EXPECT_EQ(run(store().mailboxes().expunge(seen.id, {2, 3}, "anna")).value_or(0), 2u);
  deliver(anna);
  deliver(anna);
  EXPECT_EQ(run(store().mailboxes().expunge(seen.id, {6}, "anna")).value_or(0), 1u);
  const auto changes = run(store().mailboxes().changes_since(seen.view()));
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->gone, (UidSet{{2, 3}})) << "what came and went was never seen";
  EXPECT_EQ(changes->added, (UidSet{{7, 7}}));
  ASSERT_EQ(changes->changed.size(), 2u);
  EXPECT_EQ(changes->changed[1].uid, 4u);
  ASSERT_EQ(changes->keywords.size(), 1u);
  EXPECT_EQ(changes->keywords[0].name, "$Label");
  EXPECT_FALSE(changes->more);
  EXPECT_EQ(changes->until.uidnext, 8u);
  const auto nothing = run(store().mailboxes().changes_since(changes->until));
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->gone.empty() && nothing->added.empty() && nothing->changed.empty());
  EXPECT_EQ(*run(store().mailboxes().list_uids(changes->until)), (UidSet{{1, 1}, {4, 5}, {7, 7}}));
}

TEST_P(StoreContract, OnlyWhatIsMarkedIsExpunged) {
  const Account anna = make_account("anna@example.org");
  for (int i = 0; i < 6; ++i) deliver(anna);
  const Id box = inbox(anna).id;
  EXPECT_EQ(run(store().mailboxes().expunge_deleted(box, {{1, 100}}, "anna"))->removed, 0u);
  marked(store(), box, {{2, 4}}, {How::add, kDeleted, {}});
  const auto some = run(store().mailboxes().expunge_deleted(box, {{1, 2}, {4, 4}}, "anna"));
  ASSERT_TRUE(some);
  EXPECT_EQ(some->removed, 2u);
  EXPECT_FALSE(some->more);
  EXPECT_EQ(*run(store().mailboxes().list_uids(inbox(anna).view())), (UidSet{{1, 1}, {3, 3}, {5, 6}}));
  EXPECT_EQ(inbox(anna).deleted, 1u);
}

TEST_P(StoreContract, CopiesShareTheirContentAndKeepFlagsAndDates) {
  const Account anna = make_account("anna@example.org");
  for (int i = 0; i < 3; ++i) deliver(anna);
  const Id box = inbox(anna).id;
  marked(store(), box, {{2, 2}}, {How::add, kAnswered, {"first", "second"}});
  const Id sent = folders_of(store(), anna).at("Sent").id;
  ASSERT_TRUE(run(store().mailboxes().mark(sent, {}, {How::add, 0, {"other"}})));
  const auto copied = run(store().mailboxes().copy(box, {{1, 2}, {77, 80}}, anna.id, "Sent", false));
  ASSERT_TRUE(copied);
  EXPECT_EQ(copied->from, (Uids{1, 2}));
  EXPECT_EQ(copied->to, (Uids{1, 2}));
  EXPECT_EQ(copied->uidvalidity, folders_of(store(), anna).at("Sent").uidvalidity);
  const auto keywords = *run(store().mailboxes().list_keywords(sent));
  ASSERT_EQ(keywords.size(), 3u);
  EXPECT_EQ(flags_of(store(), sent, 2), kAnswered | (1ull << keywords[1].bit) | (1ull << keywords[2].bit));
  EXPECT_EQ(keywords[1].name, "first");
  EXPECT_EQ(inbox(anna).count, 3u);
  EXPECT_EQ(run(store().mailboxes().expunge(box, {1, 2}, "anna")).value_or(0), 2u);
  const auto content = run(store().mailboxes().read_entry(sent, 1));
  ASSERT_TRUE(content);
  EXPECT_EQ(run(store().content().read_body(content->body, 0, 100)).value_or(""), "Hello.\r\n");
  EXPECT_EQ(run(store().mailboxes().copy(sent, {{1, 1}}, anna.id, "nowhere", false)).error().code, Errc::not_found);
  EXPECT_EQ(*run(store().mailboxes().copy(sent, {{1, 1}}, anna.id, "Sent", false))->to.begin(), 3u) << "into itself";
}

TEST_P(StoreContract, MovesLeaveNothingBehindAndTheirTrailIsSound) {
  const Account anna = make_account("anna@example.org");
  for (int i = 0; i < 3; ++i) deliver(anna);
  const MailboxInfo before = inbox(anna);
  marked(store(), before.id, {{3, 3}}, {How::add, kSeen, {}});
  const auto moved = run(store().mailboxes().copy(before.id, {{2, 3}}, anna.id, "Trash", true));
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->from, (Uids{2, 3}));
  EXPECT_EQ(inbox(anna).count, 1u);
  EXPECT_EQ(inbox(anna).unseen, 1u);
  EXPECT_EQ(run(store().mailboxes().changes_since(before.view()))->gone, (UidSet{{2, 3}}));
  const Folder trash = folders_of(store(), anna).at("Trash");
  EXPECT_EQ(trash.count, 2u);
  EXPECT_EQ(trash.unseen, 1u);
  reopen();
  EXPECT_TRUE(run(store().mailboxes().read_entry(trash.id, 2)));
  EXPECT_EQ(run(store().mailboxes().expunge(trash.id, {1, 2}, "anna")).value_or(0), 2u);
}

TEST_P(StoreContract, ACopyCountsInTheQuotaAndAMoveDoesNot) {
  const Account anna = make_account("anna@example.org");
  for (int i = 0; i < 3; ++i) deliver(anna);
  const MailboxInfo box = inbox(anna);
  Account bounded = run(store().directory().get_account(anna.id)).value();
  bounded.quota = box.bytes * 3 / 2;
  ASSERT_TRUE(run(store().directory().update_account(bounded)));
  EXPECT_EQ(run(store().mailboxes().copy(box.id, {{1, 3}}, anna.id, "Sent", false)).error().code, Errc::refused);
  EXPECT_EQ(folders_of(store(), anna).at("Sent").count, 0u);
  EXPECT_TRUE(run(store().mailboxes().copy(box.id, {{1, 3}}, anna.id, "Sent", true)));
}

TEST_P(StoreContract, WhatIsAcceptedForAFolderTellsItsUidAndHasItsKeywords) {
  const Account anna = make_account("anna@example.org");
  AcceptRequest request = message();
  request.klass = MessageClass::imported;
  request.flags = kSeen;
  request.keywords = {"$MDNSent"};
  NewRecipient to = to_mailbox(anna);
  to.mailbox = "Sent";
  request.recipients = {to};
  const AcceptResult result = accept(request);
  ASSERT_EQ(result.status, AcceptStatus::accepted);
  const Id sent = folders_of(store(), anna).at("Sent").id;
  EXPECT_EQ(result.mailboxes, (std::vector<Id>{sent}));
  EXPECT_EQ(result.uids, (Uids{1}));
  EXPECT_EQ(flags_of(store(), sent, 1), kSeen | (1ull << kFirstKeyword));
}

} // namespace
} // namespace paquebot::store
