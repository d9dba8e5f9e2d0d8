#include "directory/test_server.h"
#include "service/numbering.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using directory::run_task;

class NumberingTest : public testing::Test {
protected:
  void SetUp() override {
    server_.domain("example.test");
    account_ = server_.account("alice@example.test");
  }

  void deliver(int count) {
    for (int i = 0; i < count; ++i) {
      auto request = std::make_shared<store::AcceptRequest>();
      request->id = ids_.next();
      request->head = "Subject: " + std::to_string(i) + "\r\n\r\n";
      request->accepted_at = request->expires_at = 1;
      store::NewRecipient to;
      to.address = "alice@example.test";
      to.handling = store::Handling::mailbox;
      to.account = account_.id;
      request->recipients.push_back(to);
      std::shared_ptr<const store::AcceptRequest> sealed = request;
      ASSERT_EQ(run_task(server_.store().acceptance().accept(sealed)).status, store::AcceptStatus::accepted);
    }
  }

  void expunge(std::vector<std::uint32_t> uids) {
    ASSERT_TRUE(run_task(server_.store().mailboxes().expunge(inbox().id, std::move(uids), "another session")));
  }

  store::MailboxInfo inbox() { return *run_task(server_.store().mailboxes().open(account_.id, "INBOX")); }

  std::vector<std::uint32_t> uids(Numbering& numbering, std::uint32_t from, std::uint32_t most) {
    auto entries = run_task(numbering.from(from, most));
    std::vector<std::uint32_t> all;
    if (entries)
      for (const auto& entry : *entries) all.push_back(entry.uid);
    return all;
  }

  directory::TestServer server_;
  UlidSource ids_;
  store::Account account_;
};

TEST_F(NumberingTest, NumbersCountOnInOrderAndByJumps) {
  deliver(700);
  // Holes: numbers and uids part ways.
  std::vector<std::uint32_t> gone;
  for (std::uint32_t uid = 10; uid <= 700; uid += 10) gone.push_back(uid);
  auto done = run_task(server_.store().mailboxes().expunge(inbox().id, gone, "test"));
  ASSERT_TRUE(done);
  Numbering in_order(server_.store().mailboxes(), inbox());
  ASSERT_EQ(in_order.count(), 630u);
  std::vector<std::uint32_t> all;
  while (all.size() < in_order.count()) {
    auto some = uids(in_order, static_cast<std::uint32_t>(all.size()) + 1, 100);
    ASSERT_FALSE(some.empty());
    all.insert(all.end(), some.begin(), some.end());
  }
  for (std::uint32_t number : {630u, 1u, 256u, 257u, 512u, 513u, 300u, 299u}) {
    Numbering jump(server_.store().mailboxes(), inbox());
    EXPECT_EQ(uids(jump, number, 1), std::vector<std::uint32_t>{all[number - 1]}) << number;
    EXPECT_EQ(uids(in_order, number, 1), std::vector<std::uint32_t>{all[number - 1]}) << number;
  }
  EXPECT_EQ(uids(in_order, 1, 630), all);
}

/// Each number stands for the message that it stood for at the login, whatever another session deletes beside this one.
TEST_F(NumberingTest, WhatAnotherSessionDeletesMovesNoNumber) {
  deliver(700);
  expunge({3, 4, 5, 300, 699});
  const store::MailboxInfo at_login = inbox();
  Numbering before(server_.store().mailboxes(), at_login);
  const std::vector<std::uint32_t> all = uids(before, 1, 700);
  ASSERT_EQ(all.size(), 695u);
  Numbering in_order(server_.store().mailboxes(), inbox());
  EXPECT_EQ(uids(in_order, 1, 300).size(), 300u) << "two pages are known";
  expunge({1, 2, 6, 255, 256, 257, 258, 512, 600, 700});
  deliver(2);
  expunge({700, 701});
  for (std::uint32_t number : {695u, 1u, 2u, 3u, 4u, 252u, 253u, 254u, 256u, 257u, 300u, 512u, 513u, 600u, 690u}) {
    Numbering jump(server_.store().mailboxes(), at_login);
    EXPECT_EQ(uids(jump, number, 1), std::vector<std::uint32_t>{all[number - 1]}) << number;
    EXPECT_EQ(uids(before, number, 1), std::vector<std::uint32_t>{all[number - 1]}) << number;
    EXPECT_EQ(uids(in_order, number, 1), std::vector<std::uint32_t>{all[number - 1]}) << number;
  }
  EXPECT_EQ(uids(before, 1, 700), all);
  EXPECT_TRUE(uids(before, 696, 1).empty());
}

TEST_F(NumberingTest, WhatComesLaterHasNoNumberAndBeyondTheEndIsNothing) {
  deliver(3);
  Numbering numbering(server_.store().mailboxes(), inbox());
  deliver(3);
  EXPECT_EQ(uids(numbering, 1, 100).size(), 3u);
  EXPECT_TRUE(uids(numbering, 4, 1).empty());
  Numbering empty(server_.store().mailboxes(), store::MailboxInfo{});
  EXPECT_TRUE(uids(empty, 1, 1).empty());
}

} // namespace
} // namespace paquebot::service
