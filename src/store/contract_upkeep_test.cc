#include "store/test_contract.h"

namespace paquebot::store {

TEST_P(StoreContract, NodesThatLiveAreListed) {
  const auto nodes = run(store().upkeep().list_nodes()).value();
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_TRUE(nodes[0].own);
  EXPECT_EQ(nodes[0].heartbeat, 0);
  ASSERT_TRUE(run(store().upkeep().beat(now())));
  EXPECT_EQ(run(store().upkeep().list_nodes()).value()[0].heartbeat, now());
  reopen();
  const auto later = run(store().upkeep().list_nodes()).value();
  ASSERT_EQ(later.size(), 1u) << "the one before has ended";
  EXPECT_TRUE(later[0].own);
  EXPECT_GT(later[0].epoch, nodes[0].epoch) << "an epoch never comes again";
}

TEST_P(StoreContract, ACheckGoesOnWhereItsLastStepSaid) {
  const Account anna = make_account("anna@example.org");
  for (int i = 0; i < 5; ++i) deliver(anna);
  std::uint64_t done = 0;
  std::optional<VerifyPoint> at = VerifyPoint{};
  for (int steps = 0; at && steps < 1000; ++steps) {
    // What comes from far brings the place alone.
    const auto step = run(store().upkeep().verify_step(VerifyPoint{at->place}));
    ASSERT_TRUE(step) << step.error().message;
    EXPECT_TRUE(step->findings.empty());
    EXPECT_GE(step->done, done);
    done = step->done;
    at = step->next;
    if (at) {
      EXPECT_FALSE(at->place.empty());
      EXPECT_LE(at->place.size(), 4096u);
    }
  }
  EXPECT_FALSE(at) << "it comes to an end";
  for (const char* place : {"x", "1", "-1.", "1.A", "1.a;b", "99999999999999999999.", ".."}) {
    const auto step = run(store().upkeep().verify_step(VerifyPoint{place}));
    ASSERT_FALSE(step) << place;
    EXPECT_EQ(step.error().code, Errc::invalid) << place;
  }
}

/// A backend whose store others keep has no backup of its own, and says what to do instead.
TEST_P(StoreContract, ABackupIsMadeOrSaidToBeUnsupported) {
  const TemporaryDirectory place;
  auto step = run(store().upkeep().begin_backup(place.path() + "/store.backup"));
  if (!step) {
    EXPECT_EQ(step.error().code, Errc::unsupported);
    EXPECT_GT(step.error().message.size(), 20u) << "what to do instead";
    return;
  }
  const std::uint64_t ticket = step->ticket;
  for (int steps = 0; step && !step->finished && steps < 1000; ++steps)
    step = run(store().upkeep().go_on_with_backup(ticket));
  ASSERT_TRUE(step) << step.error().message;
  EXPECT_TRUE(step->finished);
}

/// Somebody may still know an id of what was removed: it never means anything else, whatever has ended in between.
TEST_P(StoreContract, IdsAreNeverGivenAgain) {
  const Account anna = make_account("anna@example.org");
  const MailboxInfo box = inbox(anna);
  deliver(anna);
  const EntryContent first = run(store().mailboxes().read_entry(box.id, 1)).value();
  ASSERT_TRUE(run(store().mailboxes().expunge(box.id, {1}, "a test")));
  ASSERT_TRUE(run(store().directory().remove_account(anna.login)));
  maintain();
  reopen();
  const Account again = make_account("anna@example.org");
  EXPECT_GT(again.id, anna.id);
  const MailboxInfo made = inbox(again);
  EXPECT_GT(made.id, box.id);
  EXPECT_GT(made.uidvalidity, box.uidvalidity) << "RFC 3501 section 2.3.1.1";
  deliver(again);
  EXPECT_GT(run(store().mailboxes().read_entry(made.id, 1)).value().body.id, first.body.id);
}

} // namespace paquebot::store
