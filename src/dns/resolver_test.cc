#include "dns/resolver.h"
#include "dns/test_server.h"
#include "net/test_support.h"

#include <algorithm>
#include <fcntl.h>
#include <functional>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

namespace paquebot::dns {
namespace {

using namespace std::chrono_literals;
using test::Reply;

Reply small_world(const std::string& name, unsigned type) {
  Reply reply;
  const auto is = [&](const char* n, Type t) { return name == n && type == static_cast<unsigned>(t); };
  if (is("example.test", Type::mx))
    reply.data = {test::wire16(10) + test::wire_name("MX.Example.test"),
                  test::wire16(20) + test::wire_name("mx2.example.test")};
  else if (is("null.test", Type::mx))
    reply.data = {test::wire16(0) + test::wire_name("")};
  else if (is("mx.example.test", Type::a) || is("localhost", Type::a) || is("a b\\c.test", Type::a))
    reply.data = {std::string("\x7f\0\0\1", 4)};
  else if (is("example.test", Type::txt))
    reply.data = {"\x06v=spf1\x05 -all"};
  else if (is("9.0.0.127.in-addr.arpa", Type::ptr))
    reply.data = {test::wire_name("mx.example.test")};
  else if (is("1.2.0.192.in-addr.arpa", Type::ptr))
    reply.data = {test::wire_name("documentation.test")};
  else if (is("1.1.0.10.in-addr.arpa", Type::ptr))
    reply.data = {test::wire_name("lan.test")};
  else if (is("odd.test", Type::mx))
    reply.data = {test::wire16(10) + std::string("\3a b\4test\0", 10)};
  else if (name == "silent.test" || name.ends_with(".silent.test"))
    reply.silent = true;
  else if (name == "broken.test")
    reply.code = 2;
  else if (name.ends_with("none.test") || name == "none.test")
    reply.code = 3;
  return reply;
}

Options options_for(const test::Server& server) {
  Options options;
  options.resolvers = {server.address()};
  options.trust_anchor = "none";
  return options;
}

struct World {
  World() : World([](Options&) {}) {}
  explicit World(const std::function<void(Options&)>& change) {
    Options options = options_for(server);
    change(options);
    auto made = make_resolver(loop.executor(), options);
    if (!made) throw std::runtime_error(made.error().message);
    resolver = *made;
  }
  std::shared_ptr<const Answer> ask(const std::string& name, Type type) {
    return loop.run(resolver->query(name, type));
  }

  test::Server server{small_world};
  net::test::Loop loop;
  std::shared_ptr<Resolver> resolver;
};

struct ResolverCase {
  const char* name;
  Type type;
  Status status;
  std::vector<std::string> texts;
};

TEST(Resolver, AsksTheResolversItWasGiven) {
  World world;
  const ResolverCase cases[] = {
      {"a\\032b\\092c.test", Type::a, Status::ok, {"127.0.0.1"}},
      {"Example.TEST", Type::mx, Status::ok, {"mx.example.test", "mx2.example.test"}},
      {"null.test", Type::mx, Status::ok, {""}},
      {"mx.example.test", Type::a, Status::ok, {"127.0.0.1"}},
      {"mx.example.test", Type::aaaa, Status::no_data, {}},
      {"example.test", Type::txt, Status::ok, {"v=spf1 -all"}},
      {"none.test", Type::mx, Status::nxdomain, {}},
      {"broken.test", Type::mx, Status::servfail, {}},
      // Zones that libunbound would answer itself.
      {"localhost", Type::a, Status::ok, {"127.0.0.1"}},
      {"9.0.0.127.in-addr.arpa", Type::ptr, Status::ok, {"mx.example.test"}},
      {"1.2.0.192.in-addr.arpa", Type::ptr, Status::ok, {"documentation.test"}},
      {"1.1.0.10.in-addr.arpa", Type::ptr, Status::ok, {"lan.test"}},
      // Nothing that can be used as a host name.
      {"odd.test", Type::mx, Status::servfail, {}},
      // Nothing that can be asked.
      {"", Type::mx, Status::nxdomain, {}},
      {"a..b", Type::mx, Status::nxdomain, {}},
      {"a b.test", Type::a, Status::nxdomain, {}},
  };
  for (const auto& c : cases) {
    const auto answer = world.ask(c.name, c.type);
    EXPECT_EQ(answer->status, c.status) << c.name << " " << answer->why;
    std::vector<std::string> texts;
    for (const auto& record : answer->records) texts.push_back(record.text);
    std::ranges::sort(texts);
    EXPECT_EQ(texts, c.texts) << c.name;
    EXPECT_FALSE(answer->secure);
  }
}

TEST(Resolver, KeepsAnswersOfAllKinds) {
  World world;
  const auto again = [&](const std::string& name) {
    const auto first = world.ask(name, Type::mx);
    const int asked = world.server.questions();
    const auto second = world.ask(name, Type::mx);
    EXPECT_EQ(first, second) << name; // the same object
    EXPECT_EQ(world.server.questions(), asked) << name;
  };
  for (const char* name : {"example.test", "none.test", "broken.test"}) again(name);
}

TEST(Resolver, SaysWhatItKnows) {
  World world;
  for (const char* name : {"example.test", "none.test", "broken.test"}) {
    EXPECT_EQ(world.resolver->known(name, Type::mx), nullptr) << name;
    EXPECT_EQ(world.server.questions(), 0);
  }
  for (const char* name : {"example.test", "none.test", "broken.test"}) {
    const auto answer = world.ask(name, Type::mx);
    EXPECT_EQ(world.resolver->known(name, Type::mx), answer) << name;
  }
  EXPECT_EQ(world.resolver->known("Example.Test", Type::mx)->status, Status::ok);
  EXPECT_EQ(world.resolver->known("example.test", Type::a), nullptr);
  EXPECT_EQ(world.resolver->known("a..b", Type::a)->status, Status::nxdomain);
}

TEST(Resolver, TimeIsBounded) {
  World world([](Options& options) { options.timeout = 100ms; });
  const auto answer = world.ask("silent.test", Type::mx);
  EXPECT_EQ(answer->status, Status::servfail);
  EXPECT_EQ(answer->why, "timed out");
  EXPECT_EQ(world.ask("example.test", Type::mx)->status, Status::ok);
}

TEST(Resolver, TheSameQuestionIsAskedOnce) {
  World world;
  int done = 0;
  auto ask = [](Resolver& resolver, int* count) -> Task<void> {
    std::string name = "example.test";
    auto answer = co_await resolver.query(std::move(name), Type::mx);
    EXPECT_EQ(answer->status, Status::ok);
    ++*count;
  };
  for (int i = 0; i < 200; ++i) world.loop.start(ask(*world.resolver, &done));
  auto all = [](const int* count) -> Task<bool> {
    while (*count < 200) co_await net::sleep_for(1ms);
    co_return true;
  };
  EXPECT_TRUE(world.loop.run(all(&done)));
  EXPECT_EQ(world.server.questions(), 1);
}

TEST(Resolver, ManyQuestionsAtOnce) {
  World world;
  int done = 0;
  auto ask = [](Resolver& resolver, int number, int* count) -> Task<void> {
    std::string name = std::to_string(number) + ".none.test";
    auto answer = co_await resolver.query(std::move(name), Type::a);
    EXPECT_EQ(answer->status, Status::nxdomain) << answer->why;
    ++*count;
  };
  for (int i = 0; i < 300; ++i) world.loop.start(ask(*world.resolver, i, &done));
  auto all = [](const int* count) -> Task<bool> {
    while (*count < 300) co_await net::sleep_for(1ms);
    co_return true;
  };
  EXPECT_TRUE(world.loop.run(all(&done)));
}

/// Asks for a name that stays silent, and remembers how that ended.
Task<void> ask_silent(Resolver& resolver, int number, std::vector<std::shared_ptr<const Answer>>* ends) {
  std::string name = std::to_string(number) + ".silent.test";
  auto answer = co_await resolver.query(std::move(name), Type::txt);
  ends->push_back(std::move(answer));
}

Task<bool> until(const std::function<bool()>& done) {
  while (!done()) co_await net::sleep_for(1ms);
  co_return true;
}

TEST(Resolver, ThoseBehindABoundWaitForTheirTurn) {
  // Silent names hold all places; what is asked behind them has its answer when one of them has had its short time.
  World world([](Options& options) { options.at_once = 20; });
  std::vector<std::shared_ptr<const Answer>> ends;
  for (int i = 0; i < 20; ++i) world.loop.start(ask_silent(*world.resolver, i, &ends));
  const auto answer = world.ask("example.test", Type::mx);
  EXPECT_EQ(answer->status, Status::ok) << answer->why;
  ASSERT_FALSE(ends.empty());
  EXPECT_LE(ends.size(), 20u);
  for (const auto& end : ends) {
    EXPECT_EQ(end->status, Status::servfail);
    EXPECT_TRUE(end->own_fault) << end->why; // nothing is known of the name
  }
}

TEST(Resolver, SilentNamesMakeNoOthersFail) {
  // Behind a single forwarder, which is as silent about names whose own servers are: it must not be taken for dead.
  World world([](Options& options) { options.at_once = 500; });
  struct Flood {
    bool over = false;
    int asked = 0;
  } flood;
  auto ask_on = [](Resolver& resolver, Flood* f) -> Task<void> {
    while (!f->over) {
      std::string name = "flood" + std::to_string(f->asked++) + ".silent.test";
      const auto answer = co_await resolver.query(std::move(name), Type::txt);
      co_await net::sleep_for(10ms);
    }
  };
  auto keep_starting = [&](Resolver& resolver) -> Task<void> {
    for (int i = 0; i < 200; ++i) {
      world.loop.start(ask_on(resolver, &flood));
      co_await net::sleep_for(20ms);
    }
  };
  world.loop.start(keep_starting(*world.resolver));
  auto ask_others = [&](Resolver& resolver) -> Task<int> {
    int failed = 0;
    for (int i = 0; i < 60; ++i) {
      std::string name = "honest" + std::to_string(i) + ".none.test";
      const auto answer = co_await resolver.query(std::move(name), Type::txt);
      failed += answer->status == Status::nxdomain ? 0 : 1;
      co_await net::sleep_for(100ms);
    }
    co_return failed;
  };
  EXPECT_EQ(world.loop.run(ask_others(*world.resolver)), 0);
  flood.over = true;
}

TEST(Resolver, PoliciesHaveAReserve) {
  World world([](Options& options) { options.at_once = 4; });
  std::vector<std::shared_ptr<const Answer>> ends;
  for (int i = 0; i < 50; ++i) world.loop.start(ask_silent(*world.resolver, i, &ends));
  EXPECT_EQ(world.ask("_dmarc.none.test", Type::txt)->status, Status::nxdomain);
  EXPECT_TRUE(ends.empty()) << "nobody had to make room";
}

TEST(Resolver, WhoNeverHasATurnIsToldSo) {
  World world([](Options& options) {
    options.at_once = 1;
    options.timeout = 300ms; // less than what those before them have
  });
  std::vector<std::shared_ptr<const Answer>> ends;
  for (int i = 0; i < 3; ++i) world.loop.start(ask_silent(*world.resolver, i, &ends));
  EXPECT_TRUE(world.loop.run(until([&] { return ends.size() == 3; })));
  int own = 0;
  for (const auto& end : ends) own += end->own_fault ? 1 : 0;
  EXPECT_EQ(own, 2);
}

TEST(Resolver, ALateAnswerIsKept) {
  std::atomic<bool> silent = true;
  test::Server server([&](const std::string& name, unsigned type) {
    Reply reply = small_world(name, type);
    reply.silent = silent;
    return reply;
  });
  net::test::Loop loop;
  Options options = options_for(server);
  options.timeout = 200ms;
  const auto resolver = make_resolver(loop.executor(), options).value();
  EXPECT_EQ(loop.run(resolver->query("example.test", Type::mx))->why, "timed out");
  silent = false; // libunbound asks again by itself
  const int before = server.questions();
  EXPECT_TRUE(loop.run(until([&] { return server.questions() > before; })));
  auto again = [](Resolver& asked) -> Task<bool> {
    for (;;) {
      std::string name = "example.test";
      const auto answer = co_await asked.query(std::move(name), Type::mx);
      if (answer->status == Status::ok) co_return true;
    }
  };
  EXPECT_TRUE(loop.run(again(*resolver)));
  EXPECT_EQ(server.questions(), before + 1);
}

TEST(Resolver, EndsWhatIsUnderWayWhenItGivesUp) {
  World world([](Options& options) { options.at_once = 5; });
  std::vector<std::shared_ptr<const Answer>> ends;
  for (int i = 0; i < 10; ++i) world.loop.start(ask_silent(*world.resolver, i, &ends));
  EXPECT_TRUE(world.loop.run(until([&] { return world.server.questions() >= 5; })));
  world.resolver->give_up();
  EXPECT_TRUE(world.loop.run(until([&] { return ends.size() == 10; })));
  for (const auto& end : ends) EXPECT_EQ(end->why, "the server stops");
  EXPECT_EQ(world.ask("example.test", Type::mx)->why, "the server stops");
}

/// Opens files until no more can be had.
struct NoDescriptors {
  NoDescriptors() {
    rlimit few{};
    getrlimit(RLIMIT_NOFILE, &before);
    few = {200, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    take_all();
  }
  ~NoDescriptors() {
    for (const int one : held) ::close(one);
    setrlimit(RLIMIT_NOFILE, &before);
  }

  /// Again: another thread may have closed one meanwhile.
  void take_all() {
    for (int one; (one = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) held.push_back(one);
  }

  rlimit before{};
  std::vector<int> held;
};

TEST(Resolver, SurvivesItsFirstQuestionWithoutDescriptors) {
  World world([](Options& options) { options.timeout = 200ms; });
  {
    // The socket of the start's own question may be closed only now, by the resolver's thread; then this one is
    // answered.
    NoDescriptors none;
    Status status = Status::ok;
    for (int i = 0; i < 100 && status != Status::servfail; ++i) {
      none.take_all();
      status = world.ask(std::to_string(i) + ".without.test", Type::mx)->status;
    }
    EXPECT_EQ(status, Status::servfail);
    Options options = options_for(world.server);
    none.take_all();
    const auto another = make_resolver(world.loop.executor(), options);
    ASSERT_FALSE(another);
    EXPECT_EQ(another.error().code, Errc::temporary);
  }
  auto again = [](Resolver& asked) -> Task<bool> {
    for (int i = 0;; ++i) {
      std::string name = std::to_string(i) + ".none.test";
      const auto answer = co_await asked.query(std::move(name), Type::mx);
      if (answer->status == Status::nxdomain) co_return true;
    }
  };
  EXPECT_TRUE(world.loop.run(again(*world.resolver)));
}

TEST(Resolver, ValidatesWithATrustAnchor) {
  // Nothing here is signed, so an anchor for the zone makes every answer bogus: temporary, and never used.
  World world([](Options& options) {
    options.trust_anchor = "; for test.\ntest. IN DS 12345 13 2 " + std::string(64, 'A') + "\n";
  });
  const auto answer = world.ask("example.test", Type::mx);
  EXPECT_EQ(answer->status, Status::servfail);
  EXPECT_TRUE(answer->bogus);
  EXPECT_FALSE(answer->why.empty());
}

TEST(Resolver, BadOptionsAreRefused) {
  net::test::Loop loop;
  for (const char* resolver : {"", "127.0.0.1", "dns.example.test:53", "127.0.0.1:0", "/run/x"}) {
    Options options;
    options.resolvers = {resolver};
    EXPECT_FALSE(make_resolver(loop.executor(), options)) << resolver;
  }
  Options options;
  options.trust_anchor = "nonsense";
  EXPECT_FALSE(make_resolver(loop.executor(), options));
}

TEST(Resolver, DefaultOptionsWork) {
  net::test::Loop loop;
  EXPECT_TRUE(make_resolver(loop.executor(), Options{}));
}

TEST(Resolver, EndsWithItsLastQuestion) {
  // Its last owner is the coroutine that asks: run() returns only when its descriptor and timer are given up too.
  test::Server server(small_world);
  auto ask = [](std::shared_ptr<Resolver> resolver, bool* begun) -> Task<void> {
    std::string name = "example.test";
    *begun = true;
    auto answer = co_await resolver->query(std::move(name), Type::mx);
    EXPECT_EQ(answer->status, Status::ok);
  };
  bool begun = false;
  net::test::Loop loop;
  auto resolver = make_resolver(loop.executor(), options_for(server)).value();
  loop.start(ask(resolver, &begun));
  resolver.reset();
  loop.run();
  EXPECT_TRUE(begun);
}

} // namespace
} // namespace paquebot::dns
