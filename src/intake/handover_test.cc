#include "intake/handover.h"
#include "intake/test_passage.h"

namespace paquebot::intake {
namespace {

using Status = store::AcceptStatus;
using test::run_task;

class HandoverTest : public test::PassageTest {
protected:
  mail::Reply hand_over(Passage& message) {
    Handover handover(message);
    queue::Draft draft = handover.draft(std::move(*message.body));
    return run_task(handover.commit(std::move(draft)));
  }
};

TEST_F(HandoverTest, TheTrailSaysWhoBroughtItAndWhatHeWants) {
  Origin origin = from_ann();
  origin.arrival.extended = origin.arrival.authenticated = true;
  origin.sender.tls = mail::TlsWish::required;
  origin.sender.priority = 3;
  Passage& message = begin(std::move(origin), "Subject: x\r\n", "body\r\n");
  message.filter_note = ", scanned";
  const queue::Draft draft = Handover(message).draft(std::move(*message.body));
  EXPECT_EQ(draft.note,
            "from mx.far.test [192.0.2.9] as ann@example.org with ESMTPA, 20 octets, REQUIRETLS, priority 3, "
            "scanned");
  EXPECT_EQ(draft.id, message.id);
  EXPECT_TRUE(draft.new_id);
  EXPECT_EQ(draft.account, ann_.id);
  EXPECT_EQ(draft.recipients.size(), 1u);
  EXPECT_EQ(draft.body.bytes, "body\r\n");
}

TEST_F(HandoverTest, WhatIsTaggedGoesIntoJunkWhateverItIsCalled) {
  const auto junk = [&](const char* name) {
    return run_task(server_.store().mailboxes().open(bob_.id, name)).value().count;
  };
  EXPECT_EQ(hand_over(begin(from_stranger(), "X-Spam-Flag: YES\r\n")).code, 250);
  EXPECT_EQ(hand_over(begin(from_stranger(), "X-Spam: Yes\r\n")).code, 250);
  EXPECT_EQ(junk("Junk"), 2u);
  ASSERT_TRUE(run_task(server_.store().mailboxes().rename_folder(bob_.id, "Junk", "Spam")));
  EXPECT_EQ(hand_over(begin(from_stranger(), "X-Spam-Flag: YES\r\n")).code, 250);
  EXPECT_EQ(junk("Spam"), 3u);
  EXPECT_EQ(hand_over(begin(from_stranger(), "X-Spam-Flag: NO\r\n")).code, 250);
  EXPECT_EQ(inbox(bob_), 1u);
  ASSERT_TRUE(run_task(server_.store().mailboxes().remove_folder(bob_.id, "Spam")));
  EXPECT_EQ(hand_over(begin(from_stranger(), "X-Spam-Flag: YES\r\n")).code, 250);
  EXPECT_EQ(inbox(bob_), 2u) << "there is no such mailbox any more";
}

TEST_F(HandoverTest, A250IsForWhatIsThere) {
  Passage& message = begin(from_stranger(), "Subject: x\r\n");
  EXPECT_EQ(hand_over(message).to_string(), "250 2.0.0 accepted id=" + message.id.to_string());
  EXPECT_EQ(inbox(bob_), 1u);
}

TEST_F(HandoverTest, WhatFiltersDiscardIsAcceptedAndDropped) {
  Passage& message = begin(from_stranger(), "Subject: x\r\n");
  message.discarded = "a virus";
  message.origin.recipients.front().hold = message.discarded;
  EXPECT_EQ(hand_over(message).code, 250);
  EXPECT_EQ(inbox(bob_), 0u);
  EXPECT_EQ(run_task(server_.store().trail().trace(message.id)).value().recipients.at(0).state, store::State::dropped);
}

TEST_F(HandoverTest, EachOutcomeHasItsWords) {
  Passage& message = begin(from_stranger());
  const Handover handover(message);
  const struct {
    Status status;
    const char* reply;
  } cases[] = {
      {Status::duplicate, "250 2.0.0 "}, {Status::over_quota, "452 4.2.2 "}, {Status::account_gone, "451 4.2.1 "},
      {Status::no_space, "452 4.3.1 "},  {Status::failed, "451 4.3.0 "},
  };
  for (const auto& c : cases) {
    store::AcceptResult result;
    result.status = c.status;
    result.why = "private";
    const mail::Reply reply = handover.answer(result);
    EXPECT_TRUE(reply.to_string().starts_with(c.reply)) << reply.to_string();
    EXPECT_EQ(reply.to_string().find("private"), std::string::npos);
  }
}

TEST_F(HandoverTest, WhoCannotHaveItDoesNotStandInTheWay) {
  const store::Account full = server_.account("full@example.org", {}, 1);
  Origin origin = from_stranger();
  origin.recipients.insert(origin.recipients.begin(), recipient("full@example.org", store::Handling::mailbox, full.id));
  Passage& message = begin(std::move(origin), "Subject: x\r\n");
  Verdicts verdicts(message);
  verdicts.leave_out(Loops(message.head, 100));
  Handover handover(message);
  queue::Draft draft = handover.draft(std::move(*message.body));
  test::run_step(handover.commit_each(std::move(draft), verdicts));
  const std::vector<mail::Reply> said = verdicts.take();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].code, 452);
  EXPECT_EQ(said[1].code, 250);
  EXPECT_EQ(inbox(bob_), 1u);
}

} // namespace
} // namespace paquebot::intake
