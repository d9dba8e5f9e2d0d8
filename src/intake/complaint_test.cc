#include "intake/complaint.h"
#include "intake/proven_return.h"
#include "intake/test_passage.h"

namespace paquebot::intake {
namespace {

using test::run_step;
using test::run_task;

constexpr const char* kFeedbackHead = "MIME-Version: 1.0\r\nFrom: <fbl@far.test>\r\n"
                                      "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n";

std::string feedback(const std::string& returned, const std::string& type = "abuse", const std::string& more = {}) {
  return "--b\r\nContent-Type: text/plain\r\n\r\nSpam.\r\n"
         "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: " +
         type + "\r\nUser-Agent: x/1\r\nVersion: 1\r\n" + more + "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" +
         returned + "\r\nHello\r\n--b--\r\n";
}

class ComplaintTest : public test::PassageTest {
protected:
  queue::Draft draft_of(const std::string& body) {
    queue::Draft draft;
    draft.id = ids_.next();
    draft.klass = store::MessageClass::incoming;
    draft.head = kFeedbackHead;
    draft.body.bytes = body;
    return draft;
  }
  /// What bob's program sent to these, who have it.
  Ulid sent(const std::vector<std::string>& to, bool by_api = true) {
    auto request = directory::TestServer::outgoing(ids_.next(), to.front());
    request->klass = store::MessageClass::submitted;
    request->account = bob_.id;
    request->by_api = by_api;
    request->sender.reverse_path = {"bob", "example.org"};
    request->expires_at = request->accepted_at + 1'000'000'000;
    const auto first = request->recipients.front();
    for (std::size_t i = 1; i < to.size(); ++i) {
      request->recipients.push_back(first);
      request->recipients.back().address = to[i];
    }
    for (auto& one : request->recipients) one.in_hand = true;
    EXPECT_EQ(run_task(server_.store().acceptance().accept(request)).status, store::AcceptStatus::accepted);
    std::vector<store::Outcome> outcomes;
    for (std::uint32_t i = 0; i < to.size(); ++i)
      outcomes.push_back({.message = request->id, .index = i, .to = store::State::relayed});
    EXPECT_TRUE(run_task(server_.store().queue().record(outcomes, std::nullopt)));
    return request->id;
  }
  std::string path_of(const Ulid& message, std::optional<std::uint32_t> recipient) {
    return run_task(paths_.leaving_api({"bob", "example.org"}, message, recipient)).to_string();
  }
  void told(const std::string& body, const std::string& teller = "far.test") {
    auto note = feedback_in(draft_of(body), "mx.example.org");
    ASSERT_TRUE(note);
    note->teller = teller;
    run_step(note_feedback(means_, *note, ids_.next()));
  }
  std::string reason_for(const std::string& address) {
    const auto found = run_task(server_.store().books().find_suppression(bob_.id, address)).value();
    return found ? std::string(store::name_of(found->reason)) : std::string();
  }
};

TEST_F(ComplaintTest, TheReturnAddressProvesWhoHadTheMessage) {
  const Ulid id = sent({"x@far.test", "y@far.test"});
  const std::string path = path_of(id, 1);
  told(feedback("Return-Path: <" + path + ">\r\nSubject: x\r\n"));
  EXPECT_EQ(reason_for("y@far.test"), "complaint");
  EXPECT_EQ(reason_for("x@far.test"), "");
  const auto trail = run_task(server_.store().trail().trace(id)).value();
  EXPECT_EQ(trail.events.back().kind, store::EventKind::complained);
  EXPECT_NE(trail.events.back().detail.find("abuse, told by far.test"), std::string::npos);
  told(feedback("Subject: x\r\n", "abuse", "Original-Mail-From: <" + path_of(id, 0) + ">\r\n"));
  EXPECT_EQ(reason_for("x@far.test"), "complaint");
}

TEST_F(ComplaintTest, SoDoesItsIdWhereThereWasOneRecipient) {
  const Ulid one = sent({"x@far.test"}), several = sent({"y@far.test", "z@far.test"});
  told(feedback("Message-ID: <" + one.to_string() + "@mx.example.org>\r\n"));
  EXPECT_EQ(reason_for("x@far.test"), "complaint");
  told(feedback("Message-ID: <" + several.to_string() + "@mx.example.org>\r\n"));
  EXPECT_EQ(reason_for("y@far.test"), "") << "any of them could have written it about the other";
  EXPECT_EQ(reason_for("z@far.test"), "");
  const Ulid third = sent({"w@far.test"});
  told(feedback("Received: from x by mx.example.org with HTTP id " + third.to_string() + "; today\r\n"));
  EXPECT_EQ(reason_for("w@far.test"), "complaint");
}

TEST_F(ComplaintTest, AStrangerSuppressesNobody) {
  const Ulid id = sent({"x@far.test"});
  const std::string path = path_of(id, 0);
  told(feedback("Return-Path: <" + path + ">\r\n"), ""); // nobody vouches for the report itself
  std::string forged = path;
  forged[10] = forged[10] == 'a' ? 'b' : 'a';
  told(feedback("Return-Path: <" + forged + ">\r\n"));
  told(feedback("Return-Path: <bob@example.org>\r\nTo: x@far.test\r\n", "abuse",
                "Original-Mail-From: <bob@example.org>\r\nOriginal-Rcpt-To: <x@far.test>\r\n"));
  told(feedback("Message-ID: <" + id.to_string() + "@elsewhere.test>\r\n"));
  told(feedback("Message-ID: <" + ids_.next().to_string() + "@mx.example.org>\r\n"));
  told(feedback("Received: from x by elsewhere.test with HTTP id " + id.to_string() + "; today\r\n"));
  EXPECT_EQ(reason_for("x@far.test"), "");
  EXPECT_EQ(run_task(server_.store().trail().trace(id)).value().events.back().kind, store::EventKind::relayed);
  told(feedback("Return-Path: <" + path + ">\r\n"));
  EXPECT_EQ(reason_for("x@far.test"), "complaint") << "the true one, to show that the test can tell";
}

TEST_F(ComplaintTest, OnlyComplaintsAreComplaints) {
  for (const char* type : {"not-spam", "auth-failure", "x-unheard-of"})
    EXPECT_FALSE(feedback_in(draft_of(feedback("Subject: x\r\n", type)), "mx.example.org")) << type;
  for (const char* type : {"abuse", "FRAUD", "opt-out"})
    EXPECT_TRUE(feedback_in(draft_of(feedback("Subject: x\r\n", type)), "mx.example.org")) << type;
  queue::Draft own = draft_of(feedback("Subject: x\r\n"));
  own.klass = store::MessageClass::submitted;
  EXPECT_FALSE(feedback_in(own, "mx.example.org"));
  EXPECT_FALSE(feedback_in(draft_of("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n"), "mx.example.org"));
}

TEST_F(ComplaintTest, OfPeoplesMailItIsToldOnly) {
  const Ulid id = sent({"x@far.test"}, false);
  told(feedback("Message-ID: <" + id.to_string() + "@mx.example.org>\r\n"));
  EXPECT_EQ(run_task(server_.store().trail().trace(id)).value().events.back().kind, store::EventKind::complained);
  EXPECT_EQ(reason_for("x@far.test"), "");
}

TEST(Teller, IsWhoVouchesForTheReport) {
  Findings findings;
  EXPECT_EQ(teller_of(findings), "");
  findings.sender = {.result = mailauth::SpfResult::softfail, .domain = "far.test"};
  findings.dkim.push_back({.result = mailauth::DkimResult::fail, .domain = "forged.test"});
  EXPECT_EQ(teller_of(findings), "");
  findings.sender.result = mailauth::SpfResult::pass;
  EXPECT_EQ(teller_of(findings), "far.test");
  findings.dkim.push_back({.result = mailauth::DkimResult::pass, .domain = "Signed.test", .testing = true});
  EXPECT_EQ(teller_of(findings), "far.test") << "it only tries";
  findings.dkim.back().testing = false;
  EXPECT_EQ(teller_of(findings), "signed.test");
}

TEST_F(ComplaintTest, AProvenReportSaysWhoFailedAndHow) {
  policy::Returned returned;
  returned.about.id = ids_.next();
  returned.about.onward = 1;
  returned.own = true;
  returned.recipient = 0;
  const std::string begin =
      "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
      "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.far.test\r\n\r\n"
      "Final-Recipient: rfc822; X@far.test\r\nAction: failed\r\nStatus: 5.0.0\r\nRemote-MTA: dns; inner.far.test\r\n"
      "Diagnostic-Code: smtp; 550-5.1.1 no such user\r\n\r\n"
      "Final-Recipient: rfc822; y@far.test\r\nAction: delayed\r\nStatus: 4.2.2\r\n\r\n"
      "Final-Recipient: rfc822; z@far.test\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n--b--\r\n";
  const store::ProvenReturn proven = proven_return(returned, ids_.next(), begin);
  ASSERT_EQ(proven.failed.size(), 2u);
  EXPECT_EQ(proven.failed[0].address, "x@far.test");
  EXPECT_EQ(proven.failed[0].told.to_string(), "inner.far.test said: 550 5.1.1 no such user");
  EXPECT_TRUE(mail::is_hard_no_such_user(proven.failed[0].told));
  EXPECT_EQ(proven.failed[1].told.host, "mx.far.test");
  EXPECT_EQ(classes_of(proven), (std::vector{mail::BounceClass::no_such_user, mail::BounceClass::full}));
  EXPECT_TRUE(proven_return(returned, ids_.next(), "Subject: x\r\n\r\nNo.\r\n").failed.empty());
}

} // namespace
} // namespace paquebot::intake
