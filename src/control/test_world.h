#pragma once

// For tests only: two domains with accounts of every role, mail and tokens, and a Control that checks its own answers.

#include "base/clock.h"
#include "base/fake_clock.h"
#include "control/action.h"
#include "control/control.h"
#include "control/dispatch.h"
#include "control/json.h"
#include "control/schema.h"
#include "control/target.h"
#include "directory/test_server.h"

#include <gtest/gtest.h>
#include <string>

namespace paquebot::control::test {

using directory::run_task;

/// What a 200 answer has that its action's schema does not say, or the other way round; empty: nothing.
inline std::string mismatch(const std::string& method, const std::string& target, const Response& response) {
  const auto parsed = parse_target(target);
  const auto match = parsed ? match_action(method, parsed->segments) : Match();
  if (response.status != 200 || match.action == nullptr) return {};
  const auto body = parse_json(response.body, "the answer");
  if (!body) return "no JSON";
  const std::string found = Schema::parse(match.action->answer).mismatch(*body);
  return found.empty() ? found : std::string(match.action->id) + ": " + found;
}

/// "200" or "404 not_found".
inline std::string outcome_of(const Response& response) {
  if (response.status == 200) return "200";
  const auto body = parse_json(response.body, "x");
  return std::to_string(response.status) + " " + (body ? get_text(*body, "code") : "?");
}

/// example.org with ann, and dora who looks after it; example.net with bob, and dave who looks after that; olga, who is
/// an operator. Each of the domains has an alias team, and mail that ann and bob sent.
class World {
public:
  World() : control(server.store(), server.directory(), hooks()) {
    for (const char* name : {"example.org", "example.net", "example.com"}) server.domain(name);
    ann = account("ann@example.org");
    dora = account("dora@example.org");
    bob = account("bob@example.net");
    dave = account("dave@example.net");
    olga = account("olga@example.com");
    server.alias("team", "example.org", {"ann@example.org"});
    server.alias("team", "example.net", {"bob@example.net"});
    EXPECT_TRUE(run_task(server.store().rights().grant(dora.id, "example.org")));
    EXPECT_TRUE(run_task(server.store().rights().grant(dave.id, "example.net")));
    EXPECT_TRUE(run_task(server.store().rights().grant(olga.id, "")));
    anns_mail = mail(ann, bob);
    bobs_mail = mail(bob, dave);
  }

  /// With the password "wonderland", whose hash is made once.
  store::Account account(const std::string& login) {
    static const std::string hash = directory::hash_password("wonderland").value();
    store::Account wanted;
    wanted.login = login;
    wanted.password = hash;
    return run_task(server.store().directory().add_account(std::move(wanted))).value();
  }

  Hooks hooks() {
    Hooks hooks;
    hooks.guard = &guard;
    hooks.console_url = [] { return std::string("https://mx.example.org"); };
    hooks.status = [] { return std::string(R"({"running":true,"version":"0.1.0"})"); };
    hooks.hostname = "mx.example.org";
    return hooks;
  }

  /// Somebody's message to another account here and to out@far.example.
  std::string mail(const store::Account& from, const store::Account& to) {
    auto request = std::make_shared<store::AcceptRequest>();
    request->id = ids.next();
    request->klass = store::MessageClass::submitted;
    request->account = from.id;
    const auto at = from.login.find('@');
    request->sender.reverse_path = {from.login.substr(0, at), from.login.substr(at + 1)};
    request->accepted_at = request->expires_at = millis(system_clock().wall());
    request->head = "Subject: x\r\n\r\n";
    store::NewRecipient recipient;
    recipient.address = to.login;
    recipient.handling = store::Handling::mailbox;
    recipient.account = to.id;
    request->recipients.push_back(recipient);
    recipient = {};
    recipient.address = "out@far.example";
    recipient.destination = "far.example";
    request->recipients.push_back(recipient);
    EXPECT_EQ(run_task(server.store().acceptance().accept(request)).status, store::AcceptStatus::accepted);
    return request->id.to_string();
  }

  Asker asker(const store::Account& account) {
    Desk desk;
    Context context(server.store(), server.directory(), desk);
    store::Account whose = account;
    Asker asker;
    asker.grants = run_task(grants_of(context, std::move(whose))).value();
    asker.name = account.login;
    asker.from = "192.0.2.1";
    return asker;
  }

  Response call(const Asker& who, const std::string& method, const std::string& target, const std::string& body = {},
                const std::string& if_match = {}) {
    Response response = run_task(control.handle(Request{method, target, body, "", if_match}, who));
    EXPECT_EQ(mismatch(method, target, response), "") << response.body;
    return response;
  }
  std::string outcome(const Asker& who, const std::string& method, const std::string& target,
                      const std::string& body = {}) {
    return outcome_of(call(who, method, target, body));
  }
  json::value ok(const Asker& who, const std::string& method, const std::string& target, const std::string& body = {}) {
    const auto response = call(who, method, target, body);
    EXPECT_EQ(response.status, 200U) << method << " " << target << " " << response.body;
    return parse_json(response.body, "x").value_or(json::value());
  }

  directory::TestServer server;
  UlidSource ids;
  FakeClock clock; ///< of the guard
  directory::LoginThrottle guard{clock, {.per_address = 20, .per_account = 50}};
  Control control;
  store::Account ann, dora, bob, dave, olga;
  std::string anns_mail, bobs_mail;
};

} // namespace paquebot::control::test
