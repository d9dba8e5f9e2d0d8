// How long a host may take until it is ready for mail: all its time, but while others wait only some of it, unless it
// failed often.

#include "delivery/dispatcher.h"
#include "delivery/test_mail.h"
#include "directory/test_server.h"
#include "dns/fake_zone.h"
#include "net/listener.h"
#include "net/test_support.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using directory::run_task;
using store::State;

class PatienceTest : public testing::Test {
protected:
  void failed_before(const std::string& place, std::uint32_t times) {
    for (std::uint32_t i = 0; i < times; ++i) // one after the other: each back-off was over
      EXPECT_TRUE(
          run_task(server_.store().queue().record({}, store::DestinationUpdate{.key = place, .failed_until = 1})));
  }
  /// A host that greets once `greets_` is set.
  Task<void> talk(net::Stream& stream) {
    stream.set_deadline(std::chrono::steady_clock::now() + std::chrono::hours(1));
    const std::chrono::milliseconds rest(2);
    while (!greets_ && !over_) co_await net::sleep_for(rest);
    const std::string replies[] = {"220 x\r\n",  "250 x\r\n",     "250 ok\r\n",
                                   "250 ok\r\n", "354 go on\r\n", "250 taken\r\n"};
    for (const std::string& reply : replies) {
      auto sent = co_await stream.write(reply);
      if (!sent) break;
      auto said = co_await stream.read();
      if (!said || said->empty()) break;
    }
    stream.close();
  }
  /// Delivers until the message to the slow host has been tried once; its greeting comes after some looks at who holds
  /// up others. `others`: mail that waits for the same seat comes once it is connected.
  void deliver(const Ulid& slow, bool others) {
    loop_.start(host_.serve(loop_.executor(), [this](int descriptor, const net::Endpoint&) {
      streams_.push_back(std::make_unique<net::Stream>(loop_.executor(), descriptor, loop_.wheel()));
      loop_.start(talk(*streams_.back()));
    }));
    loop_.start(dispatcher_.run());
    loop_.start(stop_when_tried(slow, others));
    loop_.run();
  }
  Task<void> stop_when_tried(Ulid id, bool others) {
    store::Store& store = server_.store();
    const std::chrono::milliseconds rest(50);
    while (streams_.empty()) co_await net::sleep_for(rest);
    if (others) {
      queue::Draft behind = mail_.draft("b@other.example");
      auto accepted = co_await queue_.accept(std::move(behind));
      EXPECT_EQ(accepted.status, store::AcceptStatus::accepted);
    }
    for (int i = 0;; ++i) {
      const auto trace = co_await store.trail().trace(id);
      if (trace && trace->recipients.at(0).attempts > 0) break;
      greets_ = i >= 40; // every half a second there is a look
      co_await net::sleep_for(rest);
    }
    over_ = true;
    host_.stop();
    dispatcher_.stop();
  }

  directory::TestServer server_;
  directory::CpuPool cpu_{1};
  net::test::Loop loop_;
  net::Listener host_ = net::Listener::open("127.0.0.1:0").value();
  std::vector<std::unique_ptr<net::Stream>> streams_;
  bool greets_ = false, over_ = false;
  queue::Queue queue_{server_.store(), system_clock(), {.workers_total = 2}}; // of which strangers have one
  std::shared_ptr<dns::FakeZone> zone_ =
      dns::FakeZone::parse("slow.example MX 10 mx.slow.example\nmx.slow.example A 127.0.0.1\n"
                           "other.example MX 10 mx.other.example\nmx.other.example A 127.0.0.9\n");
  Connector connector_{
      loop_.executor(),
      loop_.wheel(),
      zone_,
      {.hostname = "mx.example.org", .port = host_.bound().port, .patience = std::chrono::milliseconds(0)}};
  Homecoming homecoming_{queue_, server_.store(), server_.directory(), system_clock()};
  Signer signer_{server_.store(), cpu_, system_clock(), "mx.example.org"};
  policy::ReturnPaths paths_{server_.store(), server_.directory(), system_clock()};
  Dispatcher dispatcher_{loop_.executor(), queue_,      server_.store(), system_clock(),
                         connector_,       homecoming_, signer_,         paths_};
  test::TestMail mail_{queue_, server_.store()};
};

TEST_F(PatienceTest, WhileOthersWaitASlowHostHasHadItsTime) {
  failed_before("slow.example", 2);
  const Ulid slow = mail_.wait_for("a@slow.example");
  EXPECT_EQ(queue_.standing().failures("slow.example"), 2u);
  EXPECT_EQ(queue_.standing().failures("never.example"), 0u);
  deliver(slow, true);
  EXPECT_EQ(mail_.recipient(slow).state, State::waiting);
  EXPECT_NE(mail_.recipient(slow).last_reply.to_string().find("in time"), std::string::npos)
      << mail_.recipient(slow).last_reply.to_string();
}

TEST_F(PatienceTest, WhoFailedOftenIsWaitedForBeforeItsMailIsReturned) {
  failed_before("slow.example", 3);
  const Ulid slow = mail_.wait_for("a@slow.example");
  EXPECT_EQ(queue_.standing().failures("slow.example"), 3u);
  deliver(slow, true);
  EXPECT_EQ(mail_.recipient(slow).state, State::relayed) << mail_.recipient(slow).last_reply.to_string();
  EXPECT_EQ(queue_.standing().failures("slow.example"), 0u) << "it works";
}

TEST_F(PatienceTest, NobodyIsHurriedWhileNobodyWaits) {
  queue_.configure({.workers_total = 20});
  const Ulid slow = mail_.wait_for("a@slow.example");
  deliver(slow, false);
  EXPECT_EQ(mail_.recipient(slow).state, State::relayed) << mail_.recipient(slow).last_reply.to_string();
}

} // namespace
} // namespace paquebot::delivery
