// Logins with a browser: sessions, second factors, links, and what goes with a cookie.
#include "base/encoding.h"
#include "base/text.h"
#include "control/api_site.h"
#include "control/test_world.h"
#include "control/token.h"
#include "control/web_session.h"
#include "sasl/totp.h"

#include <gmock/gmock.h>

namespace paquebot::control {
namespace {

using test::outcome_of;
using test::run_task;
using test::World;
using ::testing::HasSubstr;
using ::testing::Not;

/// A browser: keeps its cookie, and says where its pages come from.
class Browser {
public:
  explicit Browser(World& world, bool encrypted = true)
      : site_({world.control, world.server.directory(), world.guard}), clock_(world.clock), encrypted_(encrypted) {}

  Response ask(const std::string& method, const std::string& target, const std::string& body = {}) {
    if (patient) clock_.advance(std::chrono::minutes(10)); // failures of before are forgiven, and nothing is held back
    http::Exchange exchange;
    exchange.request.method = method;
    exchange.request.target = target;
    exchange.request.host = "mx.example.org";
    exchange.request.fields = fields;
    if (!body.empty() && type != "") exchange.request.fields.push_back({"content-type", type});
    if (!cookie.empty()) exchange.request.fields.push_back({"cookie", cookie});
    exchange.content = body;
    exchange.visitor.address = address;
    exchange.visitor.encrypted = encrypted_;
    http::Answer answer = run_task(site_.answer(std::move(exchange)));
    set_cookie.clear();
    if (const std::string* set = http::find_field(answer.response.fields, "Set-Cookie")) {
      set_cookie = *set;
      cookie = set->substr(0, set->find(';'));
      if (cookie.ends_with('=')) cookie.clear();
    }
    return {answer.response.status, answer.response.content, answer.response.fields};
  }
  std::string outcome(const std::string& method, const std::string& target, const std::string& body = {}) {
    return outcome_of(ask(method, target, body));
  }
  json::value ok(const std::string& method, const std::string& target, const std::string& body = {}) {
    const Response response = ask(method, target, body);
    EXPECT_EQ(response.status, 200U) << method << " " << target << " " << response.body;
    EXPECT_EQ(test::mismatch(method, target, response), "");
    return parse_json(response.body, "x").value_or(json::value());
  }
  std::string log_in(const std::string& login, const std::string& password = "wonderland",
                     const std::string& code = {}) {
    json::object wanted{{"login", login}, {"password", password}};
    if (!code.empty()) wanted["code"] = code;
    return outcome("POST", "/v1/session", to_text(wanted));
  }
  std::string me() { return outcome("GET", "/v1/me"); }

  http::Fields fields = {{"sec-fetch-site", "same-origin"}};
  std::string type = "application/json", cookie, set_cookie, address = "198.51.100.7";
  bool patient = true;

private:
  ApiSite site_;
  FakeClock& clock_;
  bool encrypted_;
};

class WebSessionTest : public ::testing::Test {
protected:
  /// The code that ann's telephone shows, of a step so many away from now.
  std::string code(store::Id account, int step = 0) {
    const auto factor = run_task(world.server.store().access().get_factor(account));
    if (!factor) return "";
    return sasl::totp_code(factor->secret, sasl::totp_step(millis(system_clock().wall()) / 1000) + step);
  }
  json::value link(const std::string& path, const std::string& body = "{}") {
    return world.ok(root_asker("root"), "POST", path, body);
  }
  static std::string secret_of(const json::value& made) {
    const std::string url = get_text(made, "url");
    return url.substr(url.find('#') + 1);
  }
  std::string audit() {
    std::string all;
    const json::value answer = world.ok(world.asker(world.olga), "GET", "/v1/audit");
    for (const auto& one : get_list(answer, "entries"))
      all += get_text(one, "who") + ":" + get_text(one, "action") + " ";
    return all;
  }

  World world;
  Browser browser{world};
};

TEST_F(WebSessionTest, APasswordBeginsASessionAndItIsOver) {
  EXPECT_EQ(browser.me(), "401 login_required");
  EXPECT_EQ(browser.log_in("ann@example.org", "wrong"), "401 wrong_login");
  EXPECT_EQ(browser.log_in("nobody@example.org"), "401 wrong_login");
  EXPECT_EQ(browser.cookie, "");
  EXPECT_EQ(browser.log_in("Ann@Example.org"), "200");
  EXPECT_THAT(browser.set_cookie, ::testing::MatchesRegex("__Host-paquebot=[a-z0-9]+; Path=/; HttpOnly; "
                                                          "SameSite=Strict; Secure"));
  const json::value me = browser.ok("GET", "/v1/me");
  EXPECT_EQ(get_text(me, "login"), "ann@example.org");
  EXPECT_EQ(get_text(me, "role"), "account");
  EXPECT_TRUE(get_bool(me, "session"));
  EXPECT_EQ(browser.outcome("GET", "/v1/accounts/bob@example.net"), "404 not_found");
  const std::string stolen = browser.cookie;
  EXPECT_EQ(browser.outcome("DELETE", "/v1/session"), "200");
  EXPECT_THAT(browser.set_cookie, HasSubstr("Max-Age=0"));
  EXPECT_EQ(browser.me(), "401 login_required");
  browser.cookie = stolen;
  EXPECT_EQ(browser.me(), "401 login_required") << "a cookie that was stolen is worth nothing after the logout";
  EXPECT_EQ(browser.log_in("ann@example.org"), "200") << "and keeps nobody out";
  EXPECT_THAT(audit(), HasSubstr("ann@example.org:session.open ann@example.org:session.close "
                                 "ann@example.org:session.open "));
  const std::string secret = browser.cookie.substr(browser.cookie.find('=') + 1);
  EXPECT_TRUE(run_task(world.server.store().access().find_session(hash_of_token(secret))));
  EXPECT_FALSE(run_task(world.server.store().access().find_session(secret))) << "only its hash is kept";
}

TEST_F(WebSessionTest, ACookieOfSomebodyElsesIsNotGoneOnWith) {
  Browser evil(world);
  ASSERT_EQ(evil.log_in("bob@example.net"), "200");
  browser.cookie = evil.cookie; // fixed before the victim logs in
  ASSERT_EQ(browser.log_in("ann@example.org"), "200");
  EXPECT_NE(browser.cookie, evil.cookie);
  EXPECT_EQ(evil.me(), "401 login_required") << "that session is over";
  EXPECT_EQ(get_text(browser.ok("GET", "/v1/me"), "login"), "ann@example.org");
  browser.cookie = "__Host-paquebot=" + std::string(32, 'a');
  EXPECT_EQ(browser.me(), "401 login_required") << "one that the server never gave";
  ASSERT_EQ(browser.log_in("ann@example.org"), "200");
  EXPECT_NE(browser.cookie, "__Host-paquebot=" + std::string(32, 'a'));
}

TEST_F(WebSessionTest, ASessionEndsWithPasswordAccountAndTime) {
  const Asker root = root_asker("root");
  ASSERT_EQ(browser.log_in("ann@example.org"), "200");
  world.ok(root, "PATCH", "/v1/accounts/ann@example.org", R"({"quota":5000})");
  EXPECT_EQ(browser.me(), "200");
  world.ok(root, "POST", "/v1/accounts/ann@example.org/password", R"({"password":"looking glass"})");
  EXPECT_EQ(browser.me(), "401 login_required");
  ASSERT_EQ(browser.log_in("ann@example.org", "looking glass"), "200");
  world.ok(root, "PATCH", "/v1/accounts/ann@example.org", R"({"disabled":true})");
  EXPECT_EQ(browser.me(), "401 login_required");
  world.ok(root, "PATCH", "/v1/accounts/ann@example.org", R"({"disabled":false})");
  ASSERT_EQ(browser.log_in("ann@example.org", "looking glass"), "200");
  world.ok(root, "DELETE", "/v1/accounts/ann@example.org");
  EXPECT_EQ(browser.me(), "401 login_required");
  // One that was not used for twelve hours.
  store::WebSession old;
  old.hash = hash_of_token(std::string(32, 'o'));
  old.account = world.bob.id;
  old.created = millis(system_clock().wall()) - store::kSessionIdle + 60'000;
  ASSERT_TRUE(run_task(world.server.store().access().add_session(old)));
  browser.cookie = "__Host-paquebot=" + std::string(32, 'o');
  EXPECT_EQ(browser.me(), "200");
  old.hash = hash_of_token(std::string(32, 'p'));
  old.created -= 60'000;
  ASSERT_TRUE(run_task(world.server.store().access().add_session(old)));
  browser.cookie = "__Host-paquebot=" + std::string(32, 'p');
  EXPECT_EQ(browser.me(), "401 login_required");
}

TEST_F(WebSessionTest, OnesOwnSessionsAreListedAndEnded) {
  Browser second(world), third(world), other(world);
  second.address = "203.0.113.5";
  ASSERT_EQ(browser.log_in("ann@example.org"), "200");
  ASSERT_EQ(second.log_in("ann@example.org"), "200");
  ASSERT_EQ(third.log_in("ann@example.org"), "200");
  ASSERT_EQ(other.log_in("bob@example.net"), "200");
  store::WebSession old;
  old.hash = hash_of_token(std::string(32, 'p'));
  old.account = world.ann.id;
  old.created = millis(system_clock().wall()) - store::kSessionIdle;
  ASSERT_TRUE(run_task(world.server.store().access().add_session(old)));
  const auto sessions = [](Browser& one) {
    const json::value answer = one.ok("GET", "/v1/me/sessions");
    return get_list(answer, "sessions");
  };
  const json::array all = sessions(browser);
  ASSERT_EQ(all.size(), 3U) << "not what is over";
  std::string seconds;
  int current = 0;
  for (const auto& one : all) {
    current += get_bool(one, "current") ? 1 : 0;
    if (get_text(one, "from") == "203.0.113.5") seconds = get_text(one, "id");
    EXPECT_EQ(get_text(one, "id").size(), 16U);
    EXPECT_NE(get_time(one, "used"), 0);
  }
  EXPECT_EQ(current, 1);
  const std::string bobs = get_text(sessions(other).at(0), "id");
  EXPECT_EQ(browser.outcome("DELETE", "/v1/me/sessions/" + bobs), "404 not_found") << "it is another's";
  EXPECT_EQ(browser.outcome("DELETE", "/v1/me/sessions/x"), "404 not_found");
  EXPECT_EQ(other.me(), "200");
  browser.ok("DELETE", "/v1/me/sessions/" + seconds);
  EXPECT_EQ(second.me(), "401 login_required");
  EXPECT_EQ(get_number(browser.ok("DELETE", "/v1/me/sessions"), "ended"), 2) << "the one that was over, too";
  EXPECT_EQ(third.me(), "401 login_required");
  EXPECT_EQ(browser.me(), "200");
  EXPECT_EQ(sessions(browser).size(), 1U);
  browser.ok("DELETE", "/v1/me/sessions/" + get_text(sessions(browser).at(0), "id"));
  EXPECT_THAT(browser.set_cookie, HasSubstr("Max-Age=0"));
  EXPECT_EQ(browser.me(), "401 login_required");
  EXPECT_EQ(other.me(), "200");
}

TEST_F(WebSessionTest, SessionsAreEndedByWhoLooksAfterTheAccount) {
  Browser mine(world);
  ASSERT_EQ(browser.log_in("ann@example.org"), "200");
  ASSERT_EQ(mine.log_in("olga@example.com"), "200");
  EXPECT_EQ(world.outcome(world.asker(world.dave), "DELETE", "/v1/accounts/ann@example.org/sessions"), "404 not_found");
  EXPECT_EQ(world.outcome(world.asker(world.ann), "DELETE", "/v1/accounts/ann@example.org/sessions"), "403 permission");
  EXPECT_EQ(browser.me(), "200");
  EXPECT_EQ(get_number(world.ok(world.asker(world.dora), "DELETE", "/v1/accounts/ann@example.org/sessions"), "ended"),
            1);
  EXPECT_EQ(browser.me(), "401 login_required");
  EXPECT_EQ(mine.me(), "200");
  mine.ok("DELETE", "/v1/accounts/olga@example.com/sessions");
  EXPECT_THAT(mine.set_cookie, HasSubstr("Max-Age=0"));
  EXPECT_EQ(mine.me(), "401 login_required");
}

TEST_F(WebSessionTest, RootSeesTheSessionsOfItsLinksAndTokensSeeNone) {
  ASSERT_EQ(browser.outcome("POST", "/v1/session/link",
                            to_text(json::object{{"token", secret_of(link("/v1/console/link"))}})),
            "200");
  const Asker root = root_asker("root");
  EXPECT_EQ(get_list(world.ok(root, "GET", "/v1/me/sessions"), "sessions").size(), 1U);
  Asker token = root;
  token.token = 1;
  token.scopes = {"server.write"};
  EXPECT_EQ(world.outcome(token, "GET", "/v1/me/sessions"), "403 permission");
  EXPECT_EQ(world.outcome(token, "DELETE", "/v1/me/sessions"), "403 permission");
  EXPECT_EQ(browser.me(), "200");
  EXPECT_EQ(get_number(world.ok(root, "DELETE", "/v1/me/sessions"), "ended"), 1);
  EXPECT_EQ(browser.me(), "401 login_required");
}

TEST_F(WebSessionTest, WhoChangesHisOwnPasswordStaysIn) {
  Browser other(world);
  ASSERT_EQ(browser.log_in("ann@example.org"), "200");
  ASSERT_EQ(other.log_in("ann@example.org"), "200");
  const std::string before = browser.cookie;
  browser.ok("POST", "/v1/accounts/ann@example.org/password", R"({"password":"looking glass"})");
  EXPECT_NE(browser.cookie, before);
  EXPECT_EQ(browser.me(), "200");
  EXPECT_EQ(other.me(), "401 login_required");
}

TEST_F(WebSessionTest, RightsAreThoseOfNow) {
  ASSERT_EQ(browser.log_in("dora@example.org"), "200");
  EXPECT_EQ(browser.outcome("GET", "/v1/accounts/ann@example.org"), "200");
  ASSERT_TRUE(run_task(world.server.store().rights().revoke(world.dora.id, "example.org")));
  EXPECT_EQ(browser.outcome("GET", "/v1/accounts/ann@example.org"), "404 not_found");
}

TEST_F(WebSessionTest, OtherSitesGetNothingByACookie) {
  ASSERT_EQ(browser.log_in("dora@example.org"), "200");
  const std::string cookie = browser.cookie;
  const auto with = [&](http::Fields fields, const std::string& method = "GET", const std::string& target = "/v1/me",
                        const std::string& body = {}) {
    browser.fields = std::move(fields);
    browser.cookie = cookie;
    return browser.outcome(method, target, body);
  };
  EXPECT_EQ(with({{"sec-fetch-site", "same-origin"}}), "200");
  EXPECT_EQ(with({{"origin", "https://mx.example.org"}}), "200") << "a browser without Fetch Metadata";
  EXPECT_EQ(with({}), "403 cross_site") << "a cookie comes from browsers, and those say where from";
  for (const char* site : {"cross-site", "same-site", "none", "odd"})
    EXPECT_EQ(with({{"sec-fetch-site", site}}), "403 cross_site") << site;
  for (const char* origin : {"https://evil.example", "http://mx.example.org", "https://mx.example.org:444", "null"})
    EXPECT_EQ(with({{"origin", origin}}), "403 cross_site") << origin;
  EXPECT_EQ(with({{"sec-fetch-site", "cross-site"}, {"origin", "https://mx.example.org"}}), "403 cross_site");
  // What a form can send.
  const std::string wish = R"({"password":"looking glass"})", path = "/v1/accounts/ann@example.org/password";
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""}) {
    browser.type = type;
    EXPECT_EQ(with({{"sec-fetch-site", "same-origin"}}, "POST", path, wish), "415 content_type") << type;
  }
  browser.type = "Application/JSON; charset=utf-8";
  EXPECT_EQ(with({{"sec-fetch-site", "same-origin"}}, "POST", path, wish), "200");
}

TEST_F(WebSessionTest, ALoginCannotBeForgedEither) {
  browser.fields = {{"sec-fetch-site", "cross-site"}};
  EXPECT_EQ(browser.log_in("ann@example.org"), "403 cross_site");
  browser.fields = {{"sec-fetch-site", "same-origin"}};
  browser.type = "text/plain";
  EXPECT_EQ(browser.log_in("ann@example.org"), "415 content_type");
  EXPECT_EQ(browser.cookie, "");
}

TEST_F(WebSessionTest, InClearOnlyOnThisMachine) {
  Browser clear(world, false);
  EXPECT_EQ(clear.log_in("ann@example.org"), "403 tls_required");
  clear.address = "127.0.0.1";
  EXPECT_EQ(clear.log_in("ann@example.org"), "200");
  EXPECT_THAT(clear.set_cookie, ::testing::MatchesRegex("paquebot=[a-z0-9]+; Path=/; HttpOnly; SameSite=Strict"));
  EXPECT_EQ(clear.me(), "200");
  clear.address = "198.51.100.7";
  EXPECT_EQ(clear.me(), "401 login_required");
  clear.address = "127.0.0.1";
  clear.cookie = "__Host-" + clear.cookie;
  EXPECT_EQ(clear.me(), "401 login_required") << "the name belongs to https";
  browser.cookie = clear.cookie.substr(std::string("__Host-").size());
  EXPECT_EQ(browser.me(), "401 login_required") << "and the other one does not";
}

TEST_F(WebSessionTest, ABrowserIsNotToldOfBasic) {
  const Response refused = browser.ask("GET", "/v1/me");
  EXPECT_EQ(*http::find_field(refused.fields, "WWW-Authenticate"), "Bearer");
  browser.fields.clear();
  EXPECT_THAT(*http::find_field(browser.ask("GET", "/v1/me").fields, "WWW-Authenticate"), HasSubstr("Basic"));
}

TEST_F(WebSessionTest, GuessesAreCountedWithThoseOfMail) {
  browser.patient = false;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(world.guard.begin("198.51.100.7", "").count(), 0);
    world.guard.failed("198.51.100.7", "", "smtp");
  }
  EXPECT_EQ(browser.log_in("ann@example.org"), "429 slow_down");
  EXPECT_EQ(browser.outcome("POST", "/v1/session/link", R"({"token":"x"})"), "429 slow_down");
  EXPECT_EQ(browser.outcome("POST", "/v1/session/reset", R"({"token":"x","password":"looking glass"})"),
            "429 slow_down");
  browser.address = "192.0.2.9";
  EXPECT_EQ(browser.log_in("ann@example.org"), "200");
}

TEST_F(WebSessionTest, ASecondFactorIsAskedFor) {
  Browser other(world);
  ASSERT_EQ(browser.log_in("ann@example.org"), "200");
  ASSERT_EQ(other.log_in("ann@example.org"), "200");
  EXPECT_EQ(browser.outcome("POST", "/v1/me/totp/confirm", R"({"code":"123456"})"), "409 conflict");
  EXPECT_EQ(browser.outcome("POST", "/v1/me/totp", R"({"password":"wrong"})"), "403 wrong_password");
  const json::value begun = browser.ok("POST", "/v1/me/totp", R"({"password":"wonderland"})");
  EXPECT_EQ(get_text(begun, "secret").size(), 32U);
  EXPECT_THAT(get_text(begun, "uri"), HasSubstr("otpauth://totp/mx.example.org:ann@example.org?secret="));
  EXPECT_EQ(browser.outcome("POST", "/v1/me/totp/confirm", R"({"code":"12345"})"), "400 invalid");
  EXPECT_FALSE(get_bool(browser.ok("GET", "/v1/me"), "totp"));
  const std::string first = code(world.ann.id);
  const json::value done = browser.ok("POST", "/v1/me/totp/confirm", R"({"code":")" + first + "\"}");
  ASSERT_EQ(get_list(done, "recovery").size(), 10U);
  EXPECT_TRUE(get_bool(browser.ok("GET", "/v1/me"), "totp"));
  EXPECT_EQ(get_number(browser.ok("GET", "/v1/me"), "recovery_codes"), 10);
  EXPECT_TRUE(get_bool(world.ok(root_asker("root"), "GET", "/v1/accounts/ann@example.org"), "second_factor"));
  EXPECT_EQ(other.me(), "401 login_required") << "it was begun with the password alone";
  EXPECT_EQ(browser.outcome("POST", "/v1/me/totp", R"({"password":"wonderland"})"), "409 conflict");

  EXPECT_EQ(other.log_in("ann@example.org"), "401 second_factor");
  EXPECT_EQ(other.log_in("ann@example.org", "wrong", code(world.ann.id, 1)), "401 wrong_login");
  EXPECT_EQ(other.log_in("ann@example.org", "wonderland", first), "401 wrong_code") << "that one was used";
  const std::string next = code(world.ann.id, 1);
  EXPECT_EQ(other.log_in("ann@example.org", "wonderland", next), "200");
  EXPECT_EQ(other.log_in("ann@example.org", "wonderland", next), "401 wrong_code") << "a replay";
  std::string recovery(get_list(done, "recovery").at(3).as_string());
  EXPECT_EQ(other.log_in("ann@example.org", "wonderland", " " + to_lower(recovery)), "200");
  EXPECT_EQ(other.log_in("ann@example.org", "wonderland", recovery), "401 wrong_code");
  // The password alone is worth nothing over the API either.
  Browser program(world);
  program.fields = {{"authorization", "Basic " + base64_encode("ann@example.org:wonderland")}};
  EXPECT_EQ(program.me(), "401 second_factor");
  browser.ok("DELETE", "/v1/me/totp", R"({"password":"wonderland"})");
  EXPECT_EQ(other.log_in("ann@example.org"), "200");
  EXPECT_EQ(program.me(), "200");
}

TEST_F(WebSessionTest, WhoHasLostItsSecondFactorAsksTheAdministrator) {
  ASSERT_TRUE(run_task(world.server.store().access().begin_factor(world.ann.id, "secret")));
  ASSERT_TRUE(run_task(world.server.store().access().confirm_factor(world.ann.id, "secret", 1, {})));
  ASSERT_TRUE(run_task(world.server.store().access().begin_factor(world.olga.id, "secret")));
  ASSERT_TRUE(run_task(world.server.store().access().confirm_factor(world.olga.id, "secret", 1, {})));
  const Asker ann = world.asker(world.ann), dora = world.asker(world.dora);
  EXPECT_EQ(world.outcome(ann, "DELETE", "/v1/accounts/ann@example.org/totp"), "403 permission");
  EXPECT_EQ(world.outcome(dora, "DELETE", "/v1/accounts/olga@example.com/totp"), "404 not_found");
  Asker token = dora;
  token.token = 1;
  token.scopes = {"accounts.write"};
  EXPECT_EQ(world.outcome(token, "DELETE", "/v1/accounts/ann@example.org/totp"), "403 permission");
  EXPECT_EQ(world.outcome(dora, "DELETE", "/v1/accounts/ann@example.org/totp"), "200");
  EXPECT_EQ(browser.log_in("ann@example.org"), "200");
  EXPECT_EQ(world.outcome(root_asker("root"), "DELETE", "/v1/accounts/olga@example.com/totp"), "200");
}

TEST_F(WebSessionTest, TheFirstWayInIsALinkOfRoots) {
  for (const auto& who : {world.ann, world.dora, world.olga})
    EXPECT_EQ(world.outcome(world.asker(who), "POST", "/v1/console/link", "{}"), "403 permission") << who.login;
  const json::value made = link("/v1/console/link");
  EXPECT_THAT(get_text(made, "url"), ::testing::StartsWith("https://mx.example.org/console/link#"));
  const std::string use = R"({"token":")" + secret_of(made) + "\"}";
  EXPECT_EQ(browser.outcome("GET", "/v1/session/link"), "405 unsupported") << "whoever looks at it uses nothing up";
  const json::value me = browser.ok("POST", "/v1/session/link", use);
  EXPECT_EQ(get_text(me, "role"), "operator");
  EXPECT_EQ(get_text(me, "login"), "");
  EXPECT_EQ(browser.outcome("GET", "/v1/accounts"), "200");
  Browser other(world);
  EXPECT_EQ(other.outcome("POST", "/v1/session/link", use), "404 link_used");
  EXPECT_EQ(other.outcome("POST", "/v1/session/link", R"({"token":""})"), "404 link_used");
  EXPECT_EQ(browser.outcome("POST", "/v1/console/link", "{}"), "403 permission") << "a session is not root";
  EXPECT_EQ(browser.outcome("POST", "/v1/me/totp", R"({"password":"x"})"), "400 invalid") << "nobody's account";
  // A newer link takes an older one's place, and one may be for an account.
  const json::value older = link("/v1/console/link", R"({"login":"ann@example.org"})");
  const json::value newer = link("/v1/console/link", R"({"login":"ann@example.org"})");
  EXPECT_EQ(other.outcome("POST", "/v1/session/link", R"({"token":")" + secret_of(older) + "\"}"), "404 link_used");
  EXPECT_EQ(get_text(other.ok("POST", "/v1/session/link", R"({"token":")" + secret_of(newer) + "\"}"), "login"),
            "ann@example.org");
  EXPECT_THAT(audit(), HasSubstr("operator by link:session.link"));
  EXPECT_THAT(to_text(world.ok(root_asker("root"), "GET", "/v1/audit")), Not(HasSubstr(secret_of(newer))));
}

TEST_F(WebSessionTest, ALostPasswordIsSetByALink) {
  const Asker dora = world.asker(world.dora);
  EXPECT_EQ(world.outcome(world.asker(world.ann), "POST", "/v1/accounts/ann@example.org/reset-link"), "403 permission");
  EXPECT_EQ(world.outcome(dora, "POST", "/v1/accounts/bob@example.net/reset-link"), "404 not_found");
  const store::Account chief = world.account("chief@example.org");
  ASSERT_TRUE(run_task(world.server.store().rights().grant(chief.id, "")));
  EXPECT_EQ(world.outcome(dora, "POST", "/v1/accounts/chief@example.org/reset-link"), "403 permission");
  Asker token = world.asker(world.olga);
  token.token = 1;
  token.scopes = {"accounts.write"};
  EXPECT_EQ(world.outcome(token, "POST", "/v1/accounts/dora@example.org/reset-link"), "403 permission");
  EXPECT_EQ(world.outcome(token, "POST", "/v1/accounts/ann@example.org/reset-link"), "200");
  ASSERT_EQ(browser.log_in("ann@example.org"), "200");
  const json::value made = world.ok(dora, "POST", "/v1/accounts/ann@example.org/reset-link");
  EXPECT_THAT(get_text(made, "url"), ::testing::StartsWith("https://mx.example.org/console/reset#"));
  const std::string secret = secret_of(made);
  const auto reset = [&](const std::string& shown, const std::string& password) {
    Browser owner(world);
    return owner.outcome("POST", "/v1/session/reset", to_text(json::object{{"token", shown}, {"password", password}}));
  };
  EXPECT_EQ(reset(std::string(32, 'a'), "looking glass"), "404 link_used");
  EXPECT_EQ(reset(secret, "short"), "400 invalid") << "it works still";
  EXPECT_EQ(browser.me(), "200");
  EXPECT_EQ(reset(secret, "looking glass"), "200");
  EXPECT_EQ(browser.me(), "401 login_required") << "its sessions are over";
  EXPECT_EQ(reset(secret, "another one"), "404 link_used");
  EXPECT_EQ(browser.log_in("ann@example.org", "looking glass"), "200");
  EXPECT_EQ(browser.outcome("POST", "/v1/session/link", R"({"token":")" + secret + "\"}"), "404 link_used");
  EXPECT_THAT(audit(), HasSubstr("ann@example.org:session.reset dora@example.org:account.reset_link"));
  // A reset link goes when the password is set otherwise.
  const std::string unused = secret_of(world.ok(dora, "POST", "/v1/accounts/ann@example.org/reset-link"));
  world.ok(dora, "POST", "/v1/accounts/ann@example.org/password", R"({"password":"third time"})");
  EXPECT_EQ(reset(unused, "looking glass"), "404 link_used");
}

TEST_F(WebSessionTest, OddContentIsRefused) {
  ASSERT_EQ(browser.log_in("ann@example.org"), "200");
  const std::string path = "/v1/accounts/ann@example.org/password";
  EXPECT_EQ(browser.outcome("POST", path, R"({"password":"looking glass","password":"mirror mirror"})"), "400 invalid");
  EXPECT_EQ(browser.outcome("POST", path, R"({"password":"looking glass","pass\u0077ord":"mirror mirror"})"),
            "400 invalid")
      << "the same, written otherwise";
  EXPECT_EQ(browser.outcome("POST", path, R"({"password":"looking glass","login":"bob@example.net"})"), "400 invalid");
  EXPECT_EQ(browser.outcome("POST", path, R"({"password":["looking glass"]})"), "400 invalid");
  EXPECT_EQ(browser.outcome("POST", path, R"([{"password":"looking glass"}])"), "400 invalid");
  EXPECT_EQ(browser.outcome("POST", path, R"({"password":"looking glass"}{})"), "400 invalid");
  std::string deep = R"({"password":)";
  for (int i = 0; i < 10'000; ++i) deep += '[';
  EXPECT_EQ(browser.outcome("POST", path, deep), "400 invalid");
  EXPECT_EQ(browser.log_in("ann@example.org"), "200") << "nothing was changed";
}

TEST_F(WebSessionTest, TheAuditLogSaysWhoDidWhatAndIsForOperators) {
  const Asker dora = world.asker(world.dora), olga = world.asker(world.olga);
  world.ok(dora, "POST", "/v1/accounts", R"({"login":"new@example.org","password":"looking glass"})");
  EXPECT_EQ(world.outcome(dora, "DELETE", "/v1/accounts/bob@example.net"), "404 not_found");
  EXPECT_EQ(world.outcome(dora, "GET", "/v1/audit"), "403 permission");
  EXPECT_EQ(world.outcome(world.asker(world.ann), "GET", "/v1/audit"), "403 permission");
  const json::value all = world.ok(olga, "GET", "/v1/audit");
  ASSERT_EQ(get_list(all, "entries").size(), 2U);
  const json::value& made = get_list(all, "entries").at(1);
  EXPECT_EQ(get_text(made, "who"), "dora@example.org");
  EXPECT_EQ(get_text(made, "role"), "domain administrator");
  EXPECT_EQ(get_text(made, "from"), "192.0.2.1");
  EXPECT_EQ(get_text(made, "action"), "account.add");
  EXPECT_EQ(get_text(made, "on"), "new@example.org");
  EXPECT_EQ(get_text(made, "result"), "done");
  EXPECT_NE(get_time(made, "time"), 0);
  EXPECT_THAT(get_text(get_list(all, "entries").at(0), "result"), HasSubstr("there is no account"));
  EXPECT_THAT(to_text(all), Not(HasSubstr("looking glass")));
  const json::value first = world.ok(olga, "GET", "/v1/audit?limit=1");
  ASSERT_EQ(get_list(first, "entries").size(), 1U);
  const json::value second = world.ok(olga, "GET", "/v1/audit?limit=1&after=" + get_text(first, "next"));
  EXPECT_EQ(get_text(get_list(second, "entries").at(0), "action"), "account.add");
  EXPECT_EQ(get_text(second, "next"), "");
  EXPECT_EQ(get_list(world.ok(olga, "GET", "/v1/audit?action=account.remove"), "entries").size(), 1U);
  EXPECT_EQ(get_list(world.ok(olga, "GET", "/v1/audit?login=new@example.org"), "entries").size(), 1U);
  EXPECT_EQ(get_list(world.ok(olga, "GET", "/v1/audit?login=ann@example.org"), "entries").size(), 0U);
  EXPECT_EQ(world.outcome(olga, "GET", "/v1/audit?after=x"), "400 invalid");
  EXPECT_EQ(world.outcome(olga, "GET", "/v1/audit?limit=0"), "400 invalid");
}

} // namespace
} // namespace paquebot::control
