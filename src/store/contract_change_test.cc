#include "store/test_contract.h"

namespace paquebot::store {
namespace {

/// Writes down what it is told of, but for other kinds.
class Told {
public:
  Told(Store& store, Change::Kind kind)
      : subscription_(store.subscribe([this, kind](const Change& change) {
          if (change.kind == kind) changes_.push_back(change);
        })) {}
  std::vector<Change> take() { return std::exchange(changes_, {}); }
  std::size_t count() { return take().size(); }

private:
  std::vector<Change> changes_;
  std::unique_ptr<Subscription> subscription_;
};

using Kind = Change::Kind;

TEST_P(StoreContract, WhoKnewAPasswordIsToldOf) {
  Account anna = make_account("anna@example.org");
  Told ended(store(), Kind::account_ended);
  anna.quota = 5;
  ASSERT_TRUE(run(store().directory().update_account(anna)));
  EXPECT_EQ(ended.count(), 0u) << "nobody need log in anew for that";
  anna.password = "$argon2id$other";
  ASSERT_TRUE(run(store().directory().update_account(anna)));
  auto told = ended.take();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].id, anna.id);
  anna.disabled = true;
  ASSERT_TRUE(run(store().directory().update_account(anna)));
  EXPECT_EQ(ended.count(), 1u);
  anna.disabled = false;
  ASSERT_TRUE(run(store().directory().update_account(anna)));
  EXPECT_EQ(ended.count(), 0u);
  AppPassword phone;
  phone.account = anna.id;
  phone.label = "phone";
  phone.hash = "x";
  const auto added = run(store().credentials().add_app_password(phone));
  ASSERT_TRUE(added);
  EXPECT_EQ(ended.count(), 0u);
  ASSERT_TRUE(run(store().credentials().remove_app_password(anna.id, added->id)));
  EXPECT_EQ(ended.count(), 1u);
  ASSERT_TRUE(run(store().directory().remove_account(anna.login)));
  EXPECT_EQ(ended.count(), 1u);
  EXPECT_FALSE(run(store().directory().remove_account(anna.login)));
  EXPECT_EQ(ended.count(), 0u) << "nothing was changed";
}

TEST_P(StoreContract, ChangesOfTheDirectoryAreToldOf) {
  Told directory(store(), Kind::directory);
  const std::uint64_t before = store().directory().generation();
  const Account anna = make_account("anna@example.org");
  EXPECT_GE(directory.count(), 2u) << "a domain, an account";
  EXPECT_GT(store().directory().generation(), before);
  ASSERT_TRUE(run(store().books().set_limit(anna.id, LimitKind::messages_per_day, 5)));
  const auto told = directory.take();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].id, anna.id) << "only what holds for her";
}

TEST_P(StoreContract, MailThatComesOrGoesIsToldOf) {
  const Account anna = make_account("anna@example.org");
  const Id box = inbox(anna).id;
  Told mailbox(store(), Kind::mailbox);
  deliver(anna);
  auto told = mailbox.take();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].id, box);
  queue("far.example");
  EXPECT_EQ(mailbox.count(), 0u);
  ASSERT_TRUE(run(store().mailboxes().expunge(box, {1}, "anna")));
  ASSERT_TRUE(run(store().mailboxes().expunge(box, {1}, "anna")));
  EXPECT_EQ(mailbox.count(), 1u) << "the second time it was gone";
  deliver(anna);
  mailbox.take();
  EXPECT_EQ(expire(INT64_MAX), 1u);
  EXPECT_EQ(mailbox.count(), 1u);
}

TEST_P(StoreContract, OrdersThatLetMailGoAreToldOf) {
  const Ulid id = queue("far.example");
  Told waits(store(), Kind::queue);
  const auto order = [&](QueueAction action) { run(store().queue().operate(action, {.message = id}, "root", now())); };
  order(QueueAction::hold);
  EXPECT_EQ(waits.count(), 0u);
  order(QueueAction::release);
  EXPECT_EQ(waits.count(), 1u);
  order(QueueAction::release);
  EXPECT_EQ(waits.count(), 0u) << "there was nothing to release";
  order(QueueAction::retry);
  EXPECT_EQ(waits.count(), 1u);
}

TEST_P(StoreContract, DestinationsSettingsAndMarksAreToldOf) {
  const Account anna = make_account("anna@example.org");
  Told destination(store(), Kind::destination), setting(store(), Kind::setting), suspicion(store(), Kind::suspicion);
  ASSERT_TRUE(run(store().queue().record({}, DestinationUpdate{"far.example", now() + 1000, "no"})));
  auto told = destination.take();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].key, "far.example");
  ASSERT_TRUE(run(store().upkeep().set_setting("a.b", "1")));
  told = setting.take();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].key, "a.b");
  ASSERT_TRUE(run(store().books().suspect(anna.id, TakeoverSign::operators_order, "x")).value());
  told = suspicion.take();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told[0].id, anna.id);
  ASSERT_FALSE(run(store().books().suspect(anna.id, TakeoverSign::operators_order, "x")).value());
  EXPECT_EQ(suspicion.count(), 0u) << "it was marked";
  ASSERT_TRUE(run(store().books().clear_suspicion(anna.id)).value());
  EXPECT_EQ(suspicion.count(), 1u);
}

TEST_P(StoreContract, WhoLetsGoIsToldOfNothing) {
  int calls = 0;
  auto first = store().subscribe([&](const Change&) { ++calls; });
  const auto second = store().subscribe([&](const Change&) { calls += 100; });
  ASSERT_TRUE(run(store().upkeep().set_setting("a.b", "1")));
  EXPECT_EQ(calls, 101);
  first.reset();
  ASSERT_TRUE(run(store().upkeep().set_setting("a.b", "2")));
  EXPECT_EQ(calls, 201);
}

} // namespace
} // namespace paquebot::store
