#include "base/fake_clock.h"
#include "dns/test_server.h"
#include "dns/upstream.h"
#include "dns/watched_resolver.h"
#include "net/test_support.h"

#include <gtest/gtest.h>
#include <optional>
#include <stdexcept>

namespace paquebot::dns {
namespace {

using namespace std::chrono_literals;
using test::Reply;

std::vector<Seen> saw(std::initializer_list<Signatures> all) {
  std::vector<Seen> seen;
  for (const Signatures one : all) seen.push_back({.server = {"192.0.2.1", 53}, .signatures = one});
  return seen;
}

TEST(Upstream, WhatFollowsFromALook) {
  using enum Signatures;
  struct Case {
    Stand before;
    Dnssec wish;
    std::vector<Seen> seen;
    Keys keys;
    bool remembered;
    Stand after;
  };
  const auto automatic = Dnssec::automatic, required = Dnssec::required;
  const Case cases[] = {
      {Stand::unknown, automatic, saw({passed}), Keys::secure, false, Stand::validating},
      {Stand::unknown, automatic, saw({stripped}), Keys::unknown, false, Stand::without},
      {Stand::unknown, required, saw({stripped}), Keys::unknown, false, Stand::failing},
      {Stand::unknown, automatic, saw({stripped}), Keys::unknown, true, Stand::failing},
      {Stand::unknown, automatic, saw({silent, failing}), Keys::unknown, false, Stand::unknown},
      {Stand::validating, automatic, saw({silent}), Keys::unknown, false, Stand::validating},
      {Stand::without, automatic, saw({silent}), Keys::unknown, false, Stand::without},
      // One that passes them is enough, and one that is silent says nothing for the others.
      {Stand::unknown, automatic, saw({stripped, passed}), Keys::secure, false, Stand::validating},
      {Stand::unknown, automatic, saw({silent, stripped}), Keys::unknown, false, Stand::without},
      // Signatures that are there and not good are no reason to do without.
      {Stand::unknown, automatic, saw({passed}), Keys::bogus, false, Stand::failing},
      {Stand::validating, automatic, saw({passed}), Keys::bogus, false, Stand::failing},
      {Stand::validating, automatic, saw({passed}), Keys::unknown, false, Stand::validating},
      // Back to it only when it works.
      {Stand::without, automatic, saw({passed}), Keys::bogus, false, Stand::without},
      {Stand::without, automatic, saw({passed}), Keys::secure, false, Stand::validating},
      {Stand::failing, automatic, saw({passed}), Keys::secure, true, Stand::validating},
  };
  for (const Case& c : cases)
    EXPECT_EQ(stand_after(c.before, c.wish, c.seen, c.keys, c.remembered), c.after) << &c - cases;
}

TEST(Upstream, WhomToRemember) {
  const auto worth = [](const char* address, Signatures signatures, bool validates) {
    return worth_remembering({.server = {address, 53}, .signatures = signatures, .validates = validates});
  };
  EXPECT_TRUE(worth("9.9.9.9", Signatures::passed, false));
  EXPECT_FALSE(worth("9.9.9.9", Signatures::stripped, true));
  EXPECT_FALSE(worth("192.168.1.1", Signatures::passed, true)); // another one in the next network
  EXPECT_FALSE(worth("fd00::1", Signatures::passed, true));
  EXPECT_FALSE(worth("127.0.0.53", Signatures::passed, false)); // hands on what it gets
  EXPECT_TRUE(worth("127.0.0.1", Signatures::passed, true));
  EXPECT_TRUE(worth("::1", Signatures::passed, true));
}

/// A forwarder that knows nothing of DNSSEC, in front of a small world.
Reply strips(const std::string& name, unsigned type) {
  Reply reply;
  if (name == "example.test" && type == 15)
    reply.data = {test::wire16(10) + test::wire_name("mx.example.test")};
  else if (name == "silent.test")
    reply.silent = true;
  else if (name == "broken.test")
    reply.code = 2;
  else if (!name.empty())
    reply.code = 3;
  return reply;
}

struct WatchedWorld {
  explicit WatchedWorld(Dnssec wish = Dnssec::automatic, test::Server::Answerer answerer = strips)
      : server(std::move(answerer)) {
    Options options;
    options.resolvers = {server.address()};
    options.dnssec = wish;
    options.timeout = 300ms;
    resolvers = make_resolvers(loop.executor(), options, 100, clock).value();
    resolvers.upstream->on_change = [this](const UpstreamState& state) { changes.push_back(state.stand); };
    resolvers.upstream->on_proven = [this](const std::string& address, WallTime) { proven.push_back(address); };
  }
  std::shared_ptr<const Answer> ask(const std::string& name, Type type = Type::mx) {
    return loop.run(resolvers.deliveries->query(name, type));
  }
  Stand stand() const { return resolvers.upstream->state().stand; }

  FakeClock clock;
  test::Server server;
  net::test::Loop loop;
  Resolvers resolvers;
  std::vector<Stand> changes;
  std::vector<std::string> proven;
};

TEST(WatchedResolver, GoesOnBehindAResolverThatStripsSignatures) {
  WatchedWorld world;
  const auto answer = world.ask("example.test");
  ASSERT_EQ(answer->status, Status::ok) << answer->why;
  EXPECT_FALSE(answer->secure);
  EXPECT_EQ(world.changes, std::vector{Stand::without});
  EXPECT_TRUE(world.resolvers.upstream->state().why.find(world.server.address()) != std::string::npos);
  EXPECT_EQ(world.ask("none.test")->status, Status::nxdomain);
  EXPECT_EQ(world.loop.run(world.resolvers.strangers->query("example.test", Type::mx))->status, Status::ok);
  EXPECT_TRUE(world.proven.empty());
}

TEST(WatchedResolver, SaysWhatItKnows) {
  WatchedWorld world;
  EXPECT_EQ(world.resolvers.strangers->known("example.test", Type::mx), nullptr);
  ASSERT_EQ(world.loop.run(world.resolvers.strangers->query("example.test", Type::mx))->status, Status::ok);
  EXPECT_EQ(world.resolvers.strangers->known("example.test", Type::mx)->status, Status::ok);
  // Whose fault it is that nobody answers is to be found out by deliveries; for mail of strangers it is a failure like
  // others.
  EXPECT_EQ(world.ask("broken.test")->status, Status::servfail);
  EXPECT_EQ(world.resolvers.deliveries->known("broken.test", Type::mx), nullptr);
}

TEST(WatchedResolver, KeysThatAreTooLargeAreNoReasonToDoWithoutThem) {
  // They come over TCP only, and that is blocked: nobody listens there.
  WatchedWorld world(Dnssec::automatic, [](const std::string& name, unsigned type) {
    Reply reply = strips(name, type);
    reply.truncated = type == static_cast<unsigned>(Type::dnskey);
    return reply;
  });
  world.ask("example.test");
  EXPECT_NE(world.stand(), Stand::without);
  const UpstreamState state = world.resolvers.upstream->state();
  ASSERT_EQ(state.seen.size(), 1u);
  EXPECT_EQ(state.seen[0].signatures, Signatures::silent);
}

/// Its own fault, as when there is no memory left.
struct ThrowingResolver final : Resolver {
  Task<std::shared_ptr<const Answer>> query(std::string, Type) override {
    throw std::runtime_error("made to throw");
    co_return nullptr;
  }
};

TEST(Upstream, WhoWaitsForALookThatBreaksIsTold) {
  test::Server server(strips);
  Options options;
  options.resolvers = {server.address()};
  FakeClock clock;
  net::test::Loop loop;
  Upstream upstream(options, std::make_shared<ThrowingResolver>(), clock);
  int broke = 0, told = 0;
  const auto ask = [&]() -> Task<void> {
    try {
      const bool blamed = co_await upstream.is_to_blame();
      told += blamed ? 100 : 1;
    } catch (const std::runtime_error&) {
      ++broke;
    }
  };
  for (int i = 0; i < 3; ++i) loop.start(ask());
  loop.run();
  EXPECT_EQ(broke, 1);
  EXPECT_EQ(told, 2);
  loop.start(ask()); // and the next one looks anew
  loop.run();
  EXPECT_EQ(broke, 2);
}

TEST(WatchedResolver, RequiredMeansRequired) {
  WatchedWorld world(Dnssec::required);
  const auto answer = world.ask("example.test");
  EXPECT_EQ(answer->status, Status::servfail);
  EXPECT_TRUE(answer->bogus);
  EXPECT_TRUE(answer->own_fault); // no domain is to blame for our resolver
  EXPECT_NE(answer->why.find("do not come through"), std::string::npos) << answer->why;
  EXPECT_EQ(world.changes, std::vector{Stand::failing});
}

TEST(WatchedResolver, WhoseSignaturesWereGoodMayNotStripThem) {
  WatchedWorld world;
  world.resolvers.upstream->recall({{"127.0.0.1", world.clock.wall() - std::chrono::hours(6 * 24)}});
  EXPECT_TRUE(world.ask("example.test")->bogus);
  EXPECT_EQ(world.stand(), Stand::failing);
  // Until it is forgotten, by an operator or after a week.
  world.resolvers.upstream->forget("192.0.2.1");
  world.clock.advance(std::chrono::hours(1));
  EXPECT_TRUE(world.ask("none.test")->own_fault);
  world.resolvers.upstream->forget(std::nullopt);
  EXPECT_EQ(world.ask("example2.test")->status, Status::nxdomain);
  EXPECT_EQ(world.stand(), Stand::without);
}

TEST(WatchedResolver, AWeekIsLongEnough) {
  WatchedWorld world;
  world.resolvers.upstream->recall({{"127.0.0.1", world.clock.wall() - std::chrono::hours(6 * 24)}});
  world.clock.advance(std::chrono::hours(25));
  EXPECT_EQ(world.ask("example.test")->status, Status::ok);
}

TEST(WatchedResolver, WithoutValidationNothingIsLookedAt) {
  WatchedWorld world(Dnssec::off);
  EXPECT_EQ(world.ask("example.test")->status, Status::ok);
  EXPECT_EQ(world.server.questions(), 1);
  EXPECT_EQ(world.stand(), Stand::off);
}

TEST(WatchedResolver, KnowsItsOwnFaults) {
  WatchedWorld world(Dnssec::off);
  // The resolver answers, and says that these names can't be had, or nothing about them.
  EXPECT_FALSE(world.ask("broken.test")->own_fault);
  EXPECT_FALSE(world.ask("silent.test")->own_fault);
  EXPECT_EQ(world.ask("silent.test")->status, Status::servfail);
}

TEST(WatchedResolver, ASilentResolverIsItsOwnFault) {
  WatchedWorld world(Dnssec::off, [](const std::string&, unsigned) {
    Reply reply;
    reply.silent = true;
    return reply;
  });
  const auto answer = world.ask("example.test");
  EXPECT_EQ(answer->status, Status::servfail);
  EXPECT_TRUE(answer->own_fault) << answer->why;
}

TEST(WatchedResolver, AResolverThatIsCutOffIsItsOwnFault) {
  WatchedWorld world(Dnssec::off, [](const std::string&, unsigned) {
    Reply reply;
    reply.code = 2;
    return reply;
  });
  EXPECT_TRUE(world.ask("example.test")->own_fault);
}

TEST(WatchedResolver, NobodyWhereTheResolverShouldBeIsItsOwnFault) {
  net::test::Loop loop;
  std::string address;
  {
    const test::Server gone(strips);
    address = gone.address();
  }
  Options options;
  options.resolvers = {address};
  options.dnssec = Dnssec::off;
  options.timeout = 300ms;
  const Resolvers resolvers = make_resolvers(loop.executor(), options, 100, system_clock()).value();
  EXPECT_TRUE(loop.run(resolvers.deliveries->query("example.test", Type::mx))->own_fault);
}

TEST(WatchedResolver, AnAuthoritativeServerThatRefusesAllElseIsAlive) {
  WatchedWorld world(Dnssec::off, [](const std::string& name, unsigned type) {
    Reply reply = strips(name, type);
    if (!name.ends_with(".test")) reply.code = 5;
    return reply;
  });
  EXPECT_FALSE(world.ask("broken.test")->own_fault);
}

TEST(WatchedResolver, NoDescriptorsAreItsOwnFault) {
  WatchedWorld world(Dnssec::off);
  ASSERT_EQ(world.ask("example.test")->status, Status::ok);
  std::optional<net::test::NoDescriptors> none(std::in_place);
  const auto answer = world.ask("other.test");
  none.reset();
  EXPECT_EQ(answer->status, Status::servfail);
  EXPECT_TRUE(answer->own_fault) << answer->why;
}

} // namespace
} // namespace paquebot::dns
