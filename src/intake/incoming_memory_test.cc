// What messages on their way in hold of memory is bounded for all of them together.

#include "directory/test_server.h"
#include "intake/incoming.h"

#include <gtest/gtest.h>

namespace paquebot::intake {
namespace {

using directory::run_task;

class IncomingMemoryTest : public testing::Test {
protected:
  std::unique_ptr<Incoming> begin() {
    Origin origin;
    origin.client.role = smtp::Role::mx;
    origin.sender.reverse_path = {"a", "far.test"};
    return std::make_unique<Incoming>(means_, options_, std::move(origin));
  }
  /// A head that goes on; the code of what went wrong.
  int write(Incoming& message, std::size_t octets) {
    const auto write_all = [&]() -> Task<int> {
      const std::string line = "X-Long: " + std::string(54, 'x') + "\r\n";
      for (std::size_t i = 0; i < octets; i += line.size()) co_await message.write(line);
      co_return message.failure().code;
    };
    return run_task(write_all());
  }

  directory::TestServer server_;
  const Clock& clock_ = system_clock();
  UlidSource ids_{clock_};
  queue::Queue queue_{server_.store(), clock_, {}};
  policy::Policy policy_{server_.directory()};
  store::ByteBudget memory_{256u << 10, std::chrono::milliseconds(1)};
  IntakeMeans means_{server_.store(), queue_, policy_, ids_, clock_, nullptr, nullptr, &memory_};
  Options options_{.hostname = "mx.example.org"};
};

TEST_F(IncomingMemoryTest, HeadsOfAllTogether) {
  std::vector<std::unique_ptr<Incoming>> silent;
  for (int i = 0; i < 2; ++i) {
    silent.push_back(begin());
    ASSERT_EQ(write(*silent.back(), 150u << 10), 0) << i;
  }
  const auto small = begin();
  EXPECT_EQ(write(*small, 20u << 10), 0); // what most messages are needs nobody's leave
  auto large = begin();
  EXPECT_EQ(write(*large, 100u << 10), 452);
  EXPECT_EQ(large->failure().enhanced, (mail::EnhancedCode{4, 3, 1}));
  EXPECT_EQ(write(*large, 100u << 10), 452); // and the rest is swallowed
  silent.pop_back();
  large = begin();
  EXPECT_EQ(write(*large, 100u << 10), 0);
}

TEST_F(IncomingMemoryTest, BodiesTooAsFarAsTheyAreInMemory) {
  const auto body = begin();
  const auto write_body = [&]() -> Task<int> {
    const std::string head = "Subject: x\r\n\r\n", line = std::string(62, 'x') + "\r\n";
    co_await body->write(head);
    for (std::size_t i = 0; i < (4u << 20); i += line.size()) co_await body->write(line);
    co_return body->failure().code;
  };
  EXPECT_EQ(run_task(write_body()), 0); // the store has the most of it
  const auto other = begin();
  EXPECT_EQ(write(*other, 100u << 10), 452);
}

} // namespace
} // namespace paquebot::intake
