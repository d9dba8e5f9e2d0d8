#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "intake/suspects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::intake {
namespace {

using directory::run_task;
using testing::HasSubstr;

class Suspects : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(run_task(server_.store().directory().add_domain("example.org")));
    boss_ = account("boss@example.org"); // the first account owns the domain
    ann_ = account("ann@example.org");
  }

  store::Account account(const std::string& login) {
    store::Account account;
    account.login = login;
    return run_task(server_.store().directory().add_account(account)).value();
  }
  void attend(bool all = false) {
    IntakeMeans means{server_.store(), queue_, policy_, ids_, clock_};
    (void)run_task(attend_suspects(means, server_.directory(), "mx.example.org", all));
  }
  std::uint64_t inbox(const store::Account& of) {
    return run_task(server_.store().mailboxes().open(of.id, "INBOX")).value().count;
  }
  /// A message of ann's that waits for elsewhere.
  Ulid waiting() {
    auto request = directory::TestServer::outgoing(ids_.next(), "out@example.net");
    request->klass = store::MessageClass::submitted;
    request->account = ann_.id;
    request->accepted_at = millis(clock_.wall());
    EXPECT_EQ(run_task(server_.store().acceptance().accept(request)).status, store::AcceptStatus::accepted);
    return request->id;
  }
  store::State state(const Ulid& id) {
    return run_task(server_.store().trail().trace(id)).value().recipients.at(0).state;
  }

  FakeClock clock_;
  directory::TestServer server_;
  queue::Queue queue_{server_.store(), clock_, {}};
  policy::Policy policy_{server_.directory()};
  UlidSource ids_;
  store::Account boss_, ann_;
};

TEST_F(Suspects, WhatWaitsIsHeldAndOwnerAndOperatorAreToldOnce) {
  const Ulid first = waiting();
  attend();
  EXPECT_EQ(state(first), store::State::waiting);
  ASSERT_TRUE(run_task(server_.store().books().suspect(ann_.id, store::TakeoverSign::networks, "9 networks")).value());
  attend();
  EXPECT_EQ(state(first), store::State::held);
  EXPECT_EQ(inbox(ann_), 1u);
  EXPECT_EQ(inbox(boss_), 1u);
  const auto marked = run_task(server_.store().books().list_suspicions(true)).value();
  ASSERT_EQ(marked.size(), 1u);
  EXPECT_TRUE(marked[0].told);
  EXPECT_EQ(marked[0].held, 1u);
  const Ulid second = waiting();
  attend();
  EXPECT_EQ(state(second), store::State::waiting) << "no limits, so not of a session: only the start looks again";
  attend(true);
  EXPECT_EQ(state(second), store::State::held);
  EXPECT_EQ(inbox(ann_), 1u) << "told once";
}

TEST_F(Suspects, AnOwnerWhoIsTheOperatorGetsOneMessage) {
  ASSERT_TRUE(run_task(server_.store().books().suspect(boss_.id, store::TakeoverSign::failures, "x")).value());
  attend();
  EXPECT_EQ(inbox(boss_), 1u);
}

TEST(TakeoverNotice, SaysWhyAndWhatToDo) {
  store::Suspicion suspicion;
  suspicion.login = "ann@example.org";
  suspicion.reason = "it logged in from 9 networks";
  const Notice notice = compose_takeover_notice("mx.example.org", "postmaster@example.org", suspicion, WallTime{});
  EXPECT_THAT(notice.head, HasSubstr("To: <ann@example.org>, <postmaster@example.org>\r\n"));
  EXPECT_THAT(notice.head, HasSubstr("Auto-Submitted: auto-generated\r\n"));
  EXPECT_THAT(notice.body, HasSubstr("  it logged in from 9 networks\r\n"));
  EXPECT_THAT(notice.body, HasSubstr("paquebot account release ann@example.org --drop\r\n"));
  EXPECT_THAT(notice.body, HasSubstr("paquebot account passwd ann@example.org\r\n"));
  for (std::size_t at = 0; (at = notice.body.find('\n', at)) != std::string::npos; ++at)
    EXPECT_EQ(notice.body[at - 1], '\r');
}

} // namespace
} // namespace paquebot::intake
