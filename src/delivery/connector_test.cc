#include "delivery/connector.h"
#include "dns/fake_zone.h"
#include "net/listener.h"
#include "net/test_support.h"

#include <gtest/gtest.h>
#include <optional>

namespace paquebot::delivery {
namespace {

using queue::Cause;

/// A connector in a small world whose MX hosts are all on the port of `peer`, which takes connections and says nothing.
struct Ways {
  explicit Ways(const std::string& zone_text) : zone(dns::FakeZone::parse(zone_text)) {
    options.hostname = "mx.ours.test";
    options.port = peer.bound().port;
    options.connect_timeout = std::chrono::seconds(1);
    options.client.greeting_timeout = std::chrono::seconds(1);
  }
  Reached open(const std::string& domain) {
    Connector connector(loop.executor(), loop.wheel(), zone, options);
    const queue::RouteTable routes;
    const queue::Plan plan = loop.run(connector.plan_for(domain, routes, mail::TlsWish::unspecified));
    const Tried tried;
    const HostBook hosts;
    if (!plan.candidates.empty()) return loop.run(connector.open(plan, tried, hosts, AtDoors{doors, 10}));
    Reached none;
    none.failure = mail::Told::by(plan.failure);
    none.cause = plan.cause;
    return none;
  }

  std::shared_ptr<dns::FakeZone> zone;
  net::test::Loop loop;
  net::Listener peer = net::Listener::open("127.0.0.1:0").value();
  ConnectorOptions options;
  Doors doors;
};

TEST(Connector, HostsThatAreOurselvesByAddressAreNotTried) {
  Ways ways("a.test MX 10 mx.a.test\nmx.a.test A 127.0.0.1\n"
            "pair.test MX 10 mx.a.test\npair.test MX 10 away.test\naway.test A 127.0.0.9\n"
            "first.test MX 5 away.test\nfirst.test MX 10 mx.a.test\nfirst.test MX 20 behind.test\n"
            "behind.test A 127.0.0.1\nhere.test A 127.0.0.1\nlocal.test MX 0 localhost\n");
  ways.options.listeners = {{"127.0.0.1", ways.peer.bound().port}};
  for (const char* domain : {"a.test", "pair.test", "here.test", "local.test", "[127.0.0.1]"}) {
    const Reached reached = ways.open(domain);
    EXPECT_EQ(reached.failure.own.code, 554) << domain << " " << reached.failure.to_string();
    EXPECT_EQ(reached.failure.own.enhanced, (mail::EnhancedCode{5, 4, 6})) << domain;
  }
  // A better host that is away, for now: those behind us are left out.
  const Reached reached = ways.open("first.test");
  EXPECT_EQ(reached.failure.own.code, 451) << reached.failure.to_string();
  EXPECT_NE(reached.failure.to_string().find("127.0.0.9"), std::string::npos) << reached.failure.to_string();
}

TEST(Connector, ASilentHostHidesNobody) {
  // Whether the second of the group is ourselves can't be told from the first one's silence: it is seen at its own
  // turn.
  Ways ways("pair.test MX 10 silent.test\npair.test MX 10 us.test\nsilent.test TIMEOUT\nus.test A 127.0.0.1\n");
  ways.options.listeners = {{"127.0.0.1", ways.peer.bound().port}};
  const Reached reached = ways.open("pair.test");
  EXPECT_FALSE(reached.peer);
  EXPECT_EQ(reached.failure.to_string().find("127.0.0.1"), std::string::npos) << reached.failure.to_string();
}

TEST(Connector, ASilentHostIsAskedForOnce) {
  std::string zone;
  for (int n = 1; n <= 9; ++n) {
    const std::string host = "m" + std::to_string(n) + ".slow.test";
    zone += "slow.test MX " + std::to_string(n / 3) + " " + host + "\n" + host + " TIMEOUT\n";
  }
  Ways ways(zone);
  ways.options.listeners = {{"127.0.0.1", ways.peer.bound().port}};
  EXPECT_TRUE(ways.open("slow.test").failure.transient());
  for (int n = 1; n <= 9; ++n) {
    const std::string host = "m" + std::to_string(n) + ".slow.test";
    EXPECT_EQ(ways.zone->questions(host, dns::Type::a), 1u) << host;
    EXPECT_EQ(ways.zone->questions(host, dns::Type::aaaa), 1u) << host;
  }
}

TEST(Connector, SilentHostsHoldADeliveryOnlySoLong) {
  // The first host takes all the time that there is, and so the second is not looked up; that is nobody's last word.
  Ways ways("slow.test MX 10 silent.test\nslow.test MX 20 none.test\nslow.test MX 30 us.test\n"
            "silent.test TIMEOUT\nus.test A 127.0.0.1\nnone.test TXT x\n"
            "none.test MX 10 b.none.test\nnone.test MX 20 us.test\nb.none.test TXT x\n");
  ways.options.dns_most = std::chrono::milliseconds(0);
  for (const char* domain : {"slow.test", "none.test"}) {
    const Reached reached = ways.open(domain);
    EXPECT_TRUE(reached.failure.transient()) << domain << " " << reached.failure.to_string();
    EXPECT_NE(reached.cause, Cause::ours) << domain;
  }
  EXPECT_EQ(ways.zone->questions("silent.test", dns::Type::a), 1u);
  EXPECT_EQ(ways.zone->questions("none.test", dns::Type::a), 0u);
  EXPECT_EQ(ways.zone->questions("us.test", dns::Type::a), 0u);
}

TEST(Connector, OurResolversFaultIsNoDomains) {
  Ways ways("any.test OWNFAULT\nhost.test MX 10 any.test\nlame.test TIMEOUT\nlamehost.test MX 10 lame.test\n");
  EXPECT_EQ(ways.open("any.test").cause, Cause::ours);
  EXPECT_EQ(ways.open("host.test").cause, Cause::ours);
  EXPECT_NE(ways.open("lame.test").cause, Cause::ours);
  EXPECT_NE(ways.open("lamehost.test").cause, Cause::ours);
  EXPECT_TRUE(ways.open("host.test").failure.transient());
}

TEST(Connector, NoDescriptorsAreNoDestinationsFault) {
  Ways ways("a.test MX 10 mx.a.test\nmx.a.test A 127.0.0.1\n");
  std::optional<net::test::NoDescriptors> none(std::in_place);
  const Reached reached = ways.open("a.test");
  none.reset();
  EXPECT_FALSE(reached.peer);
  EXPECT_EQ(reached.cause, Cause::ours) << reached.failure.to_string();
}

TEST(Connector, ARefusedConnectionIsTheDestinations) {
  Ways ways("a.test MX 10 mx.a.test\nmx.a.test A 127.0.0.9\n");
  EXPECT_EQ(ways.open("a.test").cause, Cause::unreached);
}

TEST(Connector, ASilentHostIsWaitedForWhileNobodyElseWaits) {
  Ways ways("silent.test MX 10 mx.silent.test\nmx.silent.test A 127.0.0.1\n");
  ways.options.client.greeting_timeout = std::chrono::hours(1);
  Connector connector(ways.loop.executor(), ways.loop.wheel(), ways.zone, ways.options);
  bool done = false;
  auto others_wait = [&]() -> Task<void> {
    const auto rest = std::chrono::milliseconds(20);
    const auto patience = std::chrono::milliseconds(0);
    while (!done) {
      connector.hurry(patience);
      co_await net::sleep_for(rest);
    }
  };
  ways.loop.start(others_wait());
  const queue::RouteTable routes;
  const queue::Plan plan = ways.loop.run(connector.plan_for("silent.test", routes, mail::TlsWish::unspecified));
  const Tried tried;
  const HostBook hosts;
  const Reached reached = ways.loop.run(connector.open(plan, tried, hosts, AtDoors{ways.doors, 10}));
  done = true;
  ways.loop.run();
  EXPECT_FALSE(reached.peer);
  EXPECT_TRUE(reached.silent);
  EXPECT_FALSE(reached.failure.permanent());
  EXPECT_EQ(ways.doors.size(), 0u);
}

/// A host that offers STARTTLS and says nothing more once it is asked for it. Counts who comes.
struct MuteAtTls {
  explicit MuteAtTls(Ways& at) : ways(at) {
    ways.loop.start(ways.peer.serve(ways.loop.executor(), [this](int descriptor, const net::Endpoint&) {
      ++came;
      streams.push_back(std::make_unique<net::Stream>(ways.loop.executor(), descriptor, ways.loop.wheel()));
      ways.loop.start(serve(*streams.back()));
    }));
  }
  Task<void> serve(net::Stream& stream) {
    co_await talk(stream);
    stream.close();
  }
  Task<void> talk(net::Stream& stream) {
    stream.set_deadline(std::chrono::steady_clock::now() + std::chrono::hours(1));
    const std::string replies[] = {"220 x\r\n", "250-x\r\n250 STARTTLS\r\n"};
    for (const std::string& reply : replies) {
      auto sent = co_await stream.write(reply);
      if (!sent) co_return;
      auto said = co_await stream.read();
      if (!said || said->empty()) co_return;
      asked = said->starts_with("STARTTLS");
    }
    for (auto said = co_await stream.read(); said && !said->empty();) said = co_await stream.read();
  }
  Ways& ways;
  std::vector<std::unique_ptr<net::Stream>> streams;
  bool asked = false, ready = false;
  unsigned came = 0;
};

/// `hurry`: others wait, from the moment on that it was asked for TLS.
Reached open_mute(Ways& ways, MuteAtTls& host, bool require_tls, bool hurry) {
  Connector connector(ways.loop.executor(), ways.loop.wheel(), ways.zone, ways.options);
  bool done = false;
  auto others_wait = [&]() -> Task<void> {
    const auto rest = std::chrono::milliseconds(20);
    const auto patience = std::chrono::milliseconds(0);
    while (!done) {
      if (hurry && host.asked) connector.hurry(patience);
      co_await net::sleep_for(rest);
    }
    ways.peer.stop();
  };
  ways.loop.start(others_wait());
  const queue::RouteTable routes;
  const queue::Plan plan = ways.loop.run(
      connector.plan_for("mute.test", routes, require_tls ? mail::TlsWish::required : mail::TlsWish::unspecified));
  const Tried tried;
  const HostBook hosts;
  Reached reached = ways.loop.run(connector.open(plan, tried, hosts, AtDoors{ways.doors, 10}));
  done = true;
  host.ready = reached.peer != nullptr;
  reached.peer.reset();
  for (const auto& stream : host.streams) stream->set_deadline(std::chrono::steady_clock::now());
  ways.loop.run();
  return reached;
}

const char* const kMute =
    "mute.test MX 10 mx.mute.test\nmx.mute.test A 127.0.0.1\nmute.test SECURE\nmx.mute.test SECURE\n";

TEST(Connector, WhoIsCutShortAtTlsDoesNotLackIt) {
  Ways ways(kMute);
  ways.options.client.helo_timeout = std::chrono::hours(1);
  MuteAtTls host(ways);
  const Reached reached = open_mute(ways, host, false, true);
  EXPECT_TRUE(host.asked);
  EXPECT_FALSE(host.ready);
  EXPECT_TRUE(reached.silent);
  EXPECT_EQ(reached.cause, Cause::silent);
  EXPECT_TRUE(reached.failure.transient()) << reached.failure.to_string();
  EXPECT_EQ(host.came, 1u) << "not once more in clear";
}

TEST(Connector, SilenceAtTlsReturnsNoMailThatRequiresIt) {
  for (const bool hurry : {true, false}) {
    Ways ways(kMute);
    ways.options.client.helo_timeout = std::chrono::seconds(hurry ? 3600 : 1);
    MuteAtTls host(ways);
    const Reached reached = open_mute(ways, host, true, hurry);
    EXPECT_TRUE(host.asked);
    EXPECT_TRUE(reached.silent);
    EXPECT_EQ(reached.cause, hurry ? Cause::silent : Cause::tls_silent);
    EXPECT_TRUE(reached.failure.transient()) << reached.failure.to_string();
    EXPECT_EQ(host.came, 1u);
  }
}

TEST(Connector, WhoIsSilentAtTlsForAllItsTimeIsTriedInClear) {
  Ways ways(kMute);
  ways.options.client.helo_timeout = std::chrono::seconds(1);
  MuteAtTls host(ways);
  open_mute(ways, host, false, false);
  EXPECT_TRUE(host.ready);
  EXPECT_EQ(host.came, 2u) << "as other servers do (RFC 7435)";
}

TEST(Connector, WhereThereIsNoRoomNoWorseHostIsTried) {
  Ways ways("two.test MX 10 mx.two.test\ntwo.test MX 20 worse.test\nmx.two.test A 127.0.0.1\nworse.test A 127.0.0.9\n");
  const std::string door = Doors::door_of("127.0.0.1", ways.peer.bound().port);
  const DoorHold first = ways.doors.enter(door);
  Connector connector(ways.loop.executor(), ways.loop.wheel(), ways.zone, ways.options);
  const queue::RouteTable routes;
  const queue::Plan plan = ways.loop.run(connector.plan_for("two.test", routes, mail::TlsWish::unspecified));
  const Tried tried;
  const HostBook hosts;
  const Reached full = ways.loop.run(connector.open(plan, tried, hosts, AtDoors{ways.doors, 1}));
  EXPECT_EQ(full.full, door);
  EXPECT_FALSE(full.failure.permanent());
  EXPECT_EQ(full.failure.to_string().find("127.0.0.9"), std::string::npos) << full.failure.to_string();
  // Who waited there and has its turn gets in.
  const Reached let_in =
      ways.loop.run(connector.open(plan, tried, hosts, AtDoors{ways.doors, 1, ways.doors.enter(door)}));
  EXPECT_EQ(let_in.full, "");
  EXPECT_TRUE(let_in.silent);
  EXPECT_EQ(ways.doors.count(door), 1u);
}

} // namespace
} // namespace paquebot::delivery
