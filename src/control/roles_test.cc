// Every action as everybody: the table says who may, and nobody else gets through.
#include "base/text.h"
#include "control/test_samples.h"

#include <algorithm>
#include <cstring>
#include <gmock/gmock.h>
#include <set>

namespace paquebot::control {
namespace {

using test::outcome_of;
using test::run_task;
using test::Samples;
using test::Side;
using test::World;

struct Somebody {
  const char* name;
  Asker asker;
};

std::vector<Somebody> everybody(World& world) {
  return {{"nobody", Asker()},
          {"ann", world.asker(world.ann)},
          {"dora", world.asker(world.dora)},
          {"olga", world.asker(world.olga)},
          {"root", root_asker("operator root (uid 0)")}};
}

/// A thing of somebody, not of everybody or of the server.
bool has_owner(const Action& action) {
  return !action.object.by.empty() && action.object.whose != Whose::server && action.object.whose != Whose::open;
}

TEST(Roles, NobodyGetsThroughWhoMayNot) {
  World world;
  Samples samples(world);
  const Asker root = root_asker("root");
  const auto before = to_text(world.ok(root, "GET", "/v1/accounts")) + to_text(world.ok(root, "GET", "/v1/aliases")) +
                      to_text(world.ok(root, "GET", "/v1/tokens")) + to_text(world.ok(root, "GET", "/v1/rights"));
  for (const Somebody& who : everybody(world)) {
    const Role role = who.asker.grants.role;
    for (const Action& action : actions()) {
      const Request request = samples.request(action, Side::org);
      const auto got = [&] { return world.call(who.asker, request.method, request.target, request.body); };
      if (action.least == Role::nobody) {
        world.clock.advance(std::chrono::minutes(10)); // failed logins are forgiven
        EXPECT_NE(got().status, 200U) << action.id << ": with words that nobody knows";
      } else if (role == Role::nobody) {
        EXPECT_EQ(outcome_of(got()), "401 login_required") << action.id;
      } else if (role < action.least || (action.object.whose == Whose::server && role < Role::operator_)) {
        EXPECT_EQ(outcome_of(got()), "403 permission") << who.name << " " << action.id;
      }
    }
  }
  EXPECT_EQ(before, to_text(world.ok(root, "GET", "/v1/accounts")) + to_text(world.ok(root, "GET", "/v1/aliases")) +
                        to_text(world.ok(root, "GET", "/v1/tokens")) + to_text(world.ok(root, "GET", "/v1/rights")))
      << "nothing was changed";
}

TEST(Roles, WhatIsForeignDoesNotExist) {
  World world;
  Samples samples(world);
  for (const Somebody& who : everybody(world)) {
    if (who.asker.grants.role == Role::nobody || who.asker.grants.serves_all()) continue;
    for (const Action& action : actions()) {
      if (!has_owner(action) || who.asker.grants.role < action.least) continue;
      const auto told = [&](Side side) {
        const Request request = samples.request(action, side);
        return world.call(who.asker, request.method, request.target, request.body);
      };
      const Response foreign = told(Side::net), missing = told(Side::nowhere);
      EXPECT_EQ(outcome_of(foreign), "404 not_found") << who.name << " " << action.id << " " << foreign.body;
      // The same words, but for the name that was asked for.
      const auto form = [](std::string text) {
        for (const char* name : {"nobody@example.edu", "bob@example.net", "example.edu", "example.net"})
          for (auto at = text.find(name); at != text.npos; at = text.find(name))
            text.replace(at, std::strlen(name), "X");
        text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return is_digit(c); }), text.end());
        return text;
      };
      EXPECT_EQ(outcome_of(missing), "404 not_found") << who.name << " " << action.id;
      if (action.object.whose == Whose::message || action.object.whose == Whose::content)
        continue; // ids differ in length
      EXPECT_EQ(form(foreign.body), form(missing.body)) << who.name << " " << action.id;
    }
  }
}

/// Nothing stood in the way of who may.
void expect_done(const char* who, const Action& action, const Response& got) {
  // What is answered so here for other reasons than rights.
  static const std::set<std::string_view> missing{
      "backup.go_on",      "upload.append",      "upload.drop",         "suspicion.clear",      "queue.show",
      "list.remove",       "right.remove",       "app_password.revoke", "dkim.retire",          "dkim.activate",
      "certificate.renew", "certificate.rotate", "second_factor.end",   "second_factor.remove", "held.release",
      "held.drop",         "message.content",    "session.end",         "export.content",       "queue.resume"};
  for (const unsigned status : {400U, 401U, 403U, 500U})
    EXPECT_NE(got.status, status) << who << " " << action.id << got.body;
  EXPECT_TRUE(got.status != 404 || missing.contains(action.id)) << who << " " << action.id << got.body;
}

/// What changes nothing is done as everybody who may, the rest as the least of them.
TEST(Roles, WhoMayDoesIt) {
  World reading;
  Samples read_samples(reading);
  for (const Action& action : actions()) {
    if (action.least == Role::nobody) continue; // web_session_test
    const Role least = action.least;
    if (action.method == "GET") {
      for (const Somebody& who : everybody(reading)) {
        if (who.asker.grants.role < least) continue;
        const Request request = read_samples.request(action, Side::org);
        expect_done(who.name, action, reading.call(who.asker, request.method, request.target, request.body));
      }
      continue;
    }
    World world;
    Samples samples(world);
    for (const Somebody& who : everybody(world)) {
      if (who.asker.grants.role != least) continue;
      const Request request = samples.request(action, Side::org);
      expect_done(who.name, action, world.call(who.asker, request.method, request.target, request.body));
    }
  }
}

TEST(Roles, TokensDoWhatTheirScopesSay) {
  World world;
  Samples samples(world);
  for (const Scope& scope : scopes()) {
    Asker token = world.asker(world.olga);
    token.scopes = {std::string(scope.name)};
    token.token = 1;
    for (const Action& action : actions()) {
      if (action.least == Role::nobody) continue; // it asks for no scope, and would be a failed login
      const Request request = samples.request(action, Side::nowhere);
      const std::string got = world.outcome(token, request.method, request.target, request.body);
      const bool allowed = action.scope.empty() || scope_has(scope.name, action.scope);
      EXPECT_EQ(got == "403 scope", !allowed) << scope.name << " " << action.id;
    }
  }
}

/// A token of an administrator's that names another domain than his reaches nothing there or elsewhere; one that names
/// his does there what he may.
TEST(Roles, TokensReachOnlyTheirDomains) {
  World world;
  Samples samples(world);
  Asker token = world.asker(world.olga); // an operator's, kept to example.org
  token.token = 1;
  token.grants.role = Role::domain_admin;
  token.grants.domains = {"example.org"};
  token.grants.login.clear();
  token.grants.account = 0;
  for (const Action& action : actions()) {
    if (!has_owner(action) || action.least > Role::domain_admin) continue;
    const auto told = [&](Side side) {
      const Request request = samples.request(action, side);
      return world.outcome(token, request.method, request.target, request.body);
    };
    const std::string foreign = told(Side::net);
    EXPECT_EQ(foreign, told(Side::nowhere)) << action.id;
    if (action.gives == Gives::nothing || foreign != "403 permission") { // which no token can give
      EXPECT_EQ(foreign, "404 not_found") << action.id;
    }
  }
}

/// Of what can be changed, everything that a PATCH can change is in the ETag of the thing, and If-Match is heeded by
/// whatever changes something at its path.
TEST(Roles, WhatCanBeChangedHasAnETag) {
  const std::set<std::string> secret{"password", "hash", "rotate"}; // of which little or nothing is shown
  for (const Action& action : actions()) {
    if (action.method != "PATCH") continue;
    const auto show = std::ranges::find_if(
        actions(), [&](const Action& one) { return one.method == "GET" && one.path == action.path; });
    ASSERT_NE(show, actions().end()) << action.id << ": what it changes can't be seen at its path";
    EXPECT_FALSE(show->tagged.empty()) << show->id << " has no ETag";
    const Schema schema = Schema::parse(action.request);
    for (const SchemaField& field : schema.fields()) {
      if (field.name == "*" || secret.contains(field.name)) continue;
      EXPECT_THAT(split(show->tagged, ' '), ::testing::Contains(field.name)) << show->id;
    }
  }
}

TEST(Roles, AChangeOfWhatWasChangedMeanwhileIsRefused) {
  for (const Action& action : actions()) {
    const auto show = std::ranges::find_if(actions(), [&](const Action& one) {
      return one.method == "GET" && one.path == action.path && !one.tagged.empty();
    });
    if (action.method == "GET" || show == actions().end()) continue;
    World world;
    Samples samples(world);
    const Asker root = root_asker("root");
    const Request change = samples.request(action, Side::org);
    const std::string path = change.target.substr(0, change.target.find('?'));
    const Response seen = world.call(root, "GET", path);
    std::string tag;
    for (const auto& field : seen.fields)
      if (field.name == "ETag") tag = field.value;
    ASSERT_FALSE(tag.empty()) << show->id << seen.body;
    EXPECT_EQ(outcome_of(world.call(root, change.method, change.target, change.body, "\"another\"")), "412 changed")
        << action.id;
    EXPECT_NE(outcome_of(world.call(root, change.method, change.target, change.body, tag)), "412 changed") << action.id;
  }
  World world; // nobody who says If-Match may think that it was heeded where it is not
  EXPECT_EQ(outcome_of(world.call(root_asker("root"), "POST", "/v1/accounts/ann@example.org/password",
                                  R"({"password":"looking glass"})", "\"x\"")),
            "400 invalid");
}

/// No list without a bound: it takes a limit, or what it is about is bounded elsewhere.
TEST(Roles, ListsComeInPages) {
  const std::set<std::string_view> bounded{
      "certificate.list", // as many as the configuration names
      "dkim.list",        // of one domain a few, of all as many as there are domains, each once in a page of theirs
      "report.dmarc_summary", "report.tls_summary", // of one page of domains
  };
  for (const Action& action : actions()) {
    if (action.method != "GET" || action.list.empty() || bounded.contains(action.id)) continue;
    const Schema query = Schema::parse(action.query);
    EXPECT_TRUE(is_paged(action) || (query.find("limit") != nullptr && query.find("after") != nullptr)) << action.id;
    EXPECT_NE(Schema::parse(action.answer).find("next"), nullptr) << action.id;
  }
}

TEST(Roles, ListsHoldOnlyWhatIsWithinReach) {
  World world;
  const Asker dora = world.asker(world.dora), ann = world.asker(world.ann), olga = world.asker(world.olga);
  const auto names = [&](const Asker& who, const std::string& target, const char* list, const char* member) {
    std::set<std::string> found;
    const json::value answer = world.ok(who, "GET", target);
    for (const auto& one : get_list(answer, list)) found.insert(get_text(one, member));
    return found;
  };
  using Set = std::set<std::string>;
  EXPECT_EQ(names(dora, "/v1/accounts", "accounts", "login"), (Set{"ann@example.org", "dora@example.org"}));
  EXPECT_EQ(names(dora, "/v1/domains", "domains", "name"), (Set{"example.org"}));
  EXPECT_EQ(names(dora, "/v1/aliases", "aliases", "address"), (Set{"team@example.org"}));
  EXPECT_EQ(names(dora, "/v1/rights", "rights", "login"), (Set{"dora@example.org"}));
  EXPECT_EQ(names(olga, "/v1/accounts", "accounts", "login").size(), 5U);
  EXPECT_EQ(names(ann, "/v1/queue", "messages", "id"), (Set{world.anns_mail}));
  EXPECT_EQ(names(dora, "/v1/queue", "messages", "id"), (Set{world.anns_mail}));
  EXPECT_EQ(names(olga, "/v1/queue", "messages", "id"), (Set{world.anns_mail, world.bobs_mail}));
  // An alias of a domain goes with it.
  ASSERT_TRUE(run_task(world.server.store().directory().add_alias_domain("alias.example", "example.org")));
  EXPECT_EQ(names(world.asker(world.dora), "/v1/domains", "domains", "name"), (Set{"alias.example", "example.org"}));
}

/// An operator with an account of his own says which he means.
TEST(Roles, TheServersSuppressionsAreAnOperators) {
  World world;
  const Asker olga = world.asker(world.olga), dora = world.asker(world.dora), ann = world.asker(world.ann);
  const auto add = [&](const Asker& who, const std::string& address) {
    return world.outcome(who, "POST", "/v1/suppressions", R"({"of":"*","address":")" + address + "\"}");
  };
  EXPECT_EQ(add(olga, "x@far.example"), "200");
  EXPECT_EQ(add(olga, "x@far.example"), "409 conflict");
  EXPECT_EQ(world.outcome(olga, "POST", "/v1/suppressions", R"({"address":"y@far.example"})"), "200");
  EXPECT_EQ(add(dora, "z@far.example"), "403 permission");
  EXPECT_EQ(add(ann, "z@far.example"), "403 permission");
  EXPECT_EQ(world.outcome(dora, "GET", "/v1/suppressions?of=*"), "403 permission");
  const json::value servers = world.ok(olga, "GET", "/v1/suppressions?of=*");
  ASSERT_EQ(get_list(servers, "suppressions").size(), 1U);
  EXPECT_EQ(get_text(get_list(servers, "suppressions")[0], "scope"), "server");
  EXPECT_EQ(get_text(get_list(servers, "suppressions")[0], "address"), "x@far.example");
  const json::value own = world.ok(olga, "GET", "/v1/suppressions?of=" + world.olga.login);
  EXPECT_EQ(get_list(own, "suppressions").size(), 1U) << "what says nothing is of his own account";
}

TEST(Roles, HeldMailIsSeenByWhoSentIt) {
  World world;
  ASSERT_EQ(world.outcome(world.asker(world.olga), "POST", "/v1/queue/hold", R"({"destination":"far.example"})"),
            "200");
  const auto held = [&](const store::Account& account) {
    const json::value answer = world.ok(world.asker(account), "GET", "/v1/queue?held=1");
    return get_list(answer, "messages").size();
  };
  EXPECT_EQ(held(world.ann), 1U);
  EXPECT_EQ(held(world.bob), 1U);
  EXPECT_EQ(held(world.dora), 1U);
  EXPECT_EQ(held(world.olga), 2U);
}

TEST(Roles, WhoGotAMessageSeesNothingOfTheOthersWhoDid) {
  World world;
  const Asker ann = world.asker(world.ann), bob = world.asker(world.bob);
  const auto sent = world.ok(ann, "GET", "/v1/messages/" + world.anns_mail);
  EXPECT_EQ(get_list(sent, "recipients").size(), 2U);
  const auto got = world.call(bob, "GET", "/v1/messages/" + world.anns_mail);
  ASSERT_EQ(got.status, 200U);
  EXPECT_THAT(got.body, ::testing::HasSubstr("bob@example.net"));
  EXPECT_THAT(got.body, ::testing::Not(::testing::HasSubstr("far.example")));
  const auto found = world.call(bob, "GET", "/v1/messages?address=ann@example.org");
  EXPECT_THAT(found.body, ::testing::HasSubstr(world.anns_mail));
  EXPECT_THAT(found.body, ::testing::Not(::testing::HasSubstr("far.example")));
  EXPECT_EQ(get_list(world.ok(bob, "GET", "/v1/messages?address=dave@example.net"), "messages").size(), 1U);
  EXPECT_EQ(get_list(world.ok(ann, "GET", "/v1/messages?address=dave@example.net"), "messages").size(), 0U);
}

TEST(Roles, NobodyActsOnSomebodyWithMoreGrants) {
  World world;
  // An operator whose account is in a domain that dora looks after, and another administrator of more.
  const store::Account chief = world.account("chief@example.org");
  const store::Account more = world.account("more@example.org");
  ASSERT_TRUE(run_task(world.server.store().rights().grant(chief.id, "")));
  ASSERT_TRUE(run_task(world.server.store().rights().grant(more.id, "example.org")));
  ASSERT_TRUE(run_task(world.server.store().rights().grant(more.id, "example.net")));
  const Asker dora = world.asker(world.dora);
  const std::string password = R"({"password":"looking glass"})";
  for (const std::string login : {"chief@example.org", "more@example.org"}) {
    EXPECT_EQ(world.outcome(dora, "GET", "/v1/accounts/" + login), "200");
    for (const std::string path : {"/password", "/app-passwords"})
      EXPECT_EQ(world.outcome(dora, "POST", "/v1/accounts/" + login + path,
                              path == "/password" ? password : R"({"label":"x"})"),
                "403 permission");
    EXPECT_EQ(world.outcome(dora, "PATCH", "/v1/accounts/" + login, R"({"disabled":true})"), "403 permission");
    EXPECT_EQ(world.outcome(dora, "DELETE", "/v1/accounts/" + login), "403 permission");
    EXPECT_EQ(world.outcome(dora, "POST", "/v1/tokens",
                            R"({"label":"x","scopes":["server.write"],"login":")" + login + "\"}"),
              "403 permission");
  }
  EXPECT_EQ(world.outcome(dora, "POST", "/v1/accounts/dora@example.org/password", password), "200") << "her own";
  EXPECT_EQ(world.outcome(world.asker(more), "PATCH", "/v1/accounts/dora@example.org", R"({"quota":7})"), "200");
}

TEST(Roles, NobodyGivesMoreThanHeHas) {
  World world;
  const Asker dora = world.asker(world.dora), olga = world.asker(world.olga);
  const auto give = [&](const Asker& who, const std::string& login, const std::string& what) {
    return world.outcome(who, "POST", "/v1/rights", R"({"login":")" + login + "\"," + what + "}");
  };
  EXPECT_EQ(give(dora, "ann@example.org", R"("operator":true)"), "403 permission");
  EXPECT_EQ(give(dora, "ann@example.org", R"("domain":"example.net")"), "404 not_found");
  EXPECT_EQ(give(dora, "bob@example.net", R"("domain":"example.org")"), "404 not_found");
  EXPECT_EQ(give(dora, "ann@example.org", R"("domain":"example.org")"), "200");
  EXPECT_EQ(give(olga, "ann@example.org", R"("operator":true)"), "200");
  EXPECT_EQ(world.outcome(dora, "DELETE", "/v1/rights/ann@example.org?domain=example.org"), "403 permission");
  Asker token = olga;
  token.token = 1;
  token.scopes = {"rights.write", "accounts.write"};
  EXPECT_EQ(give(token, "bob@example.net", R"("operator":true)"), "403 permission");
  EXPECT_EQ(world.outcome(token, "POST", "/v1/tokens", R"({"label":"x","scopes":["server.write"]})"), "403 permission");
  const std::string password = R"({"password":"looking glass"})";
  EXPECT_EQ(world.outcome(token, "POST", "/v1/accounts/olga@example.com/password", password), "403 permission");
  EXPECT_EQ(world.outcome(token, "PATCH", "/v1/accounts/dora@example.org", password), "403 permission");
  EXPECT_EQ(world.outcome(token, "PATCH", "/v1/accounts/dora@example.org", R"({"quota":7})"), "200");
  EXPECT_EQ(world.outcome(token, "POST", "/v1/accounts/bob@example.net/password", password), "200");
}

} // namespace
} // namespace paquebot::control
