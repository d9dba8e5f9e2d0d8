#include "base/encoding.h"
#include "base/text.h"
#include "control/api_site.h"
#include "control/test_world.h"

#include <gmock/gmock.h>
#include <unistd.h>

namespace paquebot::control {
namespace {

using test::run_task;
using test::World;
using ::testing::HasSubstr;
using ::testing::Not;

class ApiSiteTest : public ::testing::Test {
protected:
  http::Answer ask(http::Exchange exchange) { return run_task(site.answer(std::move(exchange))); }
  static http::Exchange exchange(const std::string& method, const std::string& target, http::Fields fields = {},
                                 std::string content = {}) {
    http::Exchange exchange;
    exchange.request.method = method;
    exchange.request.target = target;
    exchange.request.host = "mx.example.org";
    exchange.request.path = target.substr(0, target.find('?'));
    exchange.request.fields = std::move(fields);
    exchange.content = std::move(content);
    exchange.visitor.address = "198.51.100.7";
    exchange.visitor.port = 443;
    exchange.visitor.encrypted = true;
    return exchange;
  }
  /// "200", or "401 wrong_login".
  std::string outcome(http::Exchange given) {
    const http::Answer answer = ask(std::move(given));
    return test::outcome_of({answer.response.status, answer.response.content, {}});
  }
  static http::Fields basic(const std::string& user, const std::string& password) {
    return {{"authorization", "Basic " + base64_encode(user + ":" + password)}};
  }
  static http::Fields bearer(const std::string& token) { return {{"authorization", "Bearer " + token}}; }
  /// A token of olga's, or of `login`.
  std::string token(const std::string& rest, const std::string& login = "olga@example.com") {
    const auto made =
        world.ok(root_asker("root"), "POST", "/v1/tokens",
                 R"({"label":"t)" + std::to_string(++count) + R"(","login":")" + login + "\"," + rest + "}");
    return get_text(made, "token");
  }

  World world;
  directory::LoginThrottle& guard = world.guard;
  ApiSite site{{world.control, world.server.directory(), guard}};
  int count = 0;
};

TEST_F(ApiSiteTest, ALocalSocketIsForRootAndTheServersOwnUser) {
  http::Exchange local = exchange("GET", "/v1/domains");
  local.visitor = {};
  local.visitor.uid = geteuid();
  EXPECT_EQ(outcome(local), "200");
  local.visitor.uid = 4711;
  EXPECT_EQ(outcome(local), "403 permission");
}

TEST_F(ApiSiteTest, WhoSaysNothingGetsNothing) {
  const http::Answer answer = ask(exchange("GET", "/v1/domains"));
  EXPECT_EQ(answer.response.status, 401U);
  EXPECT_THAT(*http::find_field(answer.response.fields, "WWW-Authenticate"), HasSubstr("Bearer"));
  EXPECT_EQ(*http::find_field(answer.response.fields, "Content-Type"), "application/problem+json");
  EXPECT_EQ(*http::find_field(answer.response.fields, "Cache-Control"), "no-store");
}

TEST_F(ApiSiteTest, PasswordsSayWhoItIs) {
  const http::Answer answer = ask(exchange("GET", "/v1/me", basic("ann@example.org", "wonderland")));
  EXPECT_EQ(answer.response.status, 200U) << answer.response.content;
  EXPECT_THAT(answer.response.content, HasSubstr(R"("role":"account")"));
  EXPECT_THAT(ask(exchange("GET", "/v1/me", basic("dora@example.org", "wonderland"))).response.content,
              HasSubstr(R"("role":"domain administrator","domains":["example.org"])"));
  EXPECT_EQ(outcome(exchange("GET", "/v1/me", basic("ann@example.org", "wrong"))), "401 wrong_login");
  EXPECT_EQ(outcome(exchange("GET", "/v1/me", basic("nobody@example.org", "wonderland"))), "401 wrong_login");
  EXPECT_EQ(outcome(exchange("GET", "/v1/me", {{"authorization", "Digest x"}})), "401 wrong_login");
  EXPECT_EQ(outcome(exchange("HEAD", "/v1/me", basic("ann@example.org", "wonderland"))), "200");
}

TEST_F(ApiSiteTest, AppPasswordsAreForMail) {
  const auto made =
      world.ok(root_asker("root"), "POST", "/v1/accounts/ann@example.org/app-passwords", R"({"label":"x"})");
  const auto answer = ask(exchange("GET", "/v1/me", basic("ann@example.org", get_text(made, "password"))));
  EXPECT_EQ(answer.response.status, 401U);
  EXPECT_THAT(answer.response.content, HasSubstr("for mail only"));
}

TEST_F(ApiSiteTest, TokensAreKeptToWhatTheySay) {
  const std::string all = token(R"("scopes":["accounts.read","domains.write"])");
  EXPECT_EQ(outcome(exchange("GET", "/v1/accounts", bearer(all))), "200");
  EXPECT_EQ(outcome(exchange("GET", "/v1/domains", bearer(all))), "200") << "write has read in it";
  EXPECT_EQ(outcome(exchange("GET", "/v1/queue", bearer(all))), "403 scope");
  EXPECT_EQ(outcome(exchange("POST", "/v1/accounts", bearer(all), R"({"login":"x@example.org"})")), "403 scope");
  const std::string one = token(R"("scopes":["accounts.write","server.read"],"domains":["example.net"])");
  EXPECT_THAT(ask(exchange("GET", "/v1/accounts", bearer(one))).response.content,
              ::testing::AllOf(HasSubstr("bob@example.net"), Not(HasSubstr("ann@example.org"))));
  EXPECT_EQ(outcome(exchange("GET", "/v1/accounts/ann@example.org", bearer(one))), "404 not_found");
  EXPECT_EQ(outcome(exchange("GET", "/v1/status", bearer(one))), "403 permission") << "of the whole server";
  const std::string near = token(R"("scopes":["accounts.read"],"networks":["192.0.2.0/24"])");
  EXPECT_EQ(outcome(exchange("GET", "/v1/accounts", bearer(near))), "401 wrong_login");
  http::Exchange from = exchange("GET", "/v1/accounts", bearer(near));
  from.visitor.address = "192.0.2.9";
  EXPECT_EQ(outcome(from), "200");
  const auto used = world.ok(root_asker("root"), "GET", "/v1/tokens?login=olga@example.com");
  EXPECT_EQ(get_text(get_list(used, "tokens").at(2), "used_from"), "192.0.2.9");
  EXPECT_THAT(to_text(used), Not(HasSubstr("pq_")));
}

TEST_F(ApiSiteTest, TheUseOfATokenIsNoLogin) {
  const Asker root = root_asker("root");
  const auto made = world.ok(root, "POST", "/v1/tokens", R"({"label":"the server's","scopes":["accounts.read"]})");
  for (int i = 0; i < 30; ++i)
    ASSERT_EQ(outcome(exchange("GET", "/v1/accounts", bearer(get_text(made, "token")))), "200")
        << "no failure is counted";
  EXPECT_EQ(outcome(exchange("GET", "/v1/me", bearer(token(R"("scopes":["accounts.read"])")))), "200");
  EXPECT_TRUE(guard.take_changes(10).empty()) << "nobody is at home there";
  EXPECT_EQ(outcome(exchange("GET", "/v1/me", basic("ann@example.org", "wonderland"))), "200");
  EXPECT_EQ(guard.take_changes(10).size(), 1U);
}

TEST_F(ApiSiteTest, TokensEnd) {
  const std::string scopes = R"("scopes":["accounts.read"])";
  const std::string anns = token(scopes, "ann@example.org"), bobs = token(scopes, "bob@example.net");
  EXPECT_EQ(outcome(exchange("GET", "/v1/accounts/ann@example.org", bearer(anns))), "200");
  EXPECT_EQ(outcome(exchange("GET", "/v1/accounts/bob@example.net", bearer(anns))), "404 not_found");
  const Asker root = root_asker("root");
  world.ok(root, "PATCH", "/v1/accounts/ann@example.org", R"({"disabled":true})");
  EXPECT_EQ(outcome(exchange("GET", "/v1/me", bearer(anns))), "401 wrong_login");
  world.ok(root, "DELETE", "/v1/accounts/bob@example.net");
  EXPECT_EQ(outcome(exchange("GET", "/v1/me", bearer(bobs))), "401 wrong_login") << "it goes with its account";
  store::Token old;
  old.label = "old";
  EXPECT_EQ(world.outcome(root, "POST", "/v1/tokens",
                          R"({"label":"old","scopes":["queue.read"],"expires":"2020-01-01T00:00:00Z"})"),
            "400 invalid");
  EXPECT_EQ(outcome(exchange("GET", "/v1/me", bearer("pq_" + std::string(32, 'a')))), "401 wrong_login");
  EXPECT_EQ(outcome(exchange("GET", "/v1/me", bearer("pq_"))), "401 wrong_login");
}

TEST_F(ApiSiteTest, WrongTokensAndPasswordsAreGuardedTogether) {
  // As many failures lately as refuse an address; which costs no hash here.
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(guard.begin("198.51.100.7", "").count(), 0);
    guard.failed("198.51.100.7", "", "smtp");
  }
  const http::Answer answer = ask(exchange("GET", "/v1/me", bearer("pq_" + std::string(32, 'a'))));
  EXPECT_EQ(answer.response.status, 429U);
  EXPECT_THAT(answer.response.content, HasSubstr(R"("code":"slow_down")"));
  EXPECT_GT(parse_u64(*http::find_field(answer.response.fields, "Retry-After")).value_or(0), 0U);
  EXPECT_EQ(outcome(exchange("GET", "/v1/me", basic("ann@example.org", "wonderland"))), "429 slow_down");
  http::Exchange other = exchange("GET", "/v1/me", basic("ann@example.org", "wonderland"));
  other.visitor.address = "192.0.2.9";
  EXPECT_EQ(outcome(other), "200");
}

TEST_F(ApiSiteTest, CredentialsInClearAreTakenFromThisMachineOnly) {
  http::Exchange given = exchange("GET", "/v1/me", basic("ann@example.org", "wonderland"));
  given.visitor.encrypted = false;
  EXPECT_EQ(outcome(given), "403 tls_required");
  given.visitor.address = "127.0.0.1";
  EXPECT_EQ(outcome(given), "200");
  given.visitor.address = "::1";
  EXPECT_EQ(outcome(given), "200");
}

TEST_F(ApiSiteTest, PagesOfOtherSitesAreRefused) {
  const auto with = [&](http::Field field) {
    http::Fields fields = basic("ann@example.org", "wonderland");
    fields.push_back(std::move(field));
    return outcome(exchange("GET", "/v1/me", fields));
  };
  EXPECT_EQ(with({"sec-fetch-site", "same-origin"}), "200");
  EXPECT_EQ(with({"sec-fetch-site", "none"}), "200");
  EXPECT_EQ(with({"sec-fetch-site", "cross-site"}), "403 cross_site");
  EXPECT_EQ(with({"sec-fetch-site", "same-site"}), "403 cross_site") << "another host of ours is not this one";
  EXPECT_EQ(with({"origin", "https://mx.example.org"}), "200");
  EXPECT_EQ(with({"origin", "https://mx.example.org:8443"}), "403 cross_site");
  EXPECT_EQ(with({"origin", "https://evil.example"}), "403 cross_site");
  EXPECT_EQ(with({"origin", "null"}), "403 cross_site");
}

TEST_F(ApiSiteTest, AContentIsBoundedByItsHead) {
  const http::Visitor stranger = exchange("GET", "/").visitor;
  const auto most = [&](const std::string& method, const std::string& target, http::Fields fields) {
    return site.most_content(exchange(method, target, std::move(fields)).request, stranger);
  };
  EXPECT_EQ(most("POST", "/v1/accounts", {}), 64U << 10);
  EXPECT_EQ(most("POST", "/v1/aliases", bearer("x")), 512U << 10) << "a thousand targets";
  EXPECT_EQ(most("POST", "/v1/accounts/ann@example.org/messages", {}), 64U << 10);
  EXPECT_EQ(most("POST", "/v1/accounts/ann@example.org/messages", bearer("x")), kMaxBody);
  EXPECT_EQ(most("POST", "/v1/nothing", bearer("x")), 64U << 10);
}

TEST_F(ApiSiteTest, WhatWasSeenIsChangedAndNothingElse) {
  const std::string path = "/v1/accounts/ann@example.org";
  const auto login = basic("dora@example.org", "wonderland");
  const http::Answer seen = ask(exchange("GET", path, login));
  const std::string tag = *http::find_field(seen.response.fields, "ETag");
  auto with = login;
  with.push_back({"if-match", tag});
  EXPECT_EQ(outcome(exchange("PATCH", path, with, R"({"quota":7})")), "200");
  EXPECT_EQ(outcome(exchange("PATCH", path, with, R"({"quota":8})")), "412 changed");
  EXPECT_EQ(outcome(exchange("PATCH", path, login, R"({"quota":9})")), "200") << "who does not ask for it";
  EXPECT_NE(*http::find_field(ask(exchange("GET", path, login)).response.fields, "ETag"), tag);
}

TEST_F(ApiSiteTest, NamesWithASlashAreReached) {
  world.server.account("a/b~c@example.org");
  EXPECT_EQ(outcome(exchange("GET", "/v1/accounts/" + path_encode("a/b~c@example.org"),
                             basic("dora@example.org", "wonderland"))),
            "200");
  EXPECT_EQ(path_encode("a/b~c@x"), "a~1b~0c%40x");
}

TEST_F(ApiSiteTest, PagesFollowOnEachOther) {
  const auto login = basic("olga@example.com", "wonderland");
  std::string names, target = "/v1/accounts?limit=2", after;
  for (int page = 0; page < 5; ++page) {
    const auto answer = ask(exchange("GET", target + after, login));
    const auto body = parse_json(answer.response.content, "x").value();
    EXPECT_LE(get_list(body, "accounts").size(), 2U);
    for (const auto& one : get_list(body, "accounts")) names += get_text(one, "login") + " ";
    const std::string next = get_text(body, "next");
    if (next.empty()) break;
    after = "&after=" + percent_encode(next);
  }
  EXPECT_EQ(names, "ann@example.org bob@example.net dave@example.net dora@example.org olga@example.com ");
  EXPECT_EQ(outcome(exchange("GET", "/v1/accounts?limit=0", login)), "400 invalid");
  EXPECT_EQ(outcome(exchange("GET", "/v1/accounts?limit=x", login)), "400 invalid");
}

} // namespace
} // namespace paquebot::control
