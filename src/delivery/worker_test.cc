#include "delivery/test_deliveries.h"
#include "delivery/worker.h"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using store::State;

const char* const kWorkerZone = "far.example MX 10 mx1.far.example\nfar.example MX 20 mx2.far.example\n"
                                "mx1.far.example A 192.0.2.1\nmx2.far.example A 192.0.2.2\n"
                                "shared.example MX 10 mx1.far.example\nshared.example MX 20 mx2.far.example\n"
                                "sure.example MX 10 mx1.far.example\nsure.example MX 20 mx2.far.example\n"
                                "sure.example SECURE\nown.example OWNFAULT\ngone.example MX 0 .\n";

/// Workers without a Dispatcher: each runs to its end, and all that it started.
class WorkerTest : public testing::Test {
protected:
  explicit WorkerTest(queue::Options options = {}) : all_(kWorkerZone, std::move(options)) {
    commons_.doors.on_left([this](const std::string& door) {
      commons_.slots.notify_all();
      all_.queue.posts().opened(door);
    });
  }

  /// Starts a worker for what is due; false: nothing is.
  bool start() {
    queue::Seat seat;
    queue::Post post;
    auto destination = all_.queue.start_worker(&seat, &post.site);
    if (!destination) return false;
    post.destination = std::move(*destination);
    commons_.spawn(work(std::move(post), std::move(seat)));
    return true;
  }
  Task<void> work(queue::Post post, queue::Seat seat) {
    Worker worker(commons_, std::move(post), std::move(seat));
    co_await worker.run();
  }
  /// Until nobody works any more.
  void finish() { EXPECT_TRUE(all_.loop.run(ended())); }
  Task<bool> ended() {
    while (active_ > 0) co_await changed_.wait();
    co_return true;
  }
  Task<void> counted(Task<void> task) {
    co_await std::move(task);
    --active_;
    changed_.notify_all();
  }
  /// What can go on at once has gone on.
  Task<bool> once() {
    auto executor = all_.loop.executor();
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
    co_return true;
  }
  void run_one() {
    ASSERT_TRUE(start());
    finish();
    EXPECT_EQ(all_.queue.numbers().workers, 0u) << "it is released";
  }
  void run_one_of_two() {
    ASSERT_TRUE(start());
    finish();
    EXPECT_EQ(all_.queue.numbers().workers, 1u);
  }
  store::RecipientFacts recipient(const Ulid& id) { return all_.mail.recipient(id); }
  test::FakeHost& first() { return all_.host("192.0.2.1"); }
  test::FakeHost& second() { return all_.host("192.0.2.2"); }

  test::Deliveries all_;
  Condition changed_;
  unsigned active_ = 0;
  Commons commons_{.queue = all_.queue,
                   .store = all_.server.store(),
                   .clock = system_clock(),
                   .connector = all_.connector,
                   .homecoming = all_.homecoming,
                   .signer = all_.signer,
                   .paths = all_.paths,
                   .spawn = [this](Task<void> task) {
                     ++active_;
                     all_.loop.start(counted(std::move(task)));
                   }};
};

TEST_F(WorkerTest, SendsAllThatWaitsOverOneConnection) {
  first();
  const Ulid one = all_.mail.accept("a@far.example"), two = all_.mail.accept("b@far.example");
  run_one();
  for (const Ulid& id : {one, two}) EXPECT_EQ(recipient(id).state, State::relayed);
  EXPECT_EQ(first().connections, 1u);
  EXPECT_EQ(first().recipients, (std::vector<std::string>{"<a@far.example>", "<b@far.example>"}));
  EXPECT_EQ(first().contents.at(0), "Subject: x\n\n");
  EXPECT_EQ(commons_.parked.size(), 1u);
  EXPECT_FALSE(start());
}

TEST_F(WorkerTest, TakesTheConnectionThatAnotherOneParked) {
  first();
  all_.mail.accept("a@far.example");
  run_one();
  const Ulid other = all_.mail.accept("b@shared.example"); // has the same hosts
  run_one();
  EXPECT_EQ(recipient(other).state, State::relayed);
  EXPECT_EQ(first().connections, 1u);
}

TEST_F(WorkerTest, GoesToTheNextHostWithinTheAttempt) {
  first().says["MAIL"] = {"451 4.3.2 not now\r\n"};
  second();
  const Ulid id = all_.mail.accept("a@far.example");
  run_one();
  EXPECT_EQ(recipient(id).state, State::relayed);
  EXPECT_EQ(recipient(id).attempts, 1u);
  EXPECT_EQ(second().recipients.size(), 1u);
}

TEST_F(WorkerTest, OneThatIsRefusedIsNobodyElses) {
  first().says["RCPT"] = {"550 5.1.1 no such user\r\n"};
  const Ulid refused = all_.mail.accept("a@far.example"), taken = all_.mail.accept("b@far.example");
  run_one();
  EXPECT_EQ(recipient(refused).state, State::failed);
  EXPECT_EQ(recipient(refused).last_reply.peer.to_string(), "550 5.1.1 no such user");
  EXPECT_EQ(recipient(taken).state, State::relayed);
  EXPECT_FALSE(all_.queue.standing().failing("far.example"));
}

TEST_F(WorkerTest, WhereNobodyIsAllWaitTogether) {
  const Ulid one = all_.mail.accept("a@far.example"), two = all_.mail.accept("b@far.example");
  run_one();
  EXPECT_EQ(all_.dial->called, (std::vector<std::string>{"192.0.2.1", "192.0.2.2"})) << "once for both";
  for (const Ulid& id : {one, two}) {
    EXPECT_EQ(recipient(id).state, State::waiting);
    EXPECT_EQ(recipient(id).attempts, 1u);
  }
  EXPECT_EQ(recipient(one).due, recipient(two).due);
  EXPECT_TRUE(all_.queue.standing().resting("far.example"));
  EXPECT_FALSE(start());
}

TEST_F(WorkerTest, OurOwnFaultIsNoAttempt) {
  const Ulid id = all_.mail.accept("a@own.example");
  run_one();
  EXPECT_EQ(recipient(id).state, State::waiting);
  EXPECT_EQ(recipient(id).attempts, 0u);
  EXPECT_FALSE(all_.queue.standing().failing("own.example"));
}

TEST_F(WorkerTest, ADomainThatTakesNoMailIsNoFailureOfItsPlace) {
  const Ulid id = all_.mail.accept("a@gone.example");
  run_one();
  EXPECT_EQ(recipient(id).state, State::failed);
  EXPECT_EQ(recipient(id).last_reply.own.code, 556);
  EXPECT_TRUE(all_.dial->called.empty());
}

TEST_F(WorkerTest, AConnectionThatIsUsedUpIsReplaced) {
  first().says["MAIL"] = {"250 2.1.0 ok\r\n", "421 4.7.0 enough for now\r\n"};
  const Ulid one = all_.mail.accept("a@far.example"), two = all_.mail.accept("b@far.example");
  run_one();
  for (const Ulid& id : {one, two}) EXPECT_EQ(recipient(id).state, State::relayed);
  EXPECT_EQ(recipient(two).attempts, 1u);
  EXPECT_EQ(first().connections, 2u);
  EXPECT_TRUE(second().contents.empty());
}

TEST_F(WorkerTest, WhoeverMayHaveTakenItIsNotAskedTwice) {
  first().says["."] = {""};
  second();
  const Ulid id = all_.mail.accept("a@far.example");
  run_one();
  EXPECT_EQ(recipient(id).state, State::waiting);
  EXPECT_EQ(first().contents.size(), 1u);
  EXPECT_EQ(second().connections, 0u);
}

TEST_F(WorkerTest, BeginsNothingOnceItIsToStop) {
  first();
  const Ulid id = all_.mail.accept("a@far.example");
  commons_.stopping = true;
  run_one();
  EXPECT_EQ(recipient(id).state, State::in_hand);
  EXPECT_EQ(first().connections, 0u);
}

TEST_F(WorkerTest, ReportsGoWithoutTheProtectionThatIsNotToBeHad) {
  first();
  queue::Draft message = all_.mail.draft("a@far.example"); // RFC 8689 section 5
  message.sender.tls = mail::TlsWish::required;
  queue::Draft report = all_.mail.draft("b@far.example");
  report.sender.tls = mail::TlsWish::required;
  report.sender.reverse_path = {};
  const Ulid kept = all_.mail.accept(std::move(message)), bare = all_.mail.accept(std::move(report));
  while (start()) finish();
  EXPECT_EQ(recipient(kept).state, State::failed);
  EXPECT_EQ(recipient(kept).last_reply.own.enhanced, (mail::EnhancedCode{5, 7, 30}));
  EXPECT_EQ(recipient(bare).state, State::relayed) << recipient(bare).last_reply.to_string();
  EXPECT_EQ(first().recipients, std::vector<std::string>{"<b@far.example>"});
}

TEST_F(WorkerTest, WhoGetsItsProtectionNowhereIsNotOneOfACrowd) {
  first();                                                                 // without TLS; and the other host is away
  commons_.places.move("mx:mx1.far.example", Share::none, Share::working); // of a message that needs none
  queue::Draft draft = all_.mail.draft("a@sure.example");
  draft.sender.tls = mail::TlsWish::required;
  const Ulid id = all_.mail.accept(std::move(draft));
  run_one();
  EXPECT_EQ(recipient(id).state, State::waiting) << "the other host may have it later";
  EXPECT_EQ(recipient(id).attempts, 1u);
  EXPECT_TRUE(all_.queue.posts().sites(10).empty()) << "others may come";
}

class OneAtATime : public WorkerTest {
protected:
  OneAtATime() : WorkerTest({.workers_per_destination = 1}) {}
};

TEST_F(OneAtATime, NothingIsInHandWhileOthersFillItsSite) {
  first();
  const Ulid other = all_.mail.accept("b@shared.example");
  queue::Post taken{.destination = *all_.queue.start_worker()};
  ASSERT_TRUE(all_.queue.posts().enter(taken, "mx:mx1.far.example"));
  const Ulid id = all_.mail.accept("a@far.example");
  run_one_of_two();
  EXPECT_EQ(first().connections, 0u);
  EXPECT_FALSE(start()) << "it waits for the site";
  all_.queue.posts().release(taken);
  while (start()) finish();
  EXPECT_EQ(recipient(id).state, State::relayed);
  EXPECT_EQ(recipient(id).attempts, 1u);
  EXPECT_EQ(recipient(other).state, State::relayed);
  EXPECT_EQ(commons_.places.size(), 0u);
}

TEST_F(OneAtATime, AWorkerGoesOnWithWhatElseWaitsForItsSite) {
  first();
  std::vector<Ulid> all;
  for (int i = 0; i < 25; ++i) all.push_back(all_.mail.accept("a@far.example"));
  ASSERT_TRUE(start());
  for (int i = 0; i < 3; ++i) all.push_back(all_.mail.accept("b@shared.example"));
  while (start()) {
  }
  finish();
  while (start()) finish();
  for (const Ulid& id : all) EXPECT_EQ(recipient(id).state, State::relayed);
  EXPECT_EQ(first().connections, 1u);
  EXPECT_NE(first().recipients.back(), "<b@shared.example>") << "they did not wait for all of the others";
}

/// Both hosts of the zone are a provider's.
class ToAProvider : public WorkerTest {
protected:
  ToAProvider() : WorkerTest(options()) {}
  static queue::Rule rule(const char* name, queue::Scope scope, queue::Act act) {
    return {.name = name, .text = name, .scope = scope, .act = act, .rate = {1, 3600}, .examples = {}};
  }
  static queue::Options options() {
    queue::Provider big{.name = "big", .mx = {".far.example"}, .per_connection = 2};
    big.rules = {rule("stop", queue::Scope::source, queue::Act::pause),
                 rule("slow", queue::Scope::signing_domain, queue::Act::rate),
                 rule("hold", queue::Scope::lane, queue::Act::hold),
                 rule("fail", queue::Scope::lane, queue::Act::fail)};
    queue::Options options;
    options.providers = std::make_shared<const queue::Providers>(std::vector{big});
    return options;
  }
  Ulid refused_with(const char* reply) {
    first().says["RCPT"] = {std::string(reply) + "\r\n"};
    const Ulid id = all_.mail.accept("a@far.example");
    run_one();
    return id;
  }
};

TEST_F(ToAProvider, ItsNumberOfMessagesAConnectionIsKept) {
  first();
  for (int i = 0; i < 5; ++i) all_.mail.accept("a@far.example");
  while (start()) finish();
  EXPECT_EQ(first().recipients.size(), 5U);
  EXPECT_EQ(first().connections, 3U);
}

TEST_F(ToAProvider, WhatItSaysOfAllStopsTheSitesOfAll) {
  const Ulid refused = refused_with("421 4.7.0 stop");
  EXPECT_EQ(recipient(refused).state, State::waiting);
  EXPECT_EQ(recipient(refused).attempts, 1U) << "no other host was tried";
  const Ulid next = all_.mail.accept("b@shared.example");
  while (start()) finish();
  EXPECT_EQ(recipient(next).attempts, 0U);
  const auto wait = all_.queue.shaping().wait_of("shared.example", nullptr);
  ASSERT_TRUE(wait);
  EXPECT_EQ(wait->effect.rule, "stop");
  EXPECT_EQ(wait->effect.said, "421 4.7.0 stop");
  EXPECT_TRUE(all_.queue.shaping().forget("big", "stop"));
  while (start()) finish();
  EXPECT_EQ(recipient(next).state, State::relayed);
}

TEST_F(ToAProvider, WhatItSaysOfSomeLetsTheOthersGo) {
  EXPECT_EQ(recipient(refused_with("451 4.7.0 slow")).state, State::waiting);
  const Ulid one = all_.mail.accept("b@far.example"), two = all_.mail.accept("c@far.example");
  queue::Draft draft = all_.mail.draft("d@far.example");
  draft.sender.reverse_path.domain = "other.example";
  const Ulid other = all_.mail.accept(std::move(draft));
  while (start()) finish();
  EXPECT_EQ(recipient(other).state, State::relayed);
  EXPECT_EQ(recipient(one).state, State::relayed) << "one in an hour";
  EXPECT_EQ(recipient(two).state, State::waiting);
  EXPECT_EQ(recipient(two).attempts, 0U);
  EXPECT_GT(recipient(two).due, commons_.wall());
  const queue::Throttles::Subjects subjects{.signing_domain = "near.example"};
  ASSERT_TRUE(all_.queue.shaping().wait_of("far.example", &subjects));
  EXPECT_FALSE(all_.queue.shaping().wait_of("far.example", nullptr));
}

TEST_F(ToAProvider, AMessageIsHeldOrGivenUpAsARuleSays) {
  const Ulid held = refused_with("550 5.7.1 hold");
  EXPECT_EQ(recipient(held).state, State::held);
  EXPECT_NE(recipient(held).reason.find("the rule big/hold"), std::string::npos) << recipient(held).reason;
  EXPECT_EQ(recipient(held).last_reply.peer.code, 550);
  const Ulid failed = refused_with("451 4.7.1 fail");
  EXPECT_EQ(recipient(failed).state, State::failed);
  EXPECT_EQ(recipient(failed).last_reply.peer.to_string(), "451 4.7.1 fail");
  EXPECT_NE(recipient(failed).last_reply.own.text.find("big/fail"), std::string::npos);
  const Ulid next = all_.mail.accept("b@far.example");
  while (start()) finish();
  EXPECT_EQ(recipient(next).state, State::relayed);
}

TEST_F(ToAProvider, WhatOneDomainSaysOfAMessageStopsNobodyElse) {
  EXPECT_EQ(recipient(refused_with("550 5.7.1 stop")).state, State::failed);
  const Ulid next = all_.mail.accept("b@far.example");
  while (start()) finish();
  EXPECT_EQ(recipient(next).state, State::relayed);
}

/// A smarthost with a certificate of its own.
class ProtectedWay : public WorkerTest {
protected:
  ProtectedWay() : WorkerTest(options()) {
    test::FakeHost& host = first();
    host.tls = net::TlsContext::server(certificate().certificate_pem, certificate().key_pem).value();
    host.ehlo = "250-host\r\n250-STARTTLS\r\n250-REQUIRETLS\r\n250 ENHANCEDSTATUSCODES\r\n";
  }
  static const net::SelfSigned& certificate() {
    static const net::SelfSigned made = net::make_self_signed("mx1.far.example").value();
    return made;
  }
  static queue::Options options() {
    queue::Route route{.name = "smart", .to = "*", .host = "mx1.far.example", .port = 587};
    route.tls = queue::RouteTls::opportunistic;
    route.ca_pem = certificate().certificate_pem;
    queue::Options options;
    options.routes = queue::RouteTable({route});
    return options;
  }
  Ulid send(bool protect) {
    queue::Draft draft = all_.mail.draft("a@any.example");
    if (protect) draft.sender.tls = mail::TlsWish::required;
    const Ulid id = all_.mail.accept(std::move(draft));
    run_one();
    return id;
  }
};

TEST_F(ProtectedWay, AConnectionCarriesWhatItsProofSatisfies) {
  EXPECT_EQ(recipient(send(true)).state, State::relayed);
  EXPECT_EQ(recipient(send(false)).state, State::relayed);
  EXPECT_EQ(recipient(send(true)).state, State::relayed);
  EXPECT_EQ(first().connections, 1u) << "more than was needed does";
  EXPECT_EQ(first().encrypted, std::vector<bool>(3, true));
}

TEST_F(ProtectedWay, LessThanWhatIsNeededDoesNot) {
  EXPECT_EQ(recipient(send(false)).state, State::relayed);
  EXPECT_EQ(recipient(send(true)).state, State::relayed);
  EXPECT_EQ(first().connections, 2u) << "nobody's certificate was checked before";
}

TEST_F(ProtectedWay, WhoeverHasNoCertificateGetsNothingThatNeedsOne) {
  const net::SelfSigned other = net::make_self_signed("mx1.far.example").value();
  first().tls = net::TlsContext::server(other.certificate_pem, other.key_pem).value();
  const Ulid id = send(true);
  EXPECT_EQ(recipient(id).state, State::failed);
  EXPECT_EQ(recipient(id).last_reply.own.enhanced, (mail::EnhancedCode{5, 7, 10}));
  EXPECT_TRUE(first().contents.empty());
  EXPECT_EQ(recipient(send(false)).state, State::relayed) << "what needs none is encrypted all the same";
  EXPECT_EQ(first().encrypted, std::vector<bool>{true});
}

TEST_F(ProtectedWay, TheHostMustPromiseToProtectItFurtherOn) {
  first().ehlo = "250-host\r\n250-STARTTLS\r\n250 ENHANCEDSTATUSCODES\r\n";
  const Ulid id = send(true);
  EXPECT_EQ(recipient(id).state, State::failed);
  EXPECT_EQ(recipient(id).last_reply.own.enhanced, (mail::EnhancedCode{5, 7, 30}));
  EXPECT_TRUE(first().contents.empty());
}

} // namespace
} // namespace paquebot::delivery
