// Every action as everybody: the table says who may, and nobody else gets through.
#include "base/text.h"
#include "control/test_world.h"
#include "control/token.h"

#include <algorithm>
#include <cstring>
#include <gmock/gmock.h>
#include <set>

namespace paquebot::control {
namespace {

using test::outcome_of;
using test::run_task;
using test::World;

/// Whose things a request is about.
enum class Side { org, net, nowhere };

/// Requests for every action, made from the names in its row.
class Samples {
public:
  explicit Samples(World& world) : world_(world) {
    orgs_token_ = token_of(world.ann);
    nets_token_ = token_of(world.bob);
  }

  Request request(const Action& action, Side side) {
    Request request;
    request.method = action.method;
    for (const std::string_view part : split(action.path.substr(1), '/'))
      request.target += "/" + (part.starts_with('{')
                                   ? percent_encode(value(action, std::string(part.substr(1, part.size() - 2)), side))
                                   : std::string(part));
    std::string query;
    const Schema asked = Schema::parse(action.query);
    for (const SchemaField& field : asked.fields())
      if (!field.optional || field.name == action.object.by || (action.gives == Gives::right && field.name == "domain"))
        query += (query.empty() ? "?" : "&") + field.name + "=" + percent_encode(value(action, field.name, side));
    request.target += query;
    const Schema schema = Schema::parse(action.request);
    if (schema.octets()) request.body = "Subject: x\r\n\r\n";
    json::object body;
    for (const SchemaField& field : schema.fields()) {
      const bool named = field.name == action.object.by || field.name == action.object.also;
      const bool place = action.gives == Gives::right && field.name == "domain";
      if (!field.optional || named || place) body[field.name] = sample(action, field, side);
    }
    if (action.id == "limit.change") body = {{"messages_per_hour", 5}};
    if (action.id == "account.change") body = {{"quota", 5}};
    if (action.id.starts_with("queue.") && !schema.empty()) body = {{"address", "nobody@far.example"}};
    if (!body.empty()) request.body = to_text(body);
    return request;
  }

private:
  std::string token_of(const store::Account& account) {
    store::Token token;
    token.account = account.id;
    token.label = "sample";
    token.hash = hash_of_token(make_token());
    token.scopes = {"queue.read"};
    const auto added = run_task(world_.server.store().rights().add_token(token));
    return std::to_string(added->id);
  }
  std::string domain(Side side) const {
    return side == Side::org ? "example.org" : side == Side::net ? "example.net" : "example.edu";
  }
  std::string value(const Action& action, const std::string& name, Side side) const {
    const bool org = side == Side::org, none = side == Side::nowhere;
    if (name == "login" && action.id == "account.add") return "new@" + domain(side);
    if (name == "login" || name == "account" || name == "owner")
      return (none ? "nobody@" : org ? "ann@" : "bob@") + domain(side);
    if (name == "domain") return domain(side);
    if (name == "address") return "team@" + domain(side);
    if (name == "id" && action.object.whose == Whose::token) return none ? "4711" : org ? orgs_token_ : nets_token_;
    if (name == "id") return none ? "01ARZ3NDEKTSV4RRFFQ69G5FAV" : org ? world_.anns_mail : world_.bobs_mail;
    if (name == "list") return "block";
    if (name == "what" || name == "resolver" || name == "client") return "192.0.2.1";
    if (name == "digest") return std::string(32, 'a');
    if (name == "path") return (world_.server.path() / "one.backup").string();
    if (name == "password") return action.id.starts_with("second_factor.") ? "wonderland" : "looking glass";
    if (name == "upload" || name == "backup") return "1";
    if (name == "name") return "new.example";
    return "sample";
  }
  json::value sample(const Action& action, const SchemaField& field, Side side) const {
    if (field.name == "scopes") return json::array{"queue.read"};
    if (field.name == "senders") return json::array{"anyone"};
    if (field.type == "number") return 5;
    if (field.type == "bool") return true;
    return json::string(value(action, field.name, side));
  }

  World& world_;
  std::string orgs_token_, nets_token_;
};

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
      if (action.object.whose == Whose::message) continue; // ids differ in length
      EXPECT_EQ(form(foreign.body), form(missing.body)) << who.name << " " << action.id;
    }
  }
}

TEST(Roles, WhoMayDoesIt) {
  // What is answered so here for other reasons than rights.
  const std::set<std::string_view> other{
      "backup.go_on",      "upload.append",      "upload.drop",         "suspicion.clear",     "queue.show",
      "list.remove",       "right.remove",       "app_password.revoke", "dkim.retire",         "dkim.activate",
      "certificate.renew", "certificate.rotate", "second_factor.end",   "second_factor.remove"};
  for (const Action& action : actions()) {
    if (action.least == Role::nobody) continue; // web_session_test
    World world;
    Samples samples(world);
    for (const Somebody& who : everybody(world)) {
      if (who.asker.grants.role != std::max(action.least, Role::account)) continue;
      const Request request = samples.request(action, Side::org);
      const Response got = world.call(who.asker, request.method, request.target, request.body);
      EXPECT_NE(got.status, 401U) << action.id;
      EXPECT_NE(got.status, 403U) << who.name << " " << action.id << got.body;
      EXPECT_NE(got.status, 400U) << who.name << " " << action.id << got.body << request.body;
      EXPECT_NE(got.status, 500U) << who.name << " " << action.id << got.body;
      EXPECT_TRUE(got.status != 404 || other.contains(action.id)) << who.name << " " << action.id << got.body;
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
