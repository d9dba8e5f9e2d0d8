#include "intake/return_check.h"
#include "intake/test_passage.h"

#include <gmock/gmock.h>

namespace paquebot::intake {
namespace {

using testing::StartsWith;
using test::run_task;

class ReturnCheckTest : public test::PassageTest {
protected:
  /// A message of bob's that was handed on to one recipient elsewhere.
  policy::Returned forwarded() {
    auto request = directory::TestServer::outgoing(ids_.next(), "x@next.test");
    request->expires_at = request->accepted_at + 1'000'000'000;
    request->sender.reverse_path = {"bob", "example.org"};
    EXPECT_EQ(run_task(server_.store().acceptance().accept(request)).status, store::AcceptStatus::accepted);
    policy::Returned returned;
    returned.about.id = request->id;
    returned.about.sender = request->sender.reverse_path;
    returned.about.onward = 1;
    return returned;
  }
  std::optional<mail::Reply> come_back(const std::string& head, const std::string& body, bool vouched = false) {
    Origin origin = from_stranger();
    origin.sender.reverse_path = {};
    origin.returned = returned_;
    origin.returned->vouched = vouched;
    Passage& message = begin(std::move(origin), head, body);
    content_ = std::make_unique<Content>(message);
    ReturnCheck check(message, *content_);
    return run_task(check.run());
  }
  static std::string report() {
    return "--b\r\nContent-Type: text/plain\r\n\r\nNo.\r\n"
           "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.next.test\r\n\r\n"
           "Final-Recipient: rfc822; x@next.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n";
  }
  static constexpr const char* kReportHead =
      "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n";

  policy::Returned returned_ = forwarded();
  std::unique_ptr<Content> content_;
};

TEST_F(ReturnCheckTest, AReportGoesOn) {
  EXPECT_FALSE(come_back(kReportHead, report()));
  EXPECT_TRUE(passage_->fine());
  EXPECT_TRUE(passage_->body);
  EXPECT_EQ(passage_->origin.recipients.size(), 1u);
}

TEST_F(ReturnCheckTest, WhatIsNoReportGoesOnAsANotice) {
  const auto said = come_back("Subject: you have won\r\n", "Click here\r\n");
  ASSERT_TRUE(said);
  EXPECT_THAT(said->to_string(), StartsWith("250 2.0.0 accepted id=" + passage_->id.to_string()));
  EXPECT_FALSE(passage_->body);
  EXPECT_EQ(inbox(bob_), 1u);
  const auto trail = run_task(server_.store().trail().trace(passage_->id));
  ASSERT_TRUE(trail);
  EXPECT_EQ(trail->message.klass, store::MessageClass::report);
}

TEST_F(ReturnCheckTest, AnAutomaticAnswerIsForWhoIsVouchedFor) {
  EXPECT_TRUE(come_back("Auto-Submitted: auto-replied\r\n", "On holiday\r\n"));
  EXPECT_FALSE(come_back("Auto-Submitted: auto-replied\r\n", "On holiday\r\n", true));
  options_.hide_inner = true;
  EXPECT_TRUE(come_back("Auto-Submitted: auto-replied\r\n", "On holiday\r\n", true));
  EXPECT_EQ(inbox(bob_), 2u);
}

TEST_F(ReturnCheckTest, NoMoreThanBelongToTheMessage) {
  for (std::uint64_t i = 0; i < policy::kReportsEach; ++i) EXPECT_FALSE(come_back(kReportHead, report())) << i;
  const auto said = come_back(kReportHead, report());
  ASSERT_TRUE(said);
  EXPECT_FALSE(said->positive());
  EXPECT_FALSE(passage_->fine());
  EXPECT_FALSE(passage_->body);
}

} // namespace
} // namespace paquebot::intake
