// What is held, and who may let it go.
#include "control/test_world.h"

#include <gmock/gmock.h>

namespace paquebot::control {
namespace {

using store::HoldKind;
using test::outcome_of;
using test::run_task;
using test::World;

class HeldTest : public ::testing::Test {
protected:
  /// Somebody's mail for this address, held.
  std::string hold(const std::string& to, HoldKind kind, store::Id from = 0, std::int64_t until = 0) {
    auto request = std::make_shared<store::AcceptRequest>();
    request->id = world.ids.next();
    request->klass = from == 0 ? store::MessageClass::incoming : store::MessageClass::submitted;
    request->account = from;
    request->sender.reverse_path = {"stranger", "far.example"};
    request->sender.hold.until = until;
    request->accepted_at = millis(system_clock().wall());
    request->expires_at = request->accepted_at + 1'000'000'000;
    request->head = "Subject: x\r\n\r\n";
    store::NewRecipient recipient;
    recipient.address = to;
    recipient.due = until;
    recipient.handling = kind == HoldKind::none ? store::Handling::remote : store::Handling::held;
    recipient.destination = kind == HoldKind::none ? "far.example" : "";
    recipient.hold = kind;
    recipient.reason = kind == HoldKind::none ? "" : "a test wants it so";
    request->recipients.push_back(recipient);
    EXPECT_EQ(run_task(world.server.store().acceptance().accept(request)).status, store::AcceptStatus::accepted);
    return request->id.to_string();
  }
  std::string release(const Asker& who, const std::string& id) {
    return world.outcome(who, "POST", "/v1/queue/" + id + "/release");
  }
  /// "quarantine yours", of the first recipient as somebody sees it; empty: nothing of it.
  std::string seen(const Asker& who, const std::string& id) {
    const Response answer = world.call(who, "GET", "/v1/queue/" + id);
    if (answer.status != 200) return "";
    const json::value message = parse_json(answer.body, "x").value();
    const json::value& one = get_list(message, "recipients").at(0);
    return get_text(one, "hold") + (get_bool(one, "yours") ? " yours" : "");
  }

  World world;
  const Asker ann = world.asker(world.ann), bob = world.asker(world.bob), dora = world.asker(world.dora),
              olga = world.asker(world.olga), root = root_asker("root");
};

TEST_F(HeldTest, HerQuarantineIsHersToRelease) {
  const std::string id = hold("ann@example.org", HoldKind::quarantine);
  EXPECT_EQ(seen(ann, id), "quarantine yours");
  EXPECT_EQ(release(bob, id), "404 not_found");
  EXPECT_EQ(release(ann, id), "200");
  EXPECT_EQ(release(ann, id), "404 not_found") << "it is held no more";
  const auto trail = world.ok(ann, "GET", "/v1/messages/" + id);
  EXPECT_THAT(to_text(trail), ::testing::HasSubstr("released by ann@example.org"));
}

TEST_F(HeldTest, WhatCameToAnAliasOfHersIsHersIfNobodyElseGetsIt) {
  const std::string own = hold("team@example.org", HoldKind::filter);
  EXPECT_EQ(seen(ann, own), "filter yours");
  const json::value list = world.ok(ann, "GET", "/v1/queue?held=1");
  ASSERT_EQ(get_list(list, "messages").size(), 1U);
  EXPECT_EQ(world.outcome(ann, "POST", "/v1/queue/" + own + "/drop"), "200");
  world.server.alias("all", "example.org", {"ann@example.org", "dora@example.org"});
  const std::string shared = hold("all@example.org", HoldKind::filter);
  EXPECT_EQ(release(ann, shared), "404 not_found");
  EXPECT_EQ(release(dora, shared), "200") << "she looks after the domain";
}

TEST_F(HeldTest, WhatWasHeldOfWhatSheSendsIsNotHersToRelease) {
  for (const HoldKind kind : {HoldKind::takeover, HoldKind::order, HoldKind::filter, HoldKind::restored}) {
    const std::string id = hold("out@far.example", kind, world.ann.id);
    EXPECT_EQ(release(ann, id), "403 permission") << static_cast<int>(kind);
    EXPECT_EQ(world.outcome(ann, "POST", "/v1/queue/" + id + "/drop"), "403 permission") << static_cast<int>(kind);
    EXPECT_EQ(release(olga, id), "200") << static_cast<int>(kind);
  }
}

TEST_F(HeldTest, AnAccountThatLooksTakenOverReleasesNothing) {
  const std::string id = hold("ann@example.org", HoldKind::quarantine);
  const std::string later =
      hold("out@far.example", HoldKind::none, world.ann.id, millis(system_clock().wall()) + 500'000);
  EXPECT_EQ(seen(ann, later), "later yours");
  ASSERT_EQ(world.outcome(dora, "POST", "/v1/accounts/ann@example.org/suspicion"), "200");
  EXPECT_EQ(seen(ann, id), "quarantine");
  EXPECT_EQ(release(ann, id), "403 permission");
  EXPECT_EQ(release(ann, later), "403 permission");
  EXPECT_EQ(release(dora, id), "200");
  ASSERT_EQ(world.outcome(dora, "DELETE", "/v1/accounts/ann@example.org/suspicion"), "200");
  EXPECT_EQ(release(ann, later), "200") << "she wanted it later herself";
}

TEST_F(HeldTest, AnAdministratorDecidesOnHisDomain) {
  const std::string unowned = hold("nobody@example.org", HoldKind::unowned);
  const std::string taken = hold("out@far.example", HoldKind::takeover, world.ann.id);
  const std::string ordered = hold("ann@example.org", HoldKind::order);
  const std::string foreign = hold("bob@example.net", HoldKind::quarantine);
  EXPECT_EQ(release(dora, unowned), "200");
  EXPECT_EQ(release(dora, taken), "200");
  EXPECT_EQ(release(dora, ordered), "403 permission") << "an operator ordered it";
  EXPECT_EQ(release(dora, foreign), "404 not_found");
  EXPECT_EQ(release(root, ordered), "200");
  ASSERT_TRUE(run_task(world.server.store().rights().grant(world.ann.id, "")));
  const std::string chiefs = hold("out@far.example", HoldKind::takeover, world.ann.id);
  EXPECT_EQ(release(dora, chiefs), "403 permission") << "who sent it may do more than she";
}

TEST_F(HeldTest, OnlyTheRecipientsThatAreNamedAreReleased) {
  const std::string id = hold("ann@example.org", HoldKind::quarantine);
  EXPECT_EQ(world.outcome(ann, "POST", "/v1/queue/" + id + "/release", R"({"recipients":[7]})"), "404 not_found");
  EXPECT_EQ(world.outcome(ann, "POST", "/v1/queue/" + id + "/release", R"({"recipients":["x"]})"), "400 invalid");
  EXPECT_EQ(world.outcome(ann, "POST", "/v1/queue/" + id + "/release", R"({"recipients":[0]})"), "200");
}

TEST_F(HeldTest, AnOrderIsCountedBeforeItIsGiven) {
  hold("ann@example.org", HoldKind::quarantine);
  hold("dora@example.org", HoldKind::quarantine);
  const auto count = [&](const std::string& body) { return to_text(world.ok(olga, "POST", "/v1/queue/count", body)); };
  EXPECT_EQ(count(R"({"order":"release","all":true})"), R"({"messages":2,"recipients":2,"senders":1,"more":false})");
  EXPECT_EQ(count(R"({"order":"retry","destination":"far.example"})"),
            R"({"messages":2,"recipients":2,"senders":2,"more":false})");
  EXPECT_EQ(count(R"({"order":"cancel","address":"ann@example.org"})"),
            R"({"messages":2,"recipients":2,"senders":2,"more":false})");
  EXPECT_EQ(world.outcome(olga, "POST", "/v1/queue/count", R"({"order":"retry"})"), "400 invalid");
  EXPECT_EQ(world.outcome(olga, "POST", "/v1/queue/count", R"({"order":"dance","all":true})"), "400 invalid");
}

TEST_F(HeldTest, WhatBecameOfItIsToldInWords) {
  const std::string id = hold("ann@example.org", HoldKind::quarantine);
  const json::value held = world.ok(ann, "GET", "/v1/messages/" + id);
  EXPECT_EQ(get_text(get_list(held, "recipients").at(0), "words"),
            "Held back from ann@example.org: a test wants it so.");
  const json::value sent = world.ok(ann, "GET", "/v1/messages/" + world.anns_mail);
  EXPECT_EQ(get_text(get_list(sent, "recipients").at(0), "words"), "It is in the mailbox of bob@example.net.");
  EXPECT_EQ(get_text(get_list(sent, "recipients").at(1), "words"), "It has not been sent to out@far.example yet.");
}

} // namespace
} // namespace paquebot::control
