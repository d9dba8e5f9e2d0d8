// What becomes of a delivery when something of our own fails within it.

#include "delivery/dispatcher.h"
#include "delivery/test_mail.h"
#include "directory/test_server.h"
#include "dns/fake_zone.h"
#include "net/test_support.h"
#include "store/wrapped_store.h"

#include <gtest/gtest.h>
#include <stdexcept>

namespace paquebot::delivery {
namespace {

using directory::run_task;
using store::State;

/// Throws when some content is read or some outcome recorded, and knows nothing of addresses for a while.
class FailingStore final
    : public store::Wrapped<store::WrappedContentStore, store::WrappedDirectoryStore, store::WrappedQueueStore> {
public:
  using Wrapped::Wrapped;
  Task<Result<std::string>> read_head(store::Id head) override {
    if (throws > 0 && throws-- > 0) throw std::runtime_error("made to throw");
    co_return co_await WrappedContentStore::read_head(head);
  }
  Task<Result<store::AddressLookup>> find_address(std::string local, std::string domain) override {
    if (fails > 0 && fails-- > 0) co_return fail(Errc::io, "the disk does not answer");
    co_return co_await WrappedDirectoryStore::find_address(std::move(local), std::move(domain));
  }
  Task<Result<std::size_t>> record(std::vector<store::Outcome> outcomes,
                                   std::optional<store::DestinationUpdate> destination) override {
    if (record_throws > 0 && record_throws-- > 0) throw std::runtime_error("made to throw");
    co_return co_await WrappedQueueStore::record(std::move(outcomes), std::move(destination));
  }
  /// Says that whatever waits is past its life, a bounded number of times.
  Task<Result<std::vector<store::WorkItem>>> claim_expired(std::string destination, std::int64_t now,
                                                           std::size_t most) override {
    if (all_expired > 0) {
      --all_expired;
      const std::int64_t later = now + 86'400'000;
      auto claimed = co_await WrappedQueueStore::claim(std::move(destination), later, most);
      if (!claimed) co_return std::unexpected(claimed.error());
      co_return std::move(claimed->items);
    }
    co_return co_await WrappedQueueStore::claim_expired(std::move(destination), now, most);
  }
  int throws = 0;
  int all_expired = 0;
  int record_throws = 0;
  int fails = 0;
};

class BrokenWork : public testing::Test {
protected:
  /// Delivers until that is so of each of them.
  using Condition = std::function<bool(const store::RecipientFacts&)>;
  void deliver_until(std::vector<Ulid> ids, Condition condition) {
    loop_.start(dispatcher_.run());
    loop_.start(stop_when(std::move(ids), std::move(condition)));
    loop_.run();
  }
  Task<void> stop_when(std::vector<Ulid> ids, Condition condition) {
    store::Store& store = server_.store();
    for (const Ulid& id : ids) {
      for (bool reached = false; !reached;) {
        const auto trace = co_await store.trail().trace(id);
        reached = trace && condition(trace->recipients.at(0));
        const std::chrono::milliseconds rest(2);
        co_await net::sleep_for(rest);
      }
    }
    dispatcher_.stop();
  }

  directory::TestServer server_;
  FailingStore store_{server_.store()};
  directory::CpuPool cpu_{1};
  directory::Directory directory_{store_, cpu_, {.hostname = "mx.example.org"}};
  net::test::Loop loop_;
  queue::Queue queue_{store_, system_clock(), {.workers_per_destination = 1}};
  std::shared_ptr<dns::FakeZone> zone_ = dns::FakeZone::parse("silent.example MX 10 mx.silent.example\n"
                                                              "mx.silent.example A 127.0.0.1\n");
  Connector connector_{
      loop_.executor(), loop_.wheel(), zone_, {.hostname = "mx.example.org", .port = 1}}; // nobody listens
  Homecoming homecoming_{queue_, store_, directory_, system_clock()};
  Signer signer_{store_, cpu_, system_clock(), "mx.example.org"};
  policy::ReturnPaths paths_{store_, directory_, system_clock()};
  Dispatcher dispatcher_{loop_.executor(), queue_, store_, system_clock(), connector_, homecoming_, signer_, paths_};
  test::TestMail mail_{queue_, store_};
};

TEST_F(BrokenWork, WhatThrowsIsTriedAgainAndHoldsNothing) {
  const Ulid broken = mail_.wait_for("a@silent.example");
  const Ulid behind = mail_.wait_for("b@silent.example");
  store_.throws = 1;
  deliver_until({broken, behind}, [](const auto& r) { return r.attempts == 1 && r.state == State::waiting; });
  EXPECT_TRUE(mail_.recipient(broken).last_reply.to_string().contains("the delivery broke off"))
      << mail_.recipient(broken).last_reply.to_string();
  EXPECT_FALSE(mail_.recipient(behind).last_reply.to_string().contains("the delivery broke off"))
      << mail_.recipient(behind).last_reply.to_string();
  EXPECT_GT(mail_.recipient(broken).due, millis(system_clock().wall()));
  EXPECT_EQ(queue_.numbers().workers, 0u);
}

TEST_F(BrokenWork, WhatThrowsTwiceHoldsUpNobodyElse) {
  const Ulid broken = mail_.wait_for("a@silent.example");
  const Ulid behind = mail_.wait_for("b@silent.example");
  store_.throws = 1;
  store_.record_throws = 1;
  deliver_until({behind}, [](const auto& r) { return r.attempts == 1 && r.state == State::waiting; });
  EXPECT_EQ(store_.record_throws, 0);
  EXPECT_EQ(mail_.recipient(broken).state, State::in_hand) << "until the next start";
  EXPECT_EQ(queue_.numbers().workers, 0u);
}

TEST_F(BrokenWork, WhatIsSaidToBePastItsLifeAndIsNotIsTriedOnce) {
  const Ulid id = mail_.wait_for("a@silent.example");
  store_.all_expired = 50;
  deliver_until({id}, [](const auto& r) { return r.attempts >= 1 && r.state == State::waiting; });
  EXPECT_GE(store_.all_expired, 48) << "it would be claimed for ever";
  EXPECT_LE(mail_.recipient(id).attempts, 3u);
}

TEST_F(BrokenWork, MailForOurselvesDoesNotLeaveWhileTheStoreFails) {
  server_.domain("example.org");
  const store::Account ann = server_.account("ann@example.org");
  const Ulid id = mail_.wait_for("ann@example.org");
  store_.fails = 2;
  deliver_until({id}, [](const auto& r) { return r.state != State::waiting && r.state != State::in_hand; });
  EXPECT_EQ(mail_.recipient(id).state, State::expanded);
  EXPECT_EQ(zone_->questions(), 0u);
  EXPECT_EQ(run_task(server_.store().mailboxes().open(ann.id, "INBOX"))->count, 1u);
}

} // namespace
} // namespace paquebot::delivery
