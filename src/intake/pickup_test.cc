#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "intake/pickup.h"
#include "store/wrapped_store.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <sstream>

namespace paquebot::intake {
namespace {

using directory::run_task;

/// A store that can be made to refuse.
class MoodyStore final : public store::WrappedStore {
public:
  using WrappedStore::WrappedStore;
  Task<store::AcceptResult> accept(std::shared_ptr<const store::AcceptRequest> request) override {
    ++asked;
    if (failing) co_return store::AcceptResult{store::AcceptStatus::failed, {}, "made to fail", {}, {}};
    auto result = co_await inner_.accept(std::move(request));
    co_return result;
  }
  bool failing = false;
  int asked = 0;
};

class PickUp : public testing::Test {
protected:
  void SetUp() override {
    drops_ = (server_.path() / "drop").string();
    ASSERT_TRUE(make_drop_directory(drops_));
    ASSERT_TRUE(run_task(server_.store().add_domain("example.org")));
  }

  void account(const std::string& login, std::uint64_t quota) {
    store::Account account;
    account.login = login;
    account.quota = quota;
    ASSERT_TRUE(run_task(server_.store().add_account(account)));
  }

  Ulid drop(const std::string& to, const std::string& text = "Subject: x\r\n\r\nhello\r\n") {
    DropEnvelope envelope;
    envelope.sender.reverse_path = {"cron", "example.org"};
    envelope.recipients = {{.address = *mail::parse_address(to)}};
    std::istringstream in(text);
    auto id = drop_message(drops_, envelope, in);
    EXPECT_TRUE(id) << id.error().message;
    return *id;
  }

  std::size_t round() {
    Services services{store_, queue_, policy_, ids_, clock_};
    return run_task(pick_up(drops_, services, server_.directory(), options_, postponed_));
  }

  store::RecipientFacts first_recipient(const Ulid& id) {
    auto trace = run_task(server_.store().trace(id));
    return trace ? trace->recipients.at(0) : store::RecipientFacts{};
  }

  FakeClock clock_;
  directory::TestServer server_;
  MoodyStore store_{server_.store()};
  queue::Queue queue_{store_, clock_, {}};
  policy::Policy policy_{server_.directory()};
  UlidSource ids_;
  Options options_{.hostname = "mx.example.org"};
  Postponed postponed_;
  std::string drops_;
};

TEST_F(PickUp, TakesWhatIsThereUnderItsOwnIdOnce) {
  account("ann@example.org", 0);
  Ulid id = drop("ann@example.org");
  EXPECT_EQ(round(), 1u);
  EXPECT_EQ(first_recipient(id).state, store::State::in_mailbox);
  EXPECT_EQ(round(), 0u);
  EXPECT_TRUE(list_drops(drops_, 10).empty());
}

TEST_F(PickUp, WhatASessionWouldRefuseFailsAndIsReported) {
  account("full@example.org", 1);
  drop("full@example.org"); // the first one fits: nothing is there yet
  EXPECT_EQ(round(), 1u);
  Ulid full = drop("full@example.org"), unknown = drop("nobody@example.org");
  EXPECT_EQ(round(), 2u);
  for (const Ulid& id : {full, unknown}) {
    EXPECT_EQ(first_recipient(id).state, store::State::failed);
    EXPECT_EQ(first_recipient(id).owed, store::Owed::failure);
  }
  EXPECT_EQ(first_recipient(full).last_reply.to_string(), "552 5.2.2 the mailbox is full");
}

TEST_F(PickUp, WhatCannotBeTakenNowWaitsLongerEachTimeAndHoldsUpNobody) {
  account("ann@example.org", 0);
  drop("ann@example.org");
  store_.failing = true;
  EXPECT_EQ(round(), 0u);
  EXPECT_EQ(round(), 0u);
  EXPECT_EQ(store_.asked, 1);
  clock_.advance(std::chrono::seconds(5));
  EXPECT_EQ(round(), 0u);
  EXPECT_EQ(store_.asked, 2);
  clock_.advance(std::chrono::seconds(5));
  EXPECT_EQ(round(), 0u);
  EXPECT_EQ(store_.asked, 2);
  store_.failing = false;
  drop("ann@example.org");
  EXPECT_EQ(round(), 1u);
  clock_.advance(std::chrono::seconds(5));
  EXPECT_EQ(round(), 1u);
  EXPECT_TRUE(list_drops(drops_, 10).empty());
  EXPECT_EQ(round(), 0u);
  EXPECT_TRUE(postponed_.files.empty());
}

TEST_F(PickUp, WhatIsTooLargeOrMalformedIsSetAside) {
  account("ann@example.org", 0);
  options_.max_message_size = 1000;
  Ulid large = drop("ann@example.org", "Subject: x\r\n\r\n" + std::string(2000, 'x') + "\r\n");
  Ulid link = drop("ann@example.org");
  std::filesystem::remove(drops_ + "/" + link.to_string());
  std::filesystem::create_symlink("/etc/passwd", drops_ + "/" + link.to_string());
  EXPECT_EQ(round(), 0u);
  EXPECT_TRUE(list_drops(drops_, 10).empty());
  EXPECT_TRUE(std::filesystem::exists(drops_ + "/bad." + large.to_string()));
  EXPECT_TRUE(std::filesystem::is_symlink(drops_ + "/bad." + link.to_string()));
  EXPECT_EQ(store_.asked, 0);
}

} // namespace
} // namespace paquebot::intake
