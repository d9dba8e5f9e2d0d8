// What is counted of a mailbox, and which mailbox a recipient names.
#include "store/test_contract.h"

namespace paquebot::store {
namespace {

using Counts = std::vector<std::uint64_t>;

Counts counts_of(const MailboxInfo& box) { return {box.count, box.unseen, box.deleted}; }

TEST_P(StoreContract, CountsFollowEveryChange) {
  const Account anna = make_account("anna@example.org");
  const auto import = [&](std::uint64_t flags) {
    AcceptRequest request = message();
    request.klass = MessageClass::imported;
    request.flags = flags;
    request.recipients = {to_mailbox(anna)};
    accepted(request);
  };
  EXPECT_EQ(counts_of(inbox(anna)), (Counts{0, 0, 0}));
  for (const std::uint64_t flags : {0, 1, 8, 9, 4, 1}) import(flags);
  deliver(anna);
  EXPECT_EQ(counts_of(inbox(anna)), (Counts{7, 4, 2}));
  const Id box = inbox(anna).id;
  ASSERT_TRUE(run(store().mailboxes().expunge(box, {2, 3}, "anna")));
  EXPECT_EQ(counts_of(inbox(anna)), (Counts{5, 3, 1}));
  EXPECT_EQ(expire(now() + 1), 5u);
  EXPECT_EQ(counts_of(inbox(anna)), (Counts{0, 0, 0}));
  import(9);
  EXPECT_EQ(counts_of(inbox(anna)), (Counts{1, 0, 1}));
  run(store().directory().remove_account(anna.login)).value();
  expect_sound();
  maintain();
}

/// Bits beyond those that IMAP knows belong to the store.
TEST_P(StoreContract, NobodyBringsFlagsOfTheStoresOwn) {
  const Account anna = make_account("anna@example.org");
  AcceptRequest request = message();
  request.klass = MessageClass::imported;
  request.flags = ~std::uint64_t{0};
  request.recipients = {to_mailbox(anna)};
  accepted(request);
  EXPECT_EQ(run(store().mailboxes().read_entry(inbox(anna).id, 1)).value().info.flags, 31u);
}

TEST_P(StoreContract, AMailboxThatIsNotThereMeansInbox) {
  const Account anna = make_account("anna@example.org");
  AcceptRequest request = message();
  for (const char* name : {"", "Junk", "inbox"}) {
    NewRecipient r = to_mailbox(anna);
    r.mailbox = name;
    request.recipients.push_back(r);
  }
  accepted(request);
  EXPECT_EQ(inbox_count(anna), 1u) << "all three lead to one entry";
}

TEST_P(StoreContract, WhyItIsHeldIsKnown) {
  const auto hold_of = [this](const Ulid& id) { return trail(id).recipients.at(0).hold; };
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example")};
  request.recipients[0].handling = Handling::held;
  request.recipients[0].hold = HoldKind::quarantine;
  request.recipients[0].reason = "held by the take-over watch, it says";
  const Ulid kept = accepted(request);
  const Ulid waiting = queue("far.example");
  EXPECT_EQ(hold_of(kept), HoldKind::quarantine);
  EXPECT_EQ(hold_of(waiting), HoldKind::none);
  const auto order = [this](QueueAction action, const QueueFilter& filter) {
    return run(store().queue().operate(action, filter, "root", now())).value_or(99);
  };
  EXPECT_EQ(order(QueueAction::release, {.takeover_only = true}), 0u) << "no words make it one";
  EXPECT_EQ(order(QueueAction::hold, {.message = waiting}), 1u);
  EXPECT_EQ(hold_of(waiting), HoldKind::order);
  EXPECT_EQ(order(QueueAction::release, {}), 2u);
  EXPECT_EQ(hold_of(waiting), HoldKind::none);
  EXPECT_EQ(hold_of(kept), HoldKind::none);
  EXPECT_EQ(order(QueueAction::suspend, {.message = waiting}), 1u);
  EXPECT_EQ(hold_of(waiting), HoldKind::takeover);
  EXPECT_EQ(order(QueueAction::cancel, {.takeover_only = true}), 1u);
  EXPECT_EQ(hold_of(waiting), HoldKind::none);
}

} // namespace
} // namespace paquebot::store
