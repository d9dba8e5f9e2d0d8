#include "store/test_contract.h"

namespace paquebot::store {
namespace {

/// Imports with the uid that the message had elsewhere; the uid that it has now.
std::uint32_t imported(Store& store, AcceptRequest request, std::uint32_t uid) {
  request.klass = MessageClass::imported;
  request.digest = request.id.to_string();
  request.uid = uid;
  const auto done = run(store.acceptance().accept(std::make_shared<AcceptRequest>(request)));
  EXPECT_EQ(done.status, AcceptStatus::accepted);
  return done.uids.empty() ? 0 : done.uids[0];
}

TEST_P(StoreContract, AnImportKeepsUidsThatRise) {
  const Account anna = make_account("anna@example.org");
  const auto with = [&](std::uint32_t uid) {
    AcceptRequest request = message();
    request.recipients = {to_mailbox(anna)};
    return imported(store(), request, uid);
  };
  EXPECT_EQ(with(7), 7u);
  EXPECT_EQ(with(9), 9u);
  EXPECT_EQ(with(8), 10u) << "one that a higher one was given before";
  EXPECT_EQ(with(10), 11u) << "one that is taken";
  EXPECT_EQ(with(0), 12u);
  EXPECT_EQ(with(kMostKeptUid + 1), 13u);
  AcceptRequest plain = message();
  plain.recipients = {to_mailbox(anna)};
  plain.uid = 1000;
  EXPECT_EQ(run(store().acceptance().accept(std::make_shared<AcceptRequest>(plain))).uids,
            std::vector<std::uint32_t>{14})
      << "no import";
  reopen();
  EXPECT_EQ(inbox(anna).uidnext, 15u);
  EXPECT_EQ(run(store().upkeep().verify()).value(), std::vector<std::string>());
}

TEST_P(StoreContract, AMailboxAdoptsTheUidvalidityOfElsewhere) {
  const Account anna = make_account("anna@example.org");
  const auto with = [&](std::uint32_t uid) {
    AcceptRequest request = message();
    request.recipients = {to_mailbox(anna)};
    return imported(store(), request, uid);
  };
  with(7);
  const MailboxInfo before = inbox(anna);
  with(9);
  const MailboxInfo now = inbox(anna);
  const auto adopt = [&](const MailboxInfo& seen, std::uint32_t validity, std::uint32_t next) {
    const auto done = run(store().mailboxes().adopt_uids(seen.view(), validity, next));
    return done ? Errc{} : done.error().code;
  };
  EXPECT_EQ(adopt(before, 1'500'000'000, 10), Errc::conflict) << "something came meanwhile";
  EXPECT_EQ(adopt(now, 0, 10), Errc::refused);
  EXPECT_EQ(adopt(now, UINT32_MAX, 10), Errc::refused) << "no other mailbox could be made any more";
  EXPECT_EQ(adopt(now, 1'500'000'000, kMostKeptUid + 1), Errc::refused);
  MailboxInfo gone = now;
  gone.id += 1000;
  EXPECT_EQ(adopt(gone, 1'500'000'000, 10), Errc::not_found);
  EXPECT_EQ(inbox(anna).uidvalidity, now.uidvalidity);
  EXPECT_EQ(adopt(now, 1'500'000'000, 12), Errc{});
  EXPECT_EQ(adopt(now, 1'500'000'000, 12), Errc{}) << "a second time";
  reopen();
  const MailboxInfo kept = inbox(anna);
  EXPECT_EQ(kept.uidvalidity, 1'500'000'000u);
  EXPECT_GT(kept.uidnext, 12u + 100'000u) << "the other place may still give some";
  EXPECT_GT(kept.modseq, now.modseq + 1'000'000);
  EXPECT_EQ(with(10), kept.uidnext) << "no uid below";
  EXPECT_EQ(run(store().mailboxes().list_view(now.view(), 0, 9)).error().code, Errc::conflict)
      << "what was deleted elsewhere is not known here";
  EXPECT_EQ(run(store().upkeep().verify()).value(), std::vector<std::string>());
}

} // namespace
} // namespace paquebot::store
