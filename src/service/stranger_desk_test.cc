#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "dns/fake_zone.h"
#include "net/test_support.h"
#include "service/stranger_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using policy::Measure;
using testing::StartsWith;

constexpr const char* kStrangersAddress = "192.0.2.9";

class StrangerDeskTest : public testing::Test {
protected:
  /// A session that begins now; what was said in the one before is over.
  StrangerDesk& meet(bool early = false) {
    leave();
    desk_ = std::make_unique<StrangerDesk>(
        StrangerMeans{zone_, facts_, rates_, *grey_, server_.store().books(), book_, clock_},
        std::make_shared<const policy::StrangerRules>(options_), loop_.executor(), kStrangersAddress);
    greeting_ = desk_->greet(early);
    return *desk_;
  }
  void leave() {
    if (!desk_) return;
    const auto whole = [](StrangerDesk& desk) -> Task<bool> {
      co_await desk.finish();
      co_return true;
    };
    loop_.run(whole(*desk_));
    desk_.reset();
  }
  void TearDown() override { leave(); }
  static mail::Sender from(const std::string& address) {
    mail::Sender sender;
    sender.reverse_path = mail::parse_address(address).value();
    return sender;
  }
  std::string recipient(StrangerDesk& desk, const std::string& sender, const std::string& to = "ann@example.org") {
    const mail::Reply reply = loop_.run(desk.recipient(from(sender), mail::parse_address(to).value()));
    return reply.code == 0 ? "" : reply.to_string();
  }
  std::string greylist(StrangerDesk& desk, const std::string& to = "ann@example.org") {
    const mail::Reply reply = loop_.run(desk.greylist(from("a@far.test"), mail::parse_address(to).value()));
    return reply.code == 0 ? "" : reply.to_string();
  }

  /// What this node has kept is all that the next one knows.
  void go_to_another_node() {
    leave();
    ASSERT_TRUE(directory::run_task(server_.store().books().save_greylist(grey_->take_changes(100))));
    grey_ = std::make_unique<policy::GreyTable>();
  }

  directory::TestServer server_;
  net::test::Loop loop_;
  FakeClock clock_;
  std::shared_ptr<dns::FakeZone> zone_ = dns::FakeZone::parse("9.2.0.192.bl.test  A    127.0.0.2\n"
                                                              "9.2.0.192.bl.test  TXT  \"it is bad\"\n"
                                                              "known.far.test     A    192.0.2.9\n");
  policy::FactsCache facts_{clock_};
  policy::ClientRates rates_{clock_};
  std::unique_ptr<policy::GreyTable> grey_ = std::make_unique<policy::GreyTable>();
  policy::ListedBook book_{clock_};
  policy::StrangerRules options_;
  mail::Reply greeting_;
  std::unique_ptr<StrangerDesk> desk_;
};

TEST_F(StrangerDeskTest, WhomItConcerns) {
  options_.allow = net::Networks::parse({"198.51.100.0/24"}).value();
  EXPECT_TRUE(StrangerDesk::concerns(options_, book_, "192.0.2.9"));
  EXPECT_FALSE(StrangerDesk::concerns(options_, book_, "198.51.100.1"));
  EXPECT_FALSE(StrangerDesk::concerns(options_, book_, "/run/socket"));
  book_.put({.what = "198.51.100.1", .allow = false, .reason = {}}); // an operator's word goes before
  book_.put({.what = "192.0.2.9", .allow = true, .reason = {}});
  EXPECT_TRUE(StrangerDesk::concerns(options_, book_, "198.51.100.1"));
  EXPECT_FALSE(StrangerDesk::concerns(options_, book_, "192.0.2.9"));
}

TEST_F(StrangerDeskTest, WhoIsBlockedIsNotGreeted) {
  meet();
  EXPECT_TRUE(greeting_.positive());
  options_.block = net::Networks::parse({"192.0.2.0/24"}).value();
  meet();
  EXPECT_EQ(greeting_.to_string(), "554 5.7.1 we take no mail from 192.0.2.9");
  book_.put({.what = "192.0.2.9", .allow = true, .reason = {}});
  meet();
  EXPECT_TRUE(greeting_.positive());
}

TEST_F(StrangerDeskTest, WhoIsBlockedMeanwhileMayNotSend) {
  StrangerDesk& desk = meet();
  EXPECT_EQ(desk.mail(from("a@far.test")).code, 0);
  book_.put({.what = "192.0.2.9", .allow = false, .reason = "too much"});
  EXPECT_EQ(desk.mail(from("a@far.test")).code, 554);
}

TEST_F(StrangerDeskTest, WhoSpeaksFirst) {
  meet(true);
  EXPECT_EQ(greeting_.code, 554);
  options_.early_talker = Measure::defer;
  meet(true);
  EXPECT_EQ(greeting_.code, 421);
  options_.early_talker = Measure::off;
  meet(true);
  EXPECT_TRUE(greeting_.positive());
}

TEST_F(StrangerDeskTest, AListOfTheDnsIsHeard) {
  options_.lists = {{.zone = "bl.test", .score = 5, .answers = {}}};
  options_.refuse_at = 5;
  EXPECT_THAT(recipient(meet(), "a@far.test"), StartsWith("550 5.7.1 "));
  EXPECT_EQ(recipient(*desk_, "a@far.test", "postmaster@example.org"), ""); // RFC 5321 section 4.5.1
  EXPECT_EQ(recipient(*desk_, "a@far.test", "Abuse@example.org"), "");
  options_.allow_senders = {"far.test"};
  EXPECT_EQ(recipient(meet(), "a@far.test"), "");
  zone_->remove("9.2.0.192.bl.test"); // it is remembered for the next session
  options_.allow_senders = {};
  EXPECT_THAT(recipient(meet(), "a@far.test"), StartsWith("550 5.7.1 "));
  facts_.clear();
  EXPECT_EQ(recipient(meet(), "a@far.test"), "");
}

TEST_F(StrangerDeskTest, ANameThatNobodyKnows) {
  options_.helo = Measure::refuse;
  StrangerDesk& desk = meet();
  desk.helo("known.far.test", "mx.example.org", "198.51.100.1");
  EXPECT_EQ(recipient(desk, "a@far.test"), "");
  desk.helo("unknown.far.test", "mx.example.org", "198.51.100.1"); // it is judged anew
  EXPECT_THAT(recipient(desk, "a@far.test"), StartsWith("550 5.7.1 "));
}

TEST_F(StrangerDeskTest, SendersThatAreBlocked) {
  options_.block_senders = {"far.test"};
  EXPECT_THAT(recipient(meet(), "a@far.test"), StartsWith("550 5.7.1 "));
  EXPECT_THAT(recipient(*desk_, "a@far.test", "postmaster@example.org"), StartsWith("550 5.7.1 "));
  EXPECT_EQ(recipient(*desk_, "a@near.test"), "");
}

TEST_F(StrangerDeskTest, WhoComesForTheFirstTimeComesAgain) {
  options_.greylist.measure = Measure::defer;
  StrangerDesk& desk = meet();
  EXPECT_EQ(greylist(desk, "postmaster@example.org"), "");
  EXPECT_EQ(greylist(desk), "451 4.7.1 greylisted: try again in 1 minute");
  clock_.advance(std::chrono::minutes(2));
  EXPECT_EQ(greylist(desk), "451 4.7.1 greylisted: try again in 1 minute"); // the same transaction
  EXPECT_EQ(desk.mail(from("a@far.test")).code, 0);
  EXPECT_EQ(greylist(desk), "");
  EXPECT_EQ(greylist(desk, "bob@example.org"), ""); // the first recipient is enough
}

TEST_F(StrangerDeskTest, WhoComesAgainMayComeToAnotherNode) {
  options_.greylist = {.measure = Measure::defer, .delay = std::chrono::minutes(5)};
  EXPECT_EQ(greylist(meet()), "451 4.7.1 greylisted: try again in 5 minutes");
  clock_.advance(std::chrono::minutes(2));
  go_to_another_node();
  EXPECT_EQ(greylist(meet()), "451 4.7.1 greylisted: try again in 3 minutes") << "he has waited there";
  clock_.advance(std::chrono::minutes(3));
  go_to_another_node();
  EXPECT_EQ(greylist(meet()), "");
  go_to_another_node();
  EXPECT_EQ(greylist(meet(), "bob@example.org"), "") << "his network is known";
}

TEST_F(StrangerDeskTest, TagsSayWhatWasNoticed) {
  options_.greylist.measure = Measure::tag;
  options_.lists = {{.zone = "bl.test", .score = 1, .answers = {}}};
  options_.tag_at = 1;
  StrangerDesk& desk = meet();
  EXPECT_EQ(recipient(desk, "a@far.test"), "");
  EXPECT_EQ(greylist(desk), "");
  EXPECT_EQ(desk.tags().size(), 2u);
  EXPECT_EQ(desk.tags().back(), "greylisting; it came for the first time");
}

TEST_F(StrangerDeskTest, TooMuchIsTooMuch) {
  options_.rates.messages_per_hour = 1;
  options_.rates.faults_per_hour = 2;
  StrangerDesk& desk = meet();
  EXPECT_EQ(desk.mail(from("a@far.test")).code, 0);
  EXPECT_EQ(desk.mail(from("a@far.test")).code, 451);
  EXPECT_EQ(desk.fault(1).code, 0);
  EXPECT_EQ(desk.fault(5).code, 421);
  meet();
  EXPECT_EQ(greeting_.code, 421); // and it is shut out for a while
  clock_.advance(options_.rates.refused_for + std::chrono::seconds(1));
  meet();
  EXPECT_TRUE(greeting_.positive());
}

TEST_F(StrangerDeskTest, TheNameThatLeadsBack) {
  zone_->add("9.2.0.192.in-addr.arpa", dns::Type::ptr, {"known.far.test"});
  options_.reverse_dns = Measure::refuse;
  EXPECT_EQ(recipient(meet(), "a@far.test"), "");
  EXPECT_EQ(desk_->name(), "known.far.test");
}

} // namespace
} // namespace paquebot::service
