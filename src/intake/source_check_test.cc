#include "dns/fake_zone.h"
#include "intake/source_check.h"
#include "intake/test_passage.h"

namespace paquebot::intake {
namespace {

using test::run_step;

class SourceCheckTest : public test::PassageTest {
protected:
  SourceCheckTest() {
    zone_->add("far.test", dns::Type::txt, {"v=spf1 ip4:192.0.2.9 -all"});
    zone_->add("_dmarc.author.test", dns::Type::txt, {"v=DMARC1; p=quarantine"});
    means_ = std::make_unique<IntakeMeans>(
        IntakeMeans{server_.store(), queue_, policy_, ids_, clock_, &verifier_, nullptr, nullptr});
  }
  Passage& start(Origin origin, const std::string& head = "From: a@far.test\r\n") {
    passage_ = std::make_unique<Passage>(*means_, options_, std::move(origin), std::nullopt);
    passage_->head = mail::Head::parse(head + "\r\n").value();
    SourceCheck(*passage_).watch();
    return *passage_;
  }
  /// All of the step.
  Passage& judge(Origin origin, const std::string& head) {
    Passage& message = start(std::move(origin), head);
    SourceCheck check(message);
    run_step(check.begin());
    if (message.authentication) message.authentication->feed(head + "\r\nx\r\n");
    run_step(check.run());
    check.leave_unreported();
    return message;
  }
  /// DMARC fails: neither is the message signed, nor from where the domain says.
  Passage& forged(Origin origin) { return judge(std::move(origin), "From: x@author.test\r\n"); }

  std::shared_ptr<dns::FakeZone> zone_ = std::make_shared<dns::FakeZone>();
  Verifier verifier_{*zone_, clock_};
  std::unique_ptr<IntakeMeans> means_;
};

TEST_F(SourceCheckTest, WhoseMailIsChecked) {
  EXPECT_TRUE(start(from_stranger()).authentication);
  EXPECT_TRUE(start(from_ann()).authentication); // what she sends on to a mailbox here
  Origin to_others = from_ann();
  to_others.recipients.assign(1, recipient("x@far.test", store::Handling::remote));
  EXPECT_FALSE(start(std::move(to_others)).authentication);
  Origin front = from_stranger();
  front.client.role = smtp::Role::lmtp;
  EXPECT_FALSE(start(std::move(front)).authentication);
  Origin relayed = from_stranger();
  relayed.klass = store::MessageClass::local;
  EXPECT_TRUE(start(std::move(relayed)).authentication);
  EXPECT_TRUE(asks_about(*means_, options_, "192.0.2.9"));
  options_.authentication.skip_networks = net::Networks::parse({"192.0.2.0/24"}).value();
  EXPECT_FALSE(start(from_stranger()).authentication);
  EXPECT_FALSE(asks_about(*means_, options_, "192.0.2.9"));
  options_.authentication = {.verify = false};
  EXPECT_FALSE(start(from_stranger()).authentication);
}

TEST_F(SourceCheckTest, WhatAnAccountWroteItselfIsNotChecked) {
  Passage& message = start(from_ann(), "From: ann@example.org\r\n");
  SourceCheck check(message);
  run_step(check.run());
  EXPECT_FALSE(message.authentication);
  EXPECT_TRUE(message.fine());
  EXPECT_TRUE(check.vouched());
}

TEST_F(SourceCheckTest, AForgeryIsRefusedOrSetAside) {
  zone_->add("_dmarc.refusing.test", dns::Type::txt, {"v=DMARC1; p=reject"});
  EXPECT_EQ(judge(from_stranger(), "From: x@refusing.test\r\n").failure.code, 550);
  Passage& tagged = forged(from_stranger());
  EXPECT_TRUE(tagged.fine());
  EXPECT_EQ(tagged.origin.recipients.front().nodes.front().handling, store::Handling::mailbox);
  options_.authentication.quarantine = AuthenticationOptions::Quarantine::hold;
  Passage& held = forged(from_stranger());
  EXPECT_TRUE(held.fine());
  const directory::Node& node = held.origin.recipients.front().nodes.front();
  EXPECT_EQ(node.handling, store::Handling::held);
  EXPECT_EQ(node.hold, store::HoldKind::quarantine);
  EXPECT_TRUE(node.reason.starts_with("quarantine: ")) << node.reason;
  EXPECT_EQ(node.address, "bob@example.org");
}

TEST_F(SourceCheckTest, OnlyWhoIsKnownMayHaveUsWriteToHim) {
  const auto asks = [this](Origin origin) {
    origin.sender.deliver_by = {mail::DeliverBy::Mode::notify};
    origin.recipients.front().recipient.notify = mail::kNotifySuccess;
    return origin;
  };
  const auto left = [](const Passage& message) {
    return std::pair(int{message.origin.recipients.front().recipient.notify}, message.origin.sender.deliver_by.mode);
  };
  using Mode = mail::DeliverBy::Mode;
  EXPECT_EQ(left(judge(asks(from_stranger()), "From: a@far.test\r\n")),
            std::pair(int{mail::kNotifySuccess}, Mode::notify));
  Origin stranger = asks(from_stranger());
  stranger.client.address = "192.0.2.77"; // not where the domain sends from
  EXPECT_EQ(left(judge(std::move(stranger), "From: a@elsewhere.test\r\n")),
            std::pair(int{mail::kNotifyNever}, Mode::none));
  Origin both = asks(from_stranger());
  both.client.address = "192.0.2.77";
  both.recipients.front().recipient.notify = mail::kNotifySuccess | mail::kNotifyFailure;
  EXPECT_EQ(left(judge(std::move(both), "From: a@elsewhere.test\r\n")),
            std::pair(int{mail::kNotifyFailure}, Mode::none));
}

} // namespace
} // namespace paquebot::intake
