#include "base/result.h"
#include "directory/test_server.h"
#include "service/mailbox_holders.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

constexpr store::Id kMailbox = 7;

/// A lock of which the test sees whether somebody awaited that it was unlocked.
class AwaitedLock final : public store::MailboxLock {
public:
  AwaitedLock(bool& awaited, bool works) : awaited_(awaited), works_(works) {}
  Task<Result<>> unlock() override {
    awaited_ = true;
    if (!works_) co_return fail(Errc::io, "the disk is away");
    co_return Result<>();
  }

private:
  bool& awaited_;
  const bool works_;
};

class HolderOf final : public MailboxHolder {
public:
  explicit HolderOf(GivenUp answer) : answer_(std::move(answer)) {}
  GivenUp give_way() override { return std::move(answer_); }

private:
  GivenUp answer_;
};

class MailboxHoldersTest : public testing::Test {
protected:
  bool take_over(MailboxHolder::GivenUp answer) {
    const auto holder = std::make_shared<HolderOf>(std::move(answer));
    boost::asio::io_context context;
    holders_.hold(kMailbox, context.get_executor(), holder);
    std::optional<bool> free;
    boost::asio::co_spawn(context, holders_.take_over(kMailbox), [&free](std::exception_ptr broke, bool is_free) {
      if (broke) std::rethrow_exception(broke);
      free = is_free;
    });
    context.run();
    return free.value();
  }

  bool awaited_ = false;
  MailboxHolders holders_;
};

TEST_F(MailboxHoldersTest, WhatIsGivenUpIsUnlockedBeforeAnybodyTriesToLockIt) {
  EXPECT_TRUE(take_over({.lock = std::make_unique<AwaitedLock>(awaited_, true)}));
  EXPECT_TRUE(awaited_);
}

TEST_F(MailboxHoldersTest, WhatCannotBeUnlockedIsNotFree) {
  EXPECT_FALSE(take_over({.lock = std::make_unique<AwaitedLock>(awaited_, false)}));
  EXPECT_TRUE(awaited_);
}

TEST_F(MailboxHoldersTest, WhoHoldsOnHoldsOn) { EXPECT_FALSE(take_over({.free = false})); }

TEST_F(MailboxHoldersTest, WhoHasNothingIsInNobodysWay) {
  EXPECT_TRUE(take_over({}));
  EXPECT_TRUE(directory::run_task(MailboxHolders().take_over(kMailbox))) << "nobody holds it";
}

TEST_F(MailboxHoldersTest, AHolderThatHasGoneIsInNobodysWay) {
  boost::asio::io_context context;
  holders_.hold(kMailbox, context.get_executor(), std::weak_ptr<MailboxHolder>());
  std::optional<bool> free;
  boost::asio::co_spawn(context, holders_.take_over(kMailbox),
                        [&free](std::exception_ptr, bool is_free) { free = is_free; });
  context.run();
  EXPECT_EQ(free, true);
}

} // namespace
} // namespace paquebot::service
