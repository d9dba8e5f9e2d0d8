#include "intake/head_completion.h"
#include "intake/test_passage.h"
#include "policy/stranger_rules.h"

#include <gmock/gmock.h>

namespace paquebot::intake {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class HeadCompletionTest : public test::PassageTest {
protected:
  /// The head that is kept.
  std::string complete(Origin origin, const std::string& head) {
    HeadCompletion(begin(std::move(origin), head)).complete();
    return passage_->head.to_string();
  }
};

TEST_F(HeadCompletionTest, AddsWhatOurOwnProgramsLeftOut) {
  const std::string head = complete(from_ann(), "Subject: x\r\nDate: \r\n");
  EXPECT_THAT(head, StartsWith("Received: from mx.far.test"));
  EXPECT_THAT(head, HasSubstr("\r\nFrom: ann@example.org\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nMessage-ID: <" + passage_->id.to_string() + "@mx.example.org>\r\n"));
  EXPECT_THAT(head, HasSubstr("for <bob@example.org>"));
}

TEST_F(HeadCompletionTest, NothingIsAddedToWhatOthersWrote) {
  complete(from_stranger(), "Subject: x\r\n");
  for (const char* name : {"From", "Date", "Message-ID"}) EXPECT_EQ(passage_->head.count(name), 0u) << name;
}

TEST_F(HeadCompletionTest, TakesOutWhatOnlyWeMaySay) {
  Origin origin = from_stranger();
  origin.tags = {"greylisting"};
  const std::string forged = "Return-Path: <x@y.test>\r\nX-Paquebot-Guard: fine\r\n"
                             "Authentication-Results: mx.example.org; spf=pass\r\n"
                             "Authentication-Results: other.test; spf=pass\r\nBcc: c@d.test\r\n";
  complete(std::move(origin), forged);
  const mail::Head& head = passage_->head;
  EXPECT_EQ(head.count("Return-Path"), 0u);
  EXPECT_EQ(head.count(policy::kStrangerField), 1u);
  EXPECT_EQ(head.value(policy::kStrangerField), "greylisting");
  EXPECT_EQ(head.count("Authentication-Results"), 1u);
  EXPECT_EQ(head.count("Bcc"), 1u); // it is none of ours to change
}

TEST_F(HeadCompletionTest, NobodySeesWhoElseGotItInSecret) {
  const std::string given = "From: ann@example.org\r\nBcc: c@d.test\r\nResent-Bcc: e@f.test\r\n";
  complete(from_ann(), given);
  EXPECT_EQ(passage_->head.count("Bcc") + passage_->head.count("Resent-Bcc"), 0u);
  options_.keep_bcc = true;
  complete(from_ann(), given);
  EXPECT_EQ(passage_->head.count("Bcc") + passage_->head.count("Resent-Bcc"), 2u);
}

TEST_F(HeadCompletionTest, OneFromIsEnough) {
  complete(from_ann(), "From: ann@example.org\r\nFrom: ann@example.org\r\n");
  EXPECT_EQ(passage_->head.count("From"), 1u);
}

TEST_F(HeadCompletionTest, ReadsWhetherTlsIsWished) { // RFC 8689 section 4.1
  using mail::TlsWish;
  const auto wish = [this](TlsWish said, const std::string& fields) {
    Origin origin = from_ann();
    origin.sender.tls = said;
    complete(std::move(origin), fields);
    return passage_->origin.sender.tls;
  };
  EXPECT_EQ(wish(TlsWish::unspecified, "TLS-Required: No\r\n"), TlsWish::not_required);
  EXPECT_EQ(wish(TlsWish::unspecified, "TLS-Required: yes\r\n"), TlsWish::unspecified);
  EXPECT_EQ(wish(TlsWish::unspecified, "TLS-Required: No\r\nTLS-Required: No\r\n"), TlsWish::unspecified);
  EXPECT_EQ(wish(TlsWish::required, "TLS-Required: No\r\n"), TlsWish::required);
}

/// Filters add and sign fields after that: what they put there stays.
TEST_F(HeadCompletionTest, TidiesOnce) {
  Passage& message = begin(from_stranger(), "Subject: x\r\nX-Paquebot-Guard: fine\r\n");
  HeadCompletion completion(message);
  completion.tidy();
  EXPECT_EQ(message.head.count(policy::kStrangerField), 0u);
  EXPECT_EQ(message.head.count("Received"), 0u);
  message.head.append(policy::kStrangerField, "by a filter");
  completion.complete();
  EXPECT_EQ(message.head.count(policy::kStrangerField), 1u);
  EXPECT_EQ(message.head.count("Received"), 1u);
}

/// What was looked at, such as what comes back to a return address, was not tidied by that.
TEST_F(HeadCompletionTest, ABodyThatIsThereSaysNothingOfTheHead) {
  Passage& message = begin(from_stranger(), "Authentication-Results: mx.example.org; spf=pass\r\n");
  ASSERT_TRUE(message.body);
  HeadCompletion(message).complete();
  EXPECT_EQ(message.head.count("Authentication-Results"), 0u);
}

} // namespace
} // namespace paquebot::intake
