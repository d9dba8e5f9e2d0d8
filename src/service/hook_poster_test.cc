#include "base/fake_clock.h"
#include "control/grants.h"
#include "control/hook_rules.h"
#include "control/json.h"
#include "directory/test_server.h"
#include "net/task_group.h"
#include "net/test_support.h"
#include "service/hook_poster.h"
#include "store/wrapped_store.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <gmock/gmock.h>
#include <map>
#include <utility>

namespace paquebot::service {
namespace {

using namespace std::chrono_literals;
using directory::run_task;
using store::Hook;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

/// Says which node posts, as a store does that several use.
class HookLease final : public store::Wrapped<store::WrappedUpkeep> {
public:
  using Wrapped::Wrapped;
  Task<Result<bool>> lease(std::string name, std::chrono::seconds time) override {
    EXPECT_EQ(name, "hooks");
    EXPECT_EQ(time, HookPoster::kLease);
    ++asked;
    if (broken) co_return fail(Errc::io, "the disk does not answer");
    co_return ours;
  }
  int asked = 0;
  bool ours = true, broken = false;
};

struct HookPost {
  std::string url, id, signature, timestamp, body, event, about, message;
};

/// What receivers do: answer at once, or never.
class FakeReceiver {
public:
  Task<Result<http::Reply>> send(net::HttpRequest request) {
    HookPost post;
    post.url = request.url;
    post.body = request.content;
    for (const auto& field : request.fields) {
      if (field.name == "webhook-id") post.id = field.value;
      if (field.name == "webhook-signature") post.signature = field.value;
      if (field.name == "webhook-timestamp") post.timestamp = field.value;
    }
    const auto told = control::parse_json(post.body, "the event").value();
    const auto& data = told.as_object().at("data");
    post.event = control::get_text(told, "type");
    post.about = control::get_text(data, "account");
    post.message = control::get_text(data, "message");
    posts.push_back(post);
    const unsigned status = answer ? answer(posts.back()) : 200;
    if (status == 0) {
      const auto here = co_await boost::asio::this_coro::executor;
      boost::asio::steady_timer never(here, Instant::max());
      co_await never.async_wait(boost::asio::use_awaitable);
    }
    if (status == 1) co_return fail(Errc::timeout, "there was no answer in time");
    http::Reply reply;
    reply.status = status;
    co_return reply;
  }
  std::vector<std::string> events() const {
    std::vector<std::string> all;
    for (const HookPost& one : posts) all.push_back(one.event + (one.about.empty() ? "" : " " + one.about));
    return all;
  }

  std::function<unsigned(const HookPost&)> answer; ///< a status; 0: never, 1: not in time
  std::vector<HookPost> posts;
};

class HookPosterTest : public testing::Test {
protected:
  HookPosterTest() {
    server_.domain("example.org");
    ann_ = server_.account("ann@example.org");
  }

  std::shared_ptr<HookPoster> make() {
    return std::make_shared<HookPoster>(
        HookPoster::Parts{server_.store().feed(), lease_, clock_, loop_.executor(),
                          [this](net::HttpRequest request) { return receiver_.send(std::move(request)); },
                          [this](Hook hook) { return note_pause(std::move(hook)); }});
  }
  Task<void> note_pause(Hook hook) {
    told_.push_back(std::move(hook));
    co_return;
  }

  Hook hook(const std::string& url = "https://a.example/", store::Id account = 0) {
    Hook wanted;
    wanted.url = url;
    wanted.account = account;
    wanted.secret = std::string(24, 's');
    Hook made = run_task(server_.store().feed().add_hook(std::move(wanted))).value();
    poster_->refresh();
    return made;
  }
  Hook now_of(const Hook& hook) { return run_task(server_.store().feed().get_hook(hook.id)).value(); }
  void change(Hook hook) {
    ASSERT_TRUE(run_task(server_.store().feed().change_hook(std::move(hook))));
    poster_->refresh();
  }
  /// An event `account.suspected` about somebody, which is about no message.
  void happens(const std::string& about) {
    ASSERT_TRUE(run_task(server_.store().feed().tell("account.suspected", about, "too much")));
  }
  /// A message that is accepted, held and released: three events.
  std::string message() {
    const Ulid id = ids_.next();
    auto request = directory::TestServer::outgoing(id, "out@far.test");
    request->klass = store::MessageClass::submitted;
    EXPECT_EQ(run_task(server_.store().acceptance().accept(request)).status, store::AcceptStatus::accepted);
    for (const auto what : {store::QueueAction::hold, store::QueueAction::release}) {
      store::QueueFilter filter;
      filter.message = id;
      EXPECT_EQ(run_task(server_.store().queue().operate(what, filter, "test", millis(system_clock().wall()))).value(),
                1U);
    }
    return id.to_string();
  }

  Task<bool> one_turn() {
    HookPoster& poster = *poster_;
    HookPoster::Reach all = [](store::Id) -> Task<Result<control::Grants>> {
      control::Grants grants;
      grants.role = control::Role::operator_;
      co_return grants;
    };
    co_await poster.turn(std::move(all));
    co_return true;
  }
  Task<bool> until(std::function<bool()> holds) {
    while (!holds()) co_await net::give_way();
    co_return true;
  }
  /// What is posted in the turn after so long, once all has been answered.
  std::vector<std::string> turn(std::chrono::milliseconds later = 0ms) {
    begin(later);
    loop_.run(until([this] { return poster_->idle(); }));
    return receiver_.events();
  }
  void begin(std::chrono::milliseconds later = 0ms) {
    clock_.advance(later);
    receiver_.posts.clear();
    loop_.run(one_turn());
  }

  FakeClock clock_;
  directory::TestServer server_;
  HookLease lease_{server_.store()};
  FakeReceiver receiver_;
  UlidSource ids_;
  store::Account ann_;
  std::vector<Hook> told_; ///< whose owners were told that they are paused
  net::test::Loop loop_;
  std::shared_ptr<HookPoster> poster_ = make();
};

TEST_F(HookPosterTest, WhatIsTakenIsPostedOnce) {
  const Hook one = hook();
  happens("ann@example.org");
  EXPECT_THAT(turn(), ElementsAre("account.suspected ann@example.org"));
  const HookPost post = receiver_.posts.front();
  EXPECT_EQ(post.url, "https://a.example/");
  EXPECT_EQ(post.timestamp, std::to_string(millis(clock_.wall()) / 1000));
  EXPECT_EQ(post.signature, control::sign_hook(one, post.id, millis(clock_.wall()) / 1000, post.body, 0));
  EXPECT_THAT(turn(1h), IsEmpty());
  EXPECT_EQ(now_of(one).delivered_at, millis(clock_.wall() - 1h));
  happens("bob@example.org");
  EXPECT_THAT(turn(), ElementsAre("account.suspected bob@example.org"));
}

TEST_F(HookPosterTest, TriesAgainAfterFiveSecondsTwiceAsLongAndSoOnUpToSixHours) {
  receiver_.answer = [](const HookPost&) { return 503U; };
  const Hook one = hook();
  happens("ann@example.org");
  EXPECT_THAT(turn(), SizeIs(1));
  const std::string id = receiver_.posts.front().id;
  for (const auto wait :
       {5s, 10s, 20s, 40s, 80s, 160s, 320s, 640s, 1280s, 2560s, 5120s, 10240s, 20480s, 21600s, 21600s}) {
    EXPECT_THAT(turn(wait - 1ms), IsEmpty()) << wait.count();
    EXPECT_THAT(turn(1ms), SizeIs(1)) << wait.count();
    EXPECT_EQ(receiver_.posts.front().id, id);
  }
  EXPECT_EQ(now_of(one).failures, 16U);
  EXPECT_EQ(now_of(one).last_error, "it answered 503");
  receiver_.answer = nullptr;
  EXPECT_THAT(turn(6h), SizeIs(1));
  const Hook well = now_of(one);
  EXPECT_EQ(well.failures, 0U);
  EXPECT_EQ(well.failing_since, 0);
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(HookPosterTest, AnotherStartWaitsAsLong) {
  receiver_.answer = [](const HookPost&) { return 500U; };
  hook();
  happens("ann@example.org");
  EXPECT_THAT(turn(), SizeIs(1));
  poster_ = make();
  EXPECT_THAT(turn(4s), IsEmpty());
  EXPECT_THAT(turn(1s), SizeIs(1));
}

TEST_F(HookPosterTest, GoneIsPausedAtOnceAndItsOwnerIsToldOnce) {
  receiver_.answer = [](const HookPost&) { return 410U; };
  Hook one = hook("https://a.example/", ann_.id);
  happens("ann@example.org");
  EXPECT_THAT(turn(), SizeIs(1));
  EXPECT_EQ(now_of(one).state, Hook::State::paused);
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_EQ(told_[0].login, "ann@example.org");
  EXPECT_EQ(told_[0].last_error, "it answered 410");
  EXPECT_NE(told_[0].failing_since, 0);
  happens("bob@example.org");
  EXPECT_THAT(turn(30h), IsEmpty());
  EXPECT_THAT(told_, SizeIs(1));
  receiver_.answer = nullptr;
  one.state = Hook::State::active;
  change(one);
  EXPECT_THAT(turn(), ElementsAre("account.suspected ann@example.org", "account.suspected bob@example.org"))
      << "it goes on with what it had not taken";
  receiver_.answer = [](const HookPost&) { return 410U; };
  happens("ann@example.org");
  EXPECT_THAT(turn(), SizeIs(1));
  EXPECT_THAT(told_, SizeIs(2)) << "another pause";
}

TEST_F(HookPosterTest, ThreeDaysOfFailureEndInAPause) {
  receiver_.answer = [](const HookPost&) { return 1U; };
  const Hook one = hook();
  happens("ann@example.org");
  EXPECT_THAT(turn(), SizeIs(1));
  const std::int64_t since = now_of(one).failing_since;
  EXPECT_THAT(turn(71h), SizeIs(1));
  EXPECT_EQ(now_of(one).state, Hook::State::active);
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_THAT(turn(6h), SizeIs(1));
  EXPECT_EQ(now_of(one).state, Hook::State::paused);
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_EQ(told_[0].failing_since, since);
  EXPECT_EQ(told_[0].last_error, "there was no answer in time");
  EXPECT_THAT(turn(6h), IsEmpty());
}

TEST_F(HookPosterTest, OneThatNeverAnswersHoldsUpNoOther) {
  receiver_.answer = [](const HookPost& post) { return post.url == "https://silent.example/" ? 0U : 200U; };
  const Hook silent = hook("https://silent.example/"), well = hook("https://well.example/");
  for (int i = 0; i < 3; ++i) {
    happens("ann@example.org");
    begin();
    // A turn may find it busy still with the end of the one before, as it may in the server.
    while (now_of(well).cursor != server_.store().feed().last()) {
      loop_.run(one_turn());
      loop_.run(until([turns = 0]() mutable { return ++turns > 3; }));
    }
  }
  EXPECT_EQ(now_of(silent).cursor, silent.cursor);
  EXPECT_FALSE(poster_->idle());
  poster_->stop();
  poster_.reset(); // nobody waits for it
}

TEST_F(HookPosterTest, EventsOfAMessageWaitForTheOneBefore) {
  std::string broken;
  receiver_.answer = [&](const HookPost& post) {
    return post.message == broken && post.event == "message.held" ? 500U : 200U;
  };
  const Hook one = hook();
  broken = message();
  const auto of = [this](const std::string& id) {
    std::vector<std::string> all;
    for (const HookPost& post : receiver_.posts)
      if (post.message == id) all.push_back(post.event);
    return all;
  };
  turn();
  EXPECT_THAT(of(broken), ElementsAre("message.accepted", "message.held"));
  const std::string other = message();
  turn(5s);
  EXPECT_THAT(of(broken), ElementsAre("message.held")) << "what was taken is not posted again, what is behind waits";
  receiver_.answer = nullptr;
  turn(10s);
  EXPECT_THAT(of(broken), ElementsAre("message.held", "message.released"));
  turn();
  turn();
  EXPECT_EQ(now_of(one).cursor, server_.store().feed().last());
  EXPECT_THAT(of(broken), IsEmpty());
}

TEST_F(HookPosterTest, ManyMessagesComeEachInItsOrder) {
  hook();
  std::vector<std::string> sent;
  for (int i = 0; i < 40; ++i) sent.push_back(message());
  std::map<std::string, std::vector<std::string>> seen;
  for (int i = 0; i < 4; ++i) { // 120 rows, by pages
    turn();
    for (const HookPost& post : receiver_.posts) seen[post.message].push_back(post.event);
  }
  ASSERT_THAT(seen, SizeIs(40));
  for (const std::string& id : sent)
    EXPECT_THAT(seen[id], ElementsAre("message.accepted", "message.held", "message.released"));
}

TEST_F(HookPosterTest, SignsWithBothSecretsWhileOneIsExchanged) {
  Hook one = hook();
  const std::int64_t until = millis(clock_.wall() + control::kRotation);
  one.old_secret = std::exchange(one.secret, std::string(24, 'n'));
  one.old_until = until;
  change(one);
  const auto by = [&](const std::string& secret) {
    Hook alone;
    alone.secret = secret;
    const HookPost& post = receiver_.posts.at(0);
    return control::sign_hook(alone, post.id, millis(clock_.wall()) / 1000, post.body, 0);
  };
  happens("ann@example.org");
  turn();
  EXPECT_EQ(receiver_.posts.at(0).signature, by(one.secret) + " " + by(one.old_secret));
  happens("ann@example.org");
  turn(control::kRotation - 1ms);
  EXPECT_THAT(receiver_.posts.at(0).signature, HasSubstr(by(one.old_secret)));
  happens("ann@example.org");
  turn(1ms);
  EXPECT_EQ(receiver_.posts.at(0).signature, by(one.secret));
}

TEST_F(HookPosterTest, OneNodePostsForAll) {
  lease_.ours = false;
  const Hook one = hook();
  happens("ann@example.org");
  EXPECT_THAT(turn(), IsEmpty());
  lease_.ours = true;
  EXPECT_THAT(turn(14s), IsEmpty()) << "it is not asked in each turn";
  EXPECT_THAT(turn(1s), SizeIs(1));
  Hook elsewhere = now_of(one); // another node takes over, and posts the next one
  lease_.ours = false;
  turn(15s);
  happens("bob@example.org");
  const store::Id from = std::exchange(elsewhere.cursor, server_.store().feed().last());
  ASSERT_TRUE(run_task(server_.store().feed().note_hook(elsewhere, from)));
  EXPECT_THAT(turn(15s), IsEmpty());
  lease_.ours = true;
  EXPECT_THAT(turn(15s), IsEmpty()) << "it knows that this one was posted";
  happens("ann@example.org");
  EXPECT_THAT(turn(), ElementsAre("account.suspected ann@example.org"));
}

TEST_F(HookPosterTest, AStoreThatDoesNotAnswerTakesTheLeaseWithTime) {
  hook();
  turn();
  lease_.broken = true;
  happens("ann@example.org");
  EXPECT_THAT(turn(30s), SizeIs(1)) << "it still has it";
  happens("ann@example.org");
  EXPECT_THAT(turn(30s), IsEmpty()) << "another node may have it by now";
}

TEST_F(HookPosterTest, LosingTheLeaseEndsAPage) {
  const Hook one = hook();
  message();
  message();
  receiver_.answer = [&](const HookPost&) {
    clock_.advance(HookPoster::kLease);
    lease_.ours = false;
    return 200U;
  };
  EXPECT_THAT(turn(), SizeIs(AllOf(::testing::Ge(1U), ::testing::Lt(6U))));
  EXPECT_LT(now_of(one).cursor, server_.store().feed().last());
  EXPECT_EQ(now_of(one).failures, 0U);
}

TEST_F(HookPosterTest, ATestIsPostedWhateverTheState) {
  Hook one = hook();
  one.state = Hook::State::paused;
  change(one);
  happens("ann@example.org");
  EXPECT_THAT(turn(), IsEmpty());
  receiver_.answer = [](const HookPost&) { return 301U; };
  const control::HookTrial done = loop_.run(poster_->test(one));
  EXPECT_EQ(done.status, 301U);
  EXPECT_EQ(done.error, "it answered 301") << "a redirect is an answer like another";
  EXPECT_THAT(receiver_.events(), ElementsAre("hook.test"));
}

} // namespace
} // namespace paquebot::service
