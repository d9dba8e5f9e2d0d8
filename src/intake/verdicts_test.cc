#include "intake/filtering.h"
#include "intake/test_passage.h"
#include "intake/verdicts.h"

namespace paquebot::intake {
namespace {

class VerdictsTest : public test::PassageTest {
protected:
  /// For a, b and c of example.org.
  Passage& for_three(const std::string& head = "Subject: x\r\n") {
    Origin origin = from_stranger();
    origin.recipients.clear();
    for (const char* name : {"a@example.org", "b@example.org", "c@example.org"})
      origin.recipients.push_back(recipient(name, store::Handling::mailbox, 1));
    return begin(std::move(origin), head);
  }
  /// All of them open, and the draft for them.
  queue::Draft open_all(Verdicts& verdicts) {
    verdicts.leave_out(Loops(passage_->head, 100));
    queue::Draft draft;
    draft.recipients = std::move(passage_->origin.recipients);
    return draft;
  }
  static std::vector<int> codes(Verdicts& verdicts) {
    std::vector<int> all;
    for (const mail::Reply& reply : verdicts.take()) all.push_back(reply.code);
    return all;
  }
  const mail::Reply yes_{250, {2, 0, 0}, "yes"}, full_{452, {4, 2, 2}, "full"};
};

TEST_F(VerdictsTest, NobodyIsOpenBeforeTheyWereLookedAt) {
  Verdicts verdicts(for_three());
  EXPECT_FALSE(verdicts.open());
  verdicts.fill(full_);
  EXPECT_EQ(codes(verdicts), (std::vector<int>{452, 452, 452}));
}

TEST_F(VerdictsTest, WhoLoopsIsLeftOut) {
  Verdicts verdicts(for_three("Delivered-To: B@example.org\r\n"));
  queue::Draft draft = open_all(verdicts);
  EXPECT_EQ(draft.recipients.size(), 2u);
  EXPECT_FALSE(verdicts.settle(draft, {}, yes_));
  EXPECT_EQ(codes(verdicts), (std::vector<int>{250, 554, 250}));
}

TEST_F(VerdictsTest, WhoCannotHaveItLeavesTheDraft) {
  Verdicts verdicts(for_three());
  queue::Draft draft = open_all(verdicts);
  EXPECT_TRUE(verdicts.settle(draft, {"B@Example.org"}, full_));
  ASSERT_EQ(draft.recipients.size(), 2u);
  EXPECT_EQ(draft.recipients[1].nodes.front().address, "c@example.org");
  EXPECT_FALSE(verdicts.settle(draft, {}, yes_));
  EXPECT_EQ(codes(verdicts), (std::vector<int>{250, 452, 250}));
}

/// Else the rounds would have no end.
TEST_F(VerdictsTest, AnAddressThatIsNobodysConcernsAll) {
  Verdicts verdicts(for_three());
  queue::Draft draft = open_all(verdicts);
  EXPECT_FALSE(verdicts.settle(draft, {"other@example.org"}, full_));
  EXPECT_EQ(codes(verdicts), (std::vector<int>{452, 452, 452}));
}

TEST_F(VerdictsTest, FiltersTakeOutAndAdd) {
  Verdicts verdicts(for_three());
  queue::Draft draft = open_all(verdicts);
  passage_->filter_places = {0, 2, FilteredMessage::kAdded};
  verdicts.follow_filters();
  draft.recipients[1] = std::move(draft.recipients[2]);
  draft.recipients[2] = recipient("new@example.org", store::Handling::mailbox, 1);
  EXPECT_TRUE(verdicts.settle(draft, {"new@example.org"}, full_)); // whose verdict nobody hears
  EXPECT_FALSE(verdicts.settle(draft, {"c@example.org", "a@example.org"}, yes_));
  const std::vector<mail::Reply> said = verdicts.take();
  ASSERT_EQ(said.size(), 3u);
  EXPECT_EQ(said[1].to_string(), "250 2.0.0 taken out by a content filter");
  EXPECT_EQ(said[2].code, 250);
}

} // namespace
} // namespace paquebot::intake
