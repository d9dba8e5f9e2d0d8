#include "base/fake_clock.h"
#include "delivery/inner_address.h"
#include "delivery/reporter.h"
#include "directory/test_server.h"
#include "store/wrapped_store.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <gtest/gtest.h>
#include <mutex>
#include <set>
#include <stdexcept>

namespace paquebot::delivery {
namespace {

using directory::run_task;
using store::State;

/// Throws when the report about some message is accepted, and takes none for "broken@". Counts large bodies that
/// somebody holds.
class OddStore final : public store::Wrapped<store::WrappedAcceptance> {
public:
  using Wrapped::Wrapped;
  Task<store::AcceptResult> accept(std::shared_ptr<const store::AcceptRequest> request) override {
    if (request->settles) {
      ++tried;
      text = request->body.bytes;
      if (request->settles->message == throws_for) throw std::runtime_error("made to throw");
      if (request->recipients.front().address == "broken@example.org")
        co_return store::AcceptResult{store::AcceptStatus::failed, {}, "made to fail", {}, {}};
    }
    if (request->settles && out_of_date) co_return store::AcceptResult{store::AcceptStatus::duplicate, {}, {}, {}, {}};
    co_return co_await WrappedAcceptance::accept(std::move(request));
  }
  Task<Result<std::shared_ptr<store::Staged>>> stage() override {
    ++begun;
    auto body = co_await WrappedAcceptance::stage();
    if (!body) co_return body;
    co_return std::make_shared<Counted>(*this, std::move(*body));
  }
  int begun = 0;
  /// Nobody holds one any more; the store's thread lets go of what it was given shortly after it has answered.
  bool none_staged() {
    std::unique_lock lock(mutex_);
    return gone_.wait_for(lock, std::chrono::seconds(10), [this] { return staged_ == 0; });
  }
  bool fails_append = false;
  bool out_of_date = false;
  Ulid throws_for;
  int tried = 0;
  std::string text; ///< of the last report

private:
  class Counted final : public store::Staged {
  public:
    Counted(OddStore& odd, std::shared_ptr<store::Staged> inner) : odd_(odd), inner_(std::move(inner)) {
      const std::lock_guard lock(odd_.mutex_);
      ++odd_.staged_;
    }
    ~Counted() override {
      const std::lock_guard lock(odd_.mutex_);
      --odd_.staged_;
      odd_.gone_.notify_all();
    }
    Task<Result<>> append(std::string chunk) override {
      if (std::exchange(odd_.fails_append, false)) co_return fail(Errc::io, "made to fail");
      co_return co_await inner_->append(std::move(chunk));
    }
    Task<Result<>> finish() override { return inner_->finish(); }
    store::BodyRef content() const override { return inner_->content(); }

  private:
    OddStore& odd_;
    const std::shared_ptr<store::Staged> inner_;
  };

  std::mutex mutex_;
  std::condition_variable gone_;
  int staged_ = 0;
};

class ReporterTest : public testing::Test {
protected:
  void SetUp() override {
    server_.domain("example.org");
    ann_ = server_.account("ann@example.org").id;
    server_.account("broken@example.org");
  }

  /// A message whose recipient has failed.
  Ulid owing(const std::string& from, std::string body = {}, const std::string& results = {}) {
    queue::Draft draft;
    draft.sender.ret = mail::Ret::full;
    draft.body.size = body.size();
    draft.body.bytes = std::move(body);
    draft.id = ids_.next();
    draft.sender.reverse_path = *mail::parse_address(from);
    draft.head =
        (results.empty() ? "" : "Authentication-Results: mx.example.org; " + results + "\r\n") + "Subject: x\r\n\r\n";
    queue::DraftRecipient recipient;
    recipient.recipient.address = {"nobody", "example.org"};
    recipient.nodes = {{"nobody@example.org", store::Handling::failed, 0, -1, "no such user", 550, {5, 1, 1}}};
    draft.recipients = {recipient};
    const Ulid id = draft.id;
    EXPECT_EQ(run_task(queue_.accept(std::move(draft))).status, store::AcceptStatus::accepted);
    return id;
  }
  /// One to an address that leads by another of ours to two that failed, and to one that the sender named.
  void owing_behind(store::MessageClass klass) {
    const mail::EnhancedCode gone{5, 1, 1};
    queue::Draft draft;
    draft.klass = klass;
    draft.id = ids_.next();
    draft.sender.reverse_path = {"ann", "example.org"};
    draft.head = "Subject: x\r\n\r\n";
    queue::DraftRecipient outer, plain;
    outer.recipient.address = {"outer", "example.org"};
    outer.nodes = {{"outer@example.org", store::Handling::expanded, 0, -1, {}, 0, {}},
                   {"middle@example.org", store::Handling::expanded, 0, 0, {}, 0, {}},
                   {"secret@inner.example", store::Handling::failed, 0, 1, "no secret@inner.example", 550, gone},
                   {"other@inner.example", store::Handling::failed, 0, 1, "no other@inner.example", 550, gone}};
    plain.recipient.address = {"nobody", "example.org"};
    plain.nodes = {{"nobody@example.org", store::Handling::failed, 0, -1, "no such user", 550, gone}};
    draft.recipients = {outer, plain};
    EXPECT_EQ(run_task(queue_.accept(std::move(draft))).status, store::AcceptStatus::accepted);
    EXPECT_TRUE(round());
  }
  std::size_t told(std::string_view words) const {
    std::size_t times = 0;
    for (std::size_t at = 0; (at = store_.text.find(words, at)) != std::string::npos; at += words.size()) ++times;
    return times;
  }
  bool round() { return run_task(reporter_.round()); }
  store::Owed owed(const Ulid& id) { return run_task(server_.store().trail().trace(id))->recipients.at(0).owed; }

  directory::TestServer server_;
  OddStore store_{server_.store()};
  FakeClock clock_;
  UlidSource ids_;
  queue::Queue queue_{store_, system_clock(), {}};
  boost::asio::io_context context_;
  Reporter reporter_{context_.get_executor(), queue_, store_, server_.directory(), ids_, clock_, "mx.example.org"};
  store::Id ann_ = 0;
};

TEST_F(ReporterTest, ThoseThatKeepFailingDoNotStarveTheRest) {
  for (int i = 0; i < 45; ++i) owing("broken@example.org");
  const Ulid last = owing("ann@example.org");
  EXPECT_TRUE(round());
  EXPECT_EQ(owed(last), store::Owed::none);
  EXPECT_EQ(run_task(server_.store().mailboxes().open(ann_, "INBOX"))->count, 1u);
  EXPECT_EQ(store_.tried, 46);
}

TEST_F(ReporterTest, WhatFailsIsTriedLessAndLessOften) {
  const Ulid id = owing("broken@example.org");
  EXPECT_FALSE(round());
  EXPECT_FALSE(round());
  EXPECT_EQ(store_.tried, 1);
  clock_.advance(std::chrono::seconds(5));
  round();
  EXPECT_EQ(store_.tried, 2);
  clock_.advance(std::chrono::seconds(9));
  round();
  EXPECT_EQ(store_.tried, 2);
  clock_.advance(std::chrono::seconds(1));
  round();
  EXPECT_EQ(store_.tried, 3);
  for (int i = 0; i < 20; ++i) {
    clock_.advance(std::chrono::seconds(600));
    round();
  }
  EXPECT_EQ(store_.tried, 23) << "at least once in ten minutes";
  EXPECT_EQ(owed(id), store::Owed::failure);
}

TEST_F(ReporterTest, ALargeReportThatIsNotAcceptedLeavesNothingBehind) {
  const std::string large(store::kInlineBody, 'x');
  const Ulid id = owing("broken@example.org", large);
  EXPECT_FALSE(round());
  EXPECT_EQ(store_.tried, 1);
  EXPECT_EQ(store_.begun, 1);
  EXPECT_TRUE(store_.none_staged()) << "it failed";
  const Ulid next = owing("ann@example.org", large);
  store_.fails_append = true;
  EXPECT_FALSE(round());
  EXPECT_TRUE(store_.none_staged()) << "it could not be written";
  store_.out_of_date = true;
  clock_.advance(std::chrono::seconds(5));
  EXPECT_TRUE(round());
  EXPECT_TRUE(store_.none_staged()) << "it was out of date";
  store_.out_of_date = false;
  EXPECT_TRUE(round());
  EXPECT_EQ(owed(next), store::Owed::none);
  EXPECT_EQ(owed(id), store::Owed::failure);
  EXPECT_TRUE(store_.none_staged());
}

TEST_F(ReporterTest, OneThatThrowsDoesNotEndTheOthers) {
  store_.throws_for = owing("ann@example.org");
  const Ulid next = owing("ann@example.org");
  EXPECT_TRUE(round());
  EXPECT_EQ(owed(next), store::Owed::none);
  EXPECT_EQ(owed(store_.throws_for), store::Owed::failure);
  const Ulid first = std::exchange(store_.throws_for, Ulid());
  clock_.advance(std::chrono::seconds(5));
  EXPECT_TRUE(round());
  EXPECT_EQ(owed(first), store::Owed::none);
}

TEST_F(ReporterTest, StrangersAreNotWrittenToWithoutEnd) {
  std::vector<Ulid> all;
  for (int i = 0; i < 30; ++i) all.push_back(owing("victim@far.example"));
  for (int i = 0; i < 30; ++i) owing("ann@example.org"); // who has a mailbox here is told of each
  EXPECT_TRUE(round());
  EXPECT_EQ(store_.tried, 20 + 30);
  for (const Ulid& id : all) EXPECT_EQ(owed(id), store::Owed::none); // those beyond are given up
  EXPECT_EQ(run_task(server_.store().mailboxes().open(ann_, "INBOX"))->count, 30u);
}

/// Many forge mail in his name, or in his domain's, which fails; he is told of what he sent himself all the same.
TEST_F(ReporterTest, ForgedMailTakesNoReportsAway) {
  for (int i = 0; i < 30; ++i) owing("bob@far.example", {}, "spf=fail smtp.mailfrom=bob@far.example");
  EXPECT_TRUE(round());
  EXPECT_EQ(store_.tried, 2);
  for (int i = 0; i < 150; ++i) owing("x" + std::to_string(i) + "@far.example");
  EXPECT_TRUE(round());
  EXPECT_EQ(store_.tried, 2 + 100);
  const Ulid own = owing("bob@far.example", {}, "spf=pass smtp.mailfrom=bob@far.example");
  EXPECT_TRUE(round());
  EXPECT_EQ(store_.tried, 2 + 100 + 1);
  EXPECT_EQ(owed(own), store::Owed::none);
}

TEST_F(ReporterTest, WhoIsVouchedForIsToldOfTheRestLater) {
  const std::string pass = "spf=pass smtp.mailfrom=bob@far.example";
  std::vector<Ulid> all;
  for (int i = 0; i < 50; ++i) all.push_back(owing("bob@far.example", {}, pass));
  const auto waiting = [&] {
    return std::ranges::count(all, store::Owed::failure, [&](const Ulid& id) { return owed(id); });
  };
  EXPECT_TRUE(round());
  EXPECT_EQ(waiting(), 30);
  for (const auto left : {10, 0}) {
    clock_.advance(std::chrono::hours(1));
    EXPECT_TRUE(round());
    EXPECT_EQ(waiting(), left);
  }
  EXPECT_EQ(store_.tried, 50);
}

TEST_F(ReporterTest, NobodyIsWaitedForLongerThanADay) {
  const std::string pass = "spf=pass smtp.mailfrom=bob@far.example";
  std::vector<Ulid> all;
  for (int i = 0; i < 25; ++i) all.push_back(owing("bob@far.example", {}, pass));
  clock_.set_wall(system_clock().wall() + std::chrono::hours(25));
  EXPECT_TRUE(round());
  EXPECT_EQ(store_.tried, 20);
  for (const Ulid& id : all) EXPECT_EQ(owed(id), store::Owed::none);
}

TEST_F(ReporterTest, InnerAddressesAreHiddenFromOutsiders) {
  owing_behind(store::MessageClass::incoming);
  EXPECT_EQ(told("Final-Recipient: rfc822; secret@inner.example\r\n"), 1u) << store_.text;
  reporter_.configure(true);
  owing_behind(store::MessageClass::incoming);
  EXPECT_EQ(told("inner"), 0u) << store_.text;
  EXPECT_EQ(told("middle"), 0u) << store_.text;
  EXPECT_EQ(told("Original-Recipient: rfc822;outer@example.org\r\n"
                 "Final-Recipient: rfc822; outer@example.org\r\nAction: failed\r\nStatus: 5.2.0\r\n"),
            1u)
      << store_.text;
  EXPECT_EQ(told("outer@example.org\r\n"), 2u) << "once for both";
  EXPECT_EQ(told("Final-Recipient: rfc822; nobody@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"), 1u);
  EXPECT_EQ(told("no such user"), 2u);
  owing_behind(store::MessageClass::submitted);
  EXPECT_EQ(told("Final-Recipient: rfc822; other@inner.example\r\n"), 1u) << "own users see where it went";
}

TEST(InnerAddress, NothingThatThePeerSaidIsLeft) {
  mail::ReportRecipient row;
  row.address = {"secret", "inner.example"};
  row.orcpt = "rfc822;outer@example.org";
  row.told =
      mail::Told::by({450, {4, 7, 1}, "secret@inner.example: come again"}, "mx.inner.example", "mx.inner.example");
  row.told.own = {451, {4, 4, 2}, "mx.inner.example broke off"};
  const mail::Address outer{"outer", "example.org"};
  for (const auto outcome : {mail::Outcome::delayed, mail::Outcome::failed, mail::Outcome::relayed}) {
    mail::ReportRecipient one = row;
    one.outcome = outcome;
    const mail::EnhancedCode before = mail::status_of(one);
    hide_inner_address(one, outer);
    mail::ReportInput input;
    input.host = "mx.example.org";
    input.to = {"ann", "far.example"};
    input.recipients = {one};
    EXPECT_EQ(mail::compose_report(input).body.find("inner"), std::string::npos) << mail::compose_report(input).body;
    const mail::EnhancedCode success{2, 0, 0};
    EXPECT_EQ(mail::status_of(one), outcome == mail::Outcome::relayed ? success : before);
  }
}

} // namespace
} // namespace paquebot::delivery
