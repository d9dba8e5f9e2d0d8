// Hooks, events and their stream, as far as the API has them.
#include "base/encoding.h"
#include "control/event_stream.h"
#include "control/feed_event.h"
#include "control/hook_rules.h"
#include "control/test_world.h"
#include "net/network.h"

#include <gmock/gmock.h>
#include <set>
#include <utility>

namespace paquebot::control {
namespace {

using test::run_task;
using test::World;
using ::testing::HasSubstr;
using ::testing::Not;

// ---- Rules ----

TEST(HookRules, SignatureIsThatOfTheStandard) { // the example of standardwebhooks.com's libraries
  store::Hook hook;
  hook.secret = base64_decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").value();
  const std::string first = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
  const auto sign = [&](std::int64_t now) {
    return sign_hook(hook, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})", now);
  };
  EXPECT_EQ(sign(1000), first);
  hook.old_secret = std::exchange(hook.secret, std::string(24, 'n'));
  hook.old_until = 1000;
  EXPECT_THAT(sign(999), HasSubstr(" " + first)) << "by both while rotating";
  EXPECT_THAT(sign(1000), Not(HasSubstr(first)));
  EXPECT_EQ(show_secret(base64_decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").value()),
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  EXPECT_EQ(make_secret().size(), kSecretOctets);
}

TEST(HookRules, BacksOffFromFiveSecondsToSixHours) {
  using std::chrono::seconds;
  EXPECT_EQ(hook_back_off(0), seconds(0));
  EXPECT_EQ(hook_back_off(1), seconds(5));
  EXPECT_EQ(hook_back_off(2), seconds(10));
  EXPECT_EQ(hook_back_off(12), seconds(5 * 2048));
  EXPECT_EQ(hook_back_off(13), seconds(5 * 4096));
  EXPECT_EQ(hook_back_off(14), std::chrono::hours(6));
  EXPECT_EQ(hook_back_off(4'000'000'000U), std::chrono::hours(6));
}

// ---- Words ----

store::FeedRow row_of(store::MessageClass klass, std::vector<store::Event> events) {
  store::FeedRow row;
  row.id = 17;
  row.at = 1000;
  row.message.emplace();
  row.message->klass = klass;
  row.message->recipients = {{0, "ann@example.org", "ann@example.org", true}, {1, "bob@far.example", "", true}};
  row.events = std::move(events);
  return row;
}

std::string words_in(const store::FeedRow& row) {
  std::string all;
  for (const FeedEvent& event : events_of(row)) all += event.id + " " + event.word + " " + event.recipient + "; ";
  return all;
}

TEST(FeedEvents, AMessagesEventsAreOneForEachRecipient) {
  using enum store::EventKind;
  auto row = row_of(store::MessageClass::submitted,
                    {{1, accepted, {}, "note", 1}, {1, delivered, {0}, {}, 1}, {1, deferred, {1}, "451 later", 1}});
  row.message->login = "dora@example.org";
  EXPECT_EQ(words_in(row), "17-0 message.accepted ; 17-1 message.delivered ann@example.org; "
                           "17-2 message.deferred bob@far.example; ");
  EXPECT_EQ(events_of(row)[2].detail, "451 later");
  EXPECT_EQ(events_of(row)[2].domain, "example.org");
  row = row_of(store::MessageClass::incoming, {{1, accepted, {}, "note", 1}, {1, returned, {}, "x", 1}});
  row.message->recipients[1].named = false;
  EXPECT_EQ(words_in(row), "17-0 message.received ann@example.org; 17-1 message.bounced ; ");
  row.events = {{1, retrieved, {0}, {}, 1}, {1, reported, {0}, {}, 1}, {1, removed, {0}, {}, 1}};
  EXPECT_EQ(words_in(row), "") << "not for programs";
  row.message.reset();
  EXPECT_EQ(words_in(row), "") << "its trail is gone";
}

TEST(FeedEvents, WhatWasNotTakenHasItsClass) {
  using enum store::EventKind;
  using mail::BounceClass;
  auto row = row_of(store::MessageClass::submitted, {{1, deferred, {1}, "451 later", 1, BounceClass::greylist},
                                                     {1, returned, {1}, "returned later: x", 1, BounceClass::full},
                                                     {1, returned, {}, "x", 1},
                                                     {1, suppressed, {}, "dora@far.example: full since x: 552 y", 1},
                                                     {1, complained, {1}, "abuse", 1},
                                                     {1, warned, {1}, "not for programs", 1}});
  EXPECT_EQ(words_in(row), "17-0 message.deferred bob@far.example; 17-1 message.failed bob@far.example; "
                           "17-2 message.bounced ; 17-3 message.suppressed dora@far.example; "
                           "17-4 message.complained bob@far.example; ");
  const auto events = events_of(row);
  EXPECT_EQ(events[0].bounce, "greylist");
  EXPECT_EQ(events[1].bounce, "full");
  EXPECT_EQ(events[2].bounce, "");
  EXPECT_EQ(events[3].detail, "full since x: 552 y");
  Grants root;
  root.role = Role::root;
  EXPECT_EQ(told_to(root, events[0]).at("bounce").as_string(), "greylist");
  store::FeedRow alone;
  alone.id = 18;
  alone.word = "message.suppressed";
  alone.about = "ann@example.org";
  alone.detail = "\"a: b\"@far.example: manual since x";
  const auto told = events_of(alone).at(0);
  EXPECT_EQ(told.account, "ann@example.org");
  EXPECT_EQ(told.recipient, "\"a: b\"@far.example");
  EXPECT_EQ(told.detail, "manual since x");
}

TEST(FeedEvents, PatternsAndPlaces) {
  EXPECT_TRUE(is_event_pattern("message.failed"));
  EXPECT_TRUE(is_event_pattern("message.*"));
  EXPECT_TRUE(is_event_pattern("*"));
  for (const char* bad : {"", "message", "message.x", "mess*", ".*", "nothing.*", "message.failed\n"})
    EXPECT_FALSE(is_event_pattern(bad)) << bad;
  EXPECT_TRUE(is_wanted({}, "message.failed"));
  EXPECT_TRUE(is_wanted({"account.*", "message.failed"}, "message.failed"));
  EXPECT_FALSE(is_wanted({"message.*"}, "account.suspected"));
  EXPECT_TRUE(is_wanted({"message.*"}, "gap")) << "always";
  const auto place = parse_place("17-2");
  ASSERT_TRUE(place);
  EXPECT_TRUE(place->is_past(17, 2));
  EXPECT_FALSE(place->is_past(17, 3));
  EXPECT_EQ(place->behind(), 16);
  EXPECT_EQ(parse_place("17")->behind(), 17);
  for (const char* bad : {"", "-", "17-", "-2", "17-2-3", "0-1", "x", "99999999999999999999", "1\n2"})
    EXPECT_FALSE(parse_place(bad)) << bad;
}

TEST(FeedEvents, EachSeesWhatIsHis) {
  FeedEvent event;
  event.word = "message.delivered";
  event.account = "ann@example.org";
  event.recipient = "team@example.net";
  event.owner = "bob@example.net";
  event.metadata = R"({"order":"7"})";
  const auto somebody = [](Role role, const std::string& login, std::set<std::string> domains = {}) {
    return Grants{role, 1, login, std::move(domains)};
  };
  const Grants ann = somebody(Role::account, "ann@example.org"), bob = somebody(Role::account, "bob@example.net");
  const Grants eve = somebody(Role::account, "eve@example.net");
  const Grants dave = somebody(Role::domain_admin, "dave@example.net", {"example.net"});
  const Grants olga = somebody(Role::operator_, "olga@example.com");
  EXPECT_TRUE(may_see(ann, event));
  EXPECT_TRUE(may_see(bob, event));
  EXPECT_FALSE(may_see(eve, event));
  EXPECT_TRUE(may_see(dave, event));
  EXPECT_TRUE(may_see(olga, event));
  EXPECT_FALSE(may_see(Grants(), event));
  EXPECT_TRUE(told_to(ann, event).contains("metadata"));
  EXPECT_FALSE(told_to(bob, event).contains("metadata")) << "the sender's own words";
  EXPECT_FALSE(told_to(bob, event).contains("account"));
  event = {};
  event.word = "certificate.failed";
  event.recipient = "example.net";
  EXPECT_FALSE(may_see(dave, event)) << "the server's";
  EXPECT_TRUE(may_see(olga, event));
  event.word = "account.suspected";
  event.account = "bob@example.net";
  EXPECT_TRUE(may_see(dave, event));
  EXPECT_FALSE(may_see(ann, event));
  event.word = store::kFeedGap;
  EXPECT_TRUE(may_see(ann, event));
  EXPECT_FALSE(may_see(Grants(), event));
}

// ---- Actions ----

TEST(Hooks, LifeOfOne) {
  World world;
  const Asker ann = world.asker(world.ann);
  const auto made =
      world.ok(ann, "POST", "/v1/hooks",
               R"({"url":"https://hooks.example/in","events":["message.failed"],"domains":["Example.ORG"]})");
  EXPECT_THAT(get_text(made, "secret"), HasSubstr("whsec_"));
  EXPECT_EQ(get_text(made, "login"), "ann@example.org");
  const std::string path = "/v1/hooks/" + std::to_string(get_number(made, "id"));
  EXPECT_THAT(world.call(ann, "GET", path).body, Not(HasSubstr("whsec_")));
  EXPECT_THAT(world.call(ann, "GET", "/v1/hooks").body, Not(HasSubstr("whsec_")));
  const auto rotated = world.ok(ann, "PATCH", path, R"({"rotate":true})");
  EXPECT_NE(get_text(rotated, "secret"), get_text(made, "secret"));
  EXPECT_NE(get_time(rotated, "rotating_until"), 0);
  EXPECT_EQ(get_text(world.ok(ann, "PATCH", path, R"({"state":"paused"})"), "state"), "paused");
  EXPECT_EQ(world.outcome(ann, "PATCH", path, R"({"state":"away"})"), "400 invalid");
  EXPECT_EQ(world.outcome(ann, "POST", path + "/replay", R"({"since":"2026-11-30T09:41:07Z"})"), "200");
  EXPECT_EQ(world.outcome(ann, "POST", path + "/test"), "503 closed") << "no server";
  EXPECT_EQ(world.outcome(world.asker(world.bob), "GET", path), "404 not_found");
  EXPECT_EQ(get_list(world.ok(world.asker(world.bob), "GET", "/v1/hooks"), "hooks").size(), 0U);
  EXPECT_EQ(get_list(world.ok(world.asker(world.dora), "GET", "/v1/hooks"), "hooks").size(), 1U);
  Asker token = ann;
  token.token = 1;
  token.scopes = {"hooks.write"};
  EXPECT_EQ(world.outcome(token, "POST", "/v1/hooks", R"({"url":"https://hooks.example/in"})"), "403 permission");
  EXPECT_EQ(world.outcome(token, "PATCH", path, R"({"url":"https://eve.example/"})"), "403 permission");
  EXPECT_EQ(world.outcome(token, "DELETE", path), "200");
  EXPECT_EQ(world.outcome(ann, "GET", path), "404 not_found");
  EXPECT_EQ(world.outcome(ann, "GET", "/v1/hooks/x"), "404 not_found");
  EXPECT_EQ(
      get_text(world.ok(root_asker("root"), "POST", "/v1/hooks", R"({"url":"https://hooks.example/in"})"), "login"),
      "");
}

TEST(Hooks, PrivatePlacesAreRefused) {
  World world;
  const Asker ann = world.asker(world.ann);
  for (const char* url : {"http://hooks.example/in",
                          "ftp://hooks.example/",
                          "https://",
                          "https://user:pass@hooks.example/",
                          "hooks.example",
                          "https://localhost/",
                          "https://x.localhost:8443/",
                          "https://127.0.0.1/",
                          "https://10.0.0.1/",
                          "https://192.168.1.1:8080/",
                          "https://169.254.169.254/latest/meta-data",
                          "https://0.0.0.0/",
                          "https://[::1]/",
                          "https://[::]/",
                          "https://[fe80::1]/",
                          "https://[fc00::1]/",
                          "https://[::ffff:127.0.0.1]/",
                          "https://[::ffff:7f00:1]/",
                          "https://[64:ff9b::7f00:1]/",
                          "https://[64:ff9b::10.0.0.1]/",
                          "https://[2002:7f00:1::]/",
                          "https://[2001:db8::1]/",
                          "https://[ff02::1]/",
                          "https://hooks.example/#x"}) {
    const json::value body = json::object{{"url", url}};
    EXPECT_EQ(world.outcome(ann, "POST", "/v1/hooks", to_text(body)), "400 invalid") << url;
  }
  EXPECT_EQ(world.outcome(ann, "POST", "/v1/hooks", R"({"url":"https://hooks.example/","events":["message.sent"]})"),
            "400 invalid");
  EXPECT_EQ(world.outcome(ann, "POST", "/v1/hooks", R"({"url":"https://hooks.example/","domains":["no domain"]})"),
            "400 invalid");
  Hooks hooks = world.hooks();
  hooks.hook_rules = [] { return HookRules{net::Networks::parse({"127.0.0.0/8"}).value(), true}; };
  Control allowing(world.server.store(), world.server.directory(), std::move(hooks));
  const auto with = [&](const char* url) {
    return test::outcome_of(
        run_task(allowing.handle(Request{"POST", "/v1/hooks", to_text(json::object{{"url", url}}), "", ""}, ann)));
  };
  EXPECT_EQ(with("http://127.0.0.1:8080/"), "200");
  EXPECT_EQ(with("http://10.0.0.1/"), "400 invalid");
}

TEST(Events, APageAfterTheOther) {
  World world;
  const Asker ann = world.asker(world.ann), bob = world.asker(world.bob), olga = world.asker(world.olga);
  const auto begun = world.ok(ann, "GET", "/v1/events");
  EXPECT_EQ(get_list(begun, "events").size(), 0U);
  const std::string after = get_text(begun, "next");
  const std::string mail = world.mail(world.ann, world.bob);
  const auto words = [&](const Asker& who, const std::string& query) {
    std::string all;
    const auto page = world.ok(who, "GET", "/v1/events?after=" + after + query);
    for (const auto& one : get_list(page, "events")) all += get_text(one, "event") + " ";
    return all;
  };
  EXPECT_EQ(words(ann, ""), "gap message.accepted message.delivered ");
  EXPECT_EQ(words(bob, ""), "gap message.delivered ") << "what he got";
  EXPECT_EQ(words(olga, "&events=message.delivered"), "gap message.delivered ");
  EXPECT_EQ(words(world.asker(world.dave), ""), "gap message.delivered ");
  const auto first = world.ok(ann, "GET", "/v1/events?limit=2&after=" + after);
  EXPECT_EQ(get_list(first, "events").size(), 2U);
  const auto second = world.ok(ann, "GET", "/v1/events?limit=2&after=" + get_text(first, "next"));
  ASSERT_EQ(get_list(second, "events").size(), 1U);
  EXPECT_EQ(get_text(get_list(second, "events")[0], "event"), "message.delivered");
  EXPECT_EQ(get_text(get_list(second, "events")[0], "message"), mail);
  const auto third = world.ok(ann, "GET", "/v1/events?after=" + get_text(second, "next"));
  EXPECT_EQ(get_list(third, "events").size(), 0U);
  const auto lost = world.ok(ann, "GET", "/v1/events?after=999");
  ASSERT_EQ(get_list(lost, "events").size(), 4U) << "and all that there is";
  EXPECT_EQ(get_text(get_list(lost, "events")[0], "event"), "gap") << "an id of another store";
  EXPECT_EQ(world.outcome(ann, "GET", "/v1/events?after=x"), "400 invalid");
  EXPECT_EQ(world.outcome(ann, "GET", "/v1/events?events=nothing"), "400 invalid");
}

TEST(Events, StreamsAreFew) {
  StreamCount count;
  std::vector<std::shared_ptr<StreamPlace>> places;
  for (std::size_t i = 0; i < StreamCount::kMostOfOne; ++i) places.push_back(count.enter("ann"));
  EXPECT_FALSE(places[0]->ended);
  places.push_back(count.enter("ann"));
  EXPECT_TRUE(places[0]->ended) << "the oldest gives way";
  EXPECT_FALSE(places[1]->ended);
  for (std::size_t i = 0; places.size() < StreamCount::kMost; ++i)
    places.push_back(count.enter("bob" + std::to_string(i)));
  EXPECT_EQ(count.enter("eve"), nullptr);
  places.clear();
  EXPECT_NE(count.enter("eve"), nullptr);
}

TEST(Events, TheStreamEndsWithWhoAsked) {
  World world;
  store::Feed& feed = world.server.store().feed();
  FeedReader reader = run_task(FeedReader::begin(feed, {})).value();
  const std::string mail = world.mail(world.ann, world.bob);
  auto stream = make_event_stream(
      std::move(reader), world.asker(world.ann), []() -> Task<std::optional<Asker>> { co_return std::nullopt; },
      nullptr);
  EXPECT_EQ(run_task(stream->next()).value(), "retry: 2000\n\n");
  const auto first = run_task(stream->next());
  ASSERT_TRUE(first);
  EXPECT_THAT(*first, HasSubstr("\nevent: message.accepted\ndata: {"));
  EXPECT_THAT(*first, HasSubstr(mail));
  stream->stop();
  EXPECT_EQ(run_task(stream->next()).value(), "");
}

} // namespace
} // namespace paquebot::control
