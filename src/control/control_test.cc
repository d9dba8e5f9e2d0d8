#include "control/control.h"
#include "control/json.h"
#include "control/test_world.h"
#include "directory/test_server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::control {
namespace {

using directory::run_task;
using ::testing::HasSubstr;

class ControlTest : public ::testing::Test {
protected:
  ControlTest() {
    subscription = server.store().subscribe([this](const store::Change& change) {
      if (change.kind == store::Change::Kind::account_ended) ended.push_back(change.id);
      if (change.kind == store::Change::Kind::queue) ++woken;
    });
    hooks.status = [] { return std::string(R"({"running":true,"version":"0.1.0"})"); };
    hooks.reload = [this] { return reloading(); };
    control = std::make_unique<Control>(server.store(), server.directory(), hooks);
  }
  Response call(std::string method, std::string target, std::string body = {}) {
    const auto response = run_task(control->handle({method, target, std::move(body), "operator test"}));
    EXPECT_EQ(test::mismatch(method, target, response), "") << response.body;
    return response;
  }
  Task<Reloaded> reloading() { co_return reloaded; }
  /// "200" or "404 not_found".
  std::string outcome(const std::string& method, const std::string& target, const std::string& body = {}) {
    return test::outcome_of(call(method, target, body));
  }
  json::value ok(const std::string& method, const std::string& target, const std::string& body = {}) {
    const auto response = call(method, target, body);
    EXPECT_EQ(response.status, 200U) << method << " " << target << " " << response.body;
    return parse_json(response.body, "x").value_or(json::value());
  }

  directory::TestServer server;
  std::unique_ptr<store::Subscription> subscription;
  Hooks hooks;
  std::vector<store::Id> ended;
  int woken = 0;
  Reloaded reloaded;
  std::unique_ptr<Control> control;
};

TEST_F(ControlTest, Paths) {
  EXPECT_EQ(outcome("GET", "/v1/nothing"), "404 not_found");
  EXPECT_EQ(outcome("PUT", "/v1/domains"), "405 unsupported");
  EXPECT_EQ(outcome("GET", "no-slash"), "400 invalid");
  EXPECT_EQ(outcome("GET", "/v1/domains/%zz"), "400 invalid");
  EXPECT_EQ(outcome("POST", "/v1/domains", "{"), "400 invalid");
  EXPECT_EQ(outcome("POST", "/v1/domains", R"({"nam":"example.org"})"), "400 invalid");
  EXPECT_EQ(outcome("GET", "/v1/status"), "200");
}

TEST_F(ControlTest, ProblemsNameTheFieldThatIsWrong) {
  ok("POST", "/v1/domains", R"({"name":"example.org"})");
  const struct {
    const char* path;
    const char* body;
    const char* field;
  } cases[] = {
      {"/v1/domains", R"({"name":"not a domain"})", "name"},
      {"/v1/domains", R"({"name":"example.net","alias_of":"not a domain"})", "alias_of"},
      {"/v1/accounts", R"({"login":"no address"})", "login"},
      {"/v1/aliases", R"({"address":"no address","targets":["x@example.net"]})", "address"},
      {"/v1/aliases", R"({"address":"a@example.org","targets":["x@example.net"],"senders":["not a domain"]})",
       "senders"},
      {"/v1/rights", R"({"login":"no address","domain":"example.org"})", "login"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(get_text(parse_json(call("POST", c.path, c.body).body, "x").value_or(json::value()), "field"), c.field)
        << c.body;
}

TEST_F(ControlTest, Domains) {
  EXPECT_EQ(get_text(ok("POST", "/v1/domains", R"({"name":"Example.ORG"})"), "name"), "example.org");
  EXPECT_EQ(outcome("POST", "/v1/domains", R"({"name":"example.org"})"), "409 conflict");
  EXPECT_EQ(outcome("POST", "/v1/domains", R"({"name":"not a domain"})"), "400 invalid");
  EXPECT_EQ(outcome("POST", "/v1/domains", R"({"name":"bücher.example"})"), "200");
  const auto list = ok("GET", "/v1/domains");
  ASSERT_EQ(get_list(list, "domains").size(), 2U);
  ok("POST", "/v1/accounts", R"({"login":"ann@example.org","password":"wonderland"})");
  EXPECT_EQ(outcome("DELETE", "/v1/domains/example.org"), "409 conflict");
  EXPECT_EQ(outcome("DELETE", "/v1/domains/example.net"), "404 not_found");
  EXPECT_EQ(outcome("DELETE", "/v1/domains/b%C3%BCcher.example"), "200");
}

TEST_F(ControlTest, OwnerOfADomain) {
  server.domain("example.org");
  ok("POST", "/v1/accounts", R"({"login":"ann@example.org"})");
  ok("POST", "/v1/accounts", R"({"login":"bob@example.org"})");
  EXPECT_EQ(get_text(get_list(ok("GET", "/v1/domains"), "domains").at(0), "owner"), "ann@example.org");
  EXPECT_EQ(outcome("PATCH", "/v1/domains/example.org", R"({"owner":"bob@example.org"})"), "200");
  EXPECT_EQ(get_text(get_list(ok("GET", "/v1/domains"), "domains").at(0), "owner"), "bob@example.org");
  EXPECT_EQ(outcome("PATCH", "/v1/domains/example.org", R"({"owner":"eve@example.org"})"), "404 not_found");
}

TEST_F(ControlTest, AccountErrorsAreFriendly) {
  const auto body = call("POST", "/v1/accounts", R"({"login":"ann@example.org","password":"wonderland"})").body;
  EXPECT_THAT(body, HasSubstr("add it first: paquebot domain add example.org"));
  server.domain("example.org");
  const struct {
    const char* body;
    const char* outcome;
  } cases[] = {
      {R"({"login":"ann","password":"wonderland"})", "400 invalid"},
      {R"({"login":"ann@[127.0.0.1]","password":"wonderland"})", "400 invalid"},
      {R"({"login":"*@example.org","password":"wonderland"})", "400 invalid"},
      {R"({"login":"ann@example.org","password":"short"})", "400 invalid"},
      {R"({"login":"ann@example.org","password":"wonderland","hash":"$6$x$y"})", "400 invalid"},
      {R"({"login":"ann@example.org","hash":"plain"})", "400 invalid"},
      {R"({"login":"ann@example.org","quota":-5})", "400 invalid"},
      {R"({"login":"ann@example.org","quota":"5"})", "400 invalid"},
      {R"({"login":"ann@example.org","pasword":"wonderland"})", "400 invalid"},
      {R"({"login":"Ann@Example.org","password":"wonderland","quota":1000})", "200"},
      {R"({"login":"ann@example.org","password":"wonderland"})", "409 conflict"},
  };
  for (const auto& c : cases) EXPECT_EQ(outcome("POST", "/v1/accounts", c.body), c.outcome) << c.body;
}

TEST_F(ControlTest, AccountLife) {
  server.domain("example.org");
  ok("POST", "/v1/accounts", R"({"login":"ann@example.org","password":"wonderland"})");
  const auto login = [&](const std::string& password) {
    return run_task(server.directory().login("", "ann@example.org", password)).verdict;
  };
  EXPECT_EQ(login("wonderland"), directory::Login::Verdict::accepted);
  ok("PATCH", "/v1/accounts/ann@example.org", R"({"password":"looking glass"})");
  EXPECT_EQ(login("wonderland"), directory::Login::Verdict::wrong);
  EXPECT_EQ(login("looking glass"), directory::Login::Verdict::accepted);
  EXPECT_EQ(outcome("PATCH", "/v1/accounts/ann@example.org", R"({"login":"x@example.org"})"), "400 invalid");
  EXPECT_EQ(ended.size(), 1U) << "who knew the old password";
  ok("PATCH", "/v1/accounts/ann@example.org", R"({"quota":4000})");
  EXPECT_EQ(ended.size(), 1U);
  ok("PATCH", "/v1/accounts/ANN@example.org", R"({"disabled":true,"quota":5000})");
  EXPECT_EQ(ended.size(), 2U);
  EXPECT_EQ(login("looking glass"), directory::Login::Verdict::disabled);
  const auto shown = ok("GET", "/v1/accounts/ann%40example.org");
  EXPECT_TRUE(get_bool(shown, "disabled"));
  EXPECT_EQ(get_number(shown, "quota"), 5000);
  EXPECT_EQ(call("GET", "/v1/accounts/ann@example.org").body.find("argon"), std::string::npos);
  EXPECT_EQ(get_list(ok("GET", "/v1/accounts?domain=example.org"), "accounts").size(), 1U);
  EXPECT_EQ(outcome("GET", "/v1/accounts?domain=example.net"), "404 not_found");
  ok("DELETE", "/v1/accounts/ann@example.org");
  EXPECT_EQ(ended.size(), 3U);
  EXPECT_EQ(outcome("GET", "/v1/accounts/ann@example.org"), "404 not_found");
}

TEST_F(ControlTest, ImportedHashes) {
  server.domain("example.org");
  ok("POST", "/v1/accounts", R"({"login":"bob@example.org","hash":"{MD5-CRYPT}$1$saltsalt$zitrwOX1lEaNffiF89rXp."})");
  EXPECT_EQ(run_task(server.directory().login("", "bob@example.org", "builder")).verdict,
            directory::Login::Verdict::accepted);
}

TEST_F(ControlTest, Aliases) {
  server.domain("example.org");
  server.account("ann@example.org");
  EXPECT_EQ(outcome("POST", "/v1/aliases", R"({"address":"team@example.org"})"), "400 invalid");
  EXPECT_EQ(outcome("POST", "/v1/aliases", R"({"address":"team@example.org","targets":["nobody@example.org"]})"),
            "404 not_found");
  EXPECT_EQ(outcome("POST", "/v1/aliases", R"({"address":"team@example.net","targets":["ann@example.org"]})"),
            "404 not_found");
  EXPECT_EQ(outcome("POST", "/v1/aliases", R"({"address":"team@example.org","targets":["no address"]})"),
            "400 invalid");
  ok("POST", "/v1/aliases", R"({"address":"Team@example.org","targets":["ann@example.org","out@example.net"]})");
  const auto more = ok("POST", "/v1/aliases", R"({"address":"team@example.org","targets":["more@example.net"]})");
  EXPECT_EQ(get_list(more, "targets").size(), 3U);
  ok("POST", "/v1/aliases", R"({"address":"*@example.org","account":"ann@example.org"})");
  ok("POST", "/v1/aliases", R"({"address":"ann.b@example.org","account":"ann@example.org"})");
  EXPECT_EQ(get_list(ok("GET", "/v1/aliases?domain=example.org"), "aliases").size(), 3U);
  const auto shown = ok("GET", "/v1/accounts/ann@example.org");
  EXPECT_EQ(get_list(shown, "addresses").size(), 3U);
  EXPECT_EQ(get_list(shown, "aliases").size(), 1U);
  ok("DELETE", "/v1/aliases/team@example.org?target=out%40example.net");
  EXPECT_EQ(outcome("DELETE", "/v1/aliases/team@example.org?target=out%40example.net"), "404 not_found");
  ok("DELETE", "/v1/aliases/team@example.org");
  EXPECT_EQ(outcome("DELETE", "/v1/aliases/team@example.org"), "404 not_found");
  EXPECT_EQ(outcome("DELETE", "/v1/aliases/ann@example.org"), "409 conflict");
  ok("DELETE", "/v1/aliases/*@example.org");
}

TEST_F(ControlTest, WhoMayWriteToAnAlias) {
  server.domain("example.org");
  server.account("ann@example.org");
  const auto added =
      ok("POST", "/v1/aliases", R"({"address":"team@example.org","targets":["ann@example.org"],"senders":["Domain"]})");
  EXPECT_EQ(get_list(added, "senders").size(), 1U);
  const struct {
    const char* body;
    const char* outcome;
  } cases[] = {
      {R"({"senders":["members","Boss@Example.ORG","example.net","members"]})", "200"},
      {R"({"senders":["anyone","members"]})", "400 invalid"},
      {R"({"senders":["not a domain"]})", "400 invalid"},
      {R"({"senders":["a b@"]})", "400 invalid"},
      {R"({"senders":[]})", "400 invalid"},
      {R"({})", "400 invalid"},
      {R"({"targets":["x@example.net"]})", "400 invalid"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(outcome("PATCH", "/v1/aliases/team@example.org", c.body).substr(0, 3),
              std::string(c.outcome).substr(0, 3))
        << c.body;
  const auto list = ok("GET", "/v1/aliases");
  const auto& senders = get_list(get_list(list, "aliases").at(0), "senders");
  ASSERT_EQ(senders.size(), 3U);
  EXPECT_EQ(senders.at(1).as_string(), "boss@example.org");
  EXPECT_EQ(outcome("PATCH", "/v1/aliases/nobody@example.org", R"({"senders":["anyone"]})"), "404 not_found");
  EXPECT_EQ(get_list(ok("PATCH", "/v1/aliases/team@example.org", R"({"senders":["anyone"]})"), "senders").size(), 0U);
}

TEST_F(ControlTest, QueueAndTrace) {
  server.domain("example.org");
  auto request = std::make_shared<store::AcceptRequest>();
  request->id = UlidSource().next();
  request->sender.reverse_path = {"ann", "example.org"};
  request->accepted_at = request->expires_at = millis(system_clock().wall());
  request->head = "Subject: x\r\n\r\n";
  store::NewRecipient recipient;
  recipient.address = "out@example.net";
  recipient.destination = "example.net";
  request->recipients.push_back(recipient);
  ASSERT_EQ(run_task(server.store().acceptance().accept(request)).status, store::AcceptStatus::accepted);
  const std::string id = request->id.to_string();

  EXPECT_EQ(get_list(ok("GET", "/v1/queue"), "messages").size(), 1U);
  EXPECT_EQ(get_list(ok("GET", "/v1/queue?held=1"), "messages").size(), 0U);
  EXPECT_EQ(get_text(ok("GET", "/v1/queue?limit=1"), "next"), id);
  EXPECT_EQ(get_list(ok("GET", "/v1/queue?after=" + id), "messages").size(), 0U);
  EXPECT_EQ(outcome("GET", "/v1/queue?limit=0"), "400 invalid");
  EXPECT_EQ(get_text(ok("GET", "/v1/queue/" + id), "sender"), "ann@example.org");
  EXPECT_EQ(get_list(ok("GET", "/v1/destinations"), "destinations").size(), 1U);

  EXPECT_EQ(outcome("POST", "/v1/queue/hold", "{}"), "400 invalid");
  EXPECT_EQ(outcome("POST", "/v1/queue/hold", R"({"all":true,"id":"x"})"), "400 invalid");
  EXPECT_EQ(outcome("POST", "/v1/queue/melt", R"({"all":true})"), "405 unsupported");
  EXPECT_EQ(get_number(ok("POST", "/v1/queue/hold", R"({"id":")" + id + "\"}"), "recipients"), 1);
  EXPECT_EQ(woken, 0);
  EXPECT_EQ(get_number(ok("POST", "/v1/queue/release", R"({"address":"out@example.net"})"), "recipients"), 1);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(get_number(ok("POST", "/v1/queue/retry", R"({"destination":"example.net"})"), "recipients"), 1);
  EXPECT_EQ(get_number(ok("POST", "/v1/queue/cancel", R"({"all":true})"), "recipients"), 1);
  EXPECT_EQ(outcome("GET", "/v1/queue/" + id), "404 not_found");

  const auto trace = ok("GET", "/v1/messages/id=" + id);
  EXPECT_EQ(get_text(get_list(trace, "recipients").at(0), "state"), "dropped");
  EXPECT_GE(get_list(trace, "events").size(), 4U);
  EXPECT_THAT(call("GET", "/v1/messages/" + id).body, HasSubstr("operator test"));
  EXPECT_EQ(get_list(ok("GET", "/v1/messages?address=OUT@example.net"), "messages").size(), 1U);
  EXPECT_EQ(outcome("GET", "/v1/messages"), "400 invalid");
  EXPECT_EQ(outcome("GET", "/v1/messages/short"), "400 invalid");
  EXPECT_EQ(outcome("GET", "/v1/messages/01ARZ3NDEKTSV4RRFFQ69G5FAV"), "404 not_found");
}

TEST_F(ControlTest, ATraceSaysWhoseMailboxItIs) {
  server.domain("example.org");
  server.account("ann@example.org");
  auto request = std::make_shared<store::AcceptRequest>();
  request->id = UlidSource().next();
  request->accepted_at = request->expires_at = millis(system_clock().wall());
  request->head = "Subject: x\r\n\r\n";
  store::NewRecipient recipient;
  recipient.address = "info@example.org";
  recipient.handling = store::Handling::mailbox;
  recipient.account = run_task(server.store().directory().find_account("ann@example.org"))->id;
  request->recipients.push_back(recipient);
  recipient = {};
  recipient.address = "out@example.net";
  recipient.destination = "example.net";
  request->recipients.push_back(recipient);
  ASSERT_EQ(run_task(server.store().acceptance().accept(request)).status, store::AcceptStatus::accepted);
  const auto trace = ok("GET", "/v1/messages/" + request->id.to_string());
  EXPECT_EQ(get_text(get_list(trace, "recipients").at(0), "mailbox"), "ann@example.org");
  EXPECT_FALSE(get_list(trace, "recipients").at(1).as_object().contains("mailbox"));
  const auto found = ok("GET", "/v1/messages?address=info@example.org");
  EXPECT_EQ(get_text(get_list(get_list(found, "messages").at(0), "recipients").at(0), "mailbox"), "ann@example.org");
}

TEST_F(ControlTest, WhatWasRefusedIsFoundByItsAddress) {
  EXPECT_EQ(ok("GET", "/v1/messages?address=bob@example.org").as_object().count("refusals"), 0U) << "nobody keeps them";
  hooks.refusals = [](const std::string& address, std::int64_t since, std::size_t most) {
    const policy::Refusal one{5, "192.0.2.1", "", "eve@example.net", address, "550 5.1.1 " + std::to_string(most)};
    return since > 5 ? std::vector<policy::Refusal>{} : std::vector{one};
  };
  control = std::make_unique<Control>(server.store(), server.directory(), hooks);
  const auto found = ok("GET", "/v1/messages?address=bob@example.org&limit=7");
  ASSERT_EQ(get_list(found, "refusals").size(), 1U);
  EXPECT_EQ(
      to_text(get_list(found, "refusals").at(0)),
      R"({"at":"1970-01-01T00:00:00.005Z","client":"192.0.2.1","account":"","from":"eve@example.net","to":"bob@example.org",)"
      R"("reply":"550 5.1.1 7"})");
  EXPECT_TRUE(
      get_list(ok("GET", "/v1/messages?address=bob@example.org&since=1970-01-01T00:00:00.006Z"), "refusals").empty());
}

TEST_F(ControlTest, ImportSmall) {
  server.domain("example.org");
  const auto ann = server.account("ann@example.org");
  const auto added = ok("POST", "/v1/accounts/ann@example.org/messages?date=1970-01-02T00:00:00Z&flags=1",
                        "Subject: old\r\n\r\nhello\r\n");
  EXPECT_EQ(get_text(added, "id").size(), 26U);
  const auto box = run_task(server.store().mailboxes().open(ann.id, "INBOX")).value();
  EXPECT_EQ(box.count, 1U);
  const auto entries = run_task(server.store().mailboxes().list_entries(box.id, 0, 10)).value();
  EXPECT_EQ(entries.at(0).internal_date, 86400000);
  EXPECT_EQ(entries.at(0).flags, 1U);
  EXPECT_EQ(outcome("POST", "/v1/accounts/bob@example.org/messages", "Subject: x\r\n\r\n"), "404 not_found");
  EXPECT_EQ(outcome("POST", "/v1/accounts/ann@example.org/messages", "Subject: x\r\n\r\n" + std::string(70000, 'x')),
            "400 invalid");
}

TEST_F(ControlTest, ImportInPieces) {
  server.domain("example.org");
  const auto ann = server.account("ann@example.org");
  const auto begin = [&] { return std::to_string(get_number(ok("POST", "/v1/uploads"), "upload")); };
  const auto id = begin();
  for (int i = 0; i < 3; ++i) ok("POST", "/v1/uploads/" + id, std::string(store::kBodyChunk, 'x'));
  EXPECT_EQ(outcome("POST", "/v1/uploads/" + id, std::string(store::kBodyChunk + 1, 'x')), "400 invalid");
  EXPECT_EQ(outcome("POST", "/v1/uploads/" + id, ""), "400 invalid");
  ok("POST", "/v1/accounts/ann@example.org/messages?upload=" + id, "Subject: large\r\n\r\n");
  const auto box = run_task(server.store().mailboxes().open(ann.id, "INBOX")).value();
  EXPECT_EQ(box.count, 1U);
  EXPECT_GT(box.bytes, 3 * store::kBodyChunk);
  EXPECT_EQ(outcome("POST", "/v1/uploads/" + id, "x"), "404 not_found");
  EXPECT_EQ(outcome("POST", "/v1/uploads/99999", "x"), "404 not_found");
  EXPECT_EQ(outcome("DELETE", "/v1/uploads/" + begin()), "200");
  const auto first = begin();
  for (int i = 0; i < 16; ++i) begin();
  EXPECT_EQ(outcome("POST", "/v1/uploads/" + first, "x"), "404 not_found");
}

TEST_F(ControlTest, EveryOrderIsWrittenDownWithItsSubject) {
  std::vector<Order> orders;
  hooks.record = [&](const Order& order) { orders.push_back(order); };
  control = std::make_unique<Control>(server.store(), server.directory(), hooks);
  ok("POST", "/v1/domains", R"({"name":"example.org"})");
  ok("POST", "/v1/accounts", R"({"login":"ann@example.org","password":"wonderland"})");
  outcome("POST", "/v1/queue/cancel", R"({"address":"bob@example.net"})");
  outcome("POST", "/v1/queue/cancel", R"({"all":true})");
  outcome("POST", "/v1/lists/block", R"({"what":"192.0.2.1"})");
  outcome("DELETE", "/v1/domains/nowhere.example");
  ok("GET", "/v1/domains");
  const auto told = [&](std::size_t i) {
    return orders[i].target + " " + orders[i].subject + ": " + orders[i].outcome;
  };
  ASSERT_EQ(orders.size(), 6U);
  EXPECT_EQ(told(0), "/v1/domains example.org: done");
  EXPECT_EQ(told(1), "/v1/accounts ann@example.org: done");
  EXPECT_EQ(told(2), "/v1/queue/cancel bob@example.net: done");
  EXPECT_EQ(told(3), "/v1/queue/cancel all: done");
  EXPECT_EQ(told(4), "/v1/lists/block block 192.0.2.1: done");
  EXPECT_THAT(told(5), HasSubstr("nowhere.example: "));
  EXPECT_NE(orders[5].outcome, "done");
  EXPECT_EQ(orders[1].action, "account.add");
  EXPECT_EQ(orders[1].who, "operator test");
}

TEST_F(ControlTest, NothingHidesBehindAQuery) {
  std::vector<Order> orders;
  hooks.record = [&](const Order& order) { orders.push_back(order); };
  control = std::make_unique<Control>(server.store(), server.directory(), hooks);
  ok("POST", "/v1/domains", R"({"name":"example.org"})");
  ok("POST", "/v1/accounts", R"({"login":"ann@example.org"})");
  orders.clear();
  EXPECT_EQ(outcome("DELETE", "/v1/accounts/ann@example.org?x=/messages"), "400 invalid");
  EXPECT_EQ(outcome("PATCH", "/v1/accounts/ann@example.org?/messages", R"({"disabled":true})"), "400 invalid");
  EXPECT_EQ(outcome("DELETE", "/v1/accounts/ann@example.org?=1"), "400 invalid");
  EXPECT_EQ(outcome("GET", "/v1/accounts?domian=example.org"), "400 invalid");
  EXPECT_EQ(orders.size(), 3U) << "what was refused is told as well";
  EXPECT_EQ(outcome("PATCH", "/v1/accounts/ann@example.org", R"({"disabled":true})"), "200");
  EXPECT_EQ(outcome("DELETE", "/v1/accounts/ann%40example.org"), "200");
  ASSERT_EQ(orders.size(), 5U);
  EXPECT_EQ(orders[4].subject, "ann@example.org");
}

TEST_F(ControlTest, StatusAndReload) {
  EXPECT_TRUE(get_bool(ok("GET", "/v1/status"), "running"));
  EXPECT_EQ(get_number(ok("GET", "/v1/status").at("queue"), "waiting"), 0);
  reloaded = {.refused = "", .restart = {"server.threads"}, .warnings = {"the certificate has expired"}};
  const auto done = ok("POST", "/v1/reload");
  EXPECT_EQ(get_list(done, "restart").at(0).as_string(), "server.threads");
  EXPECT_EQ(get_list(done, "warnings").at(0).as_string(), "the certificate has expired");
  reloaded = {.refused = "line 3: no such role", .restart = {}, .warnings = {}};
  EXPECT_THAT(call("POST", "/v1/reload").body, HasSubstr("line 3: no such role"));
  control = std::make_unique<Control>(server.store(), server.directory(), Hooks{});
  EXPECT_FALSE(get_bool(ok("GET", "/v1/status"), "running"));
  EXPECT_EQ(get_number(ok("GET", "/v1/status").at("queue"), "waiting"), 0);
  EXPECT_EQ(outcome("POST", "/v1/reload"), "503 closed");
}

TEST_F(ControlTest, AppPasswords) {
  server.domain("example.org");
  const auto ann = server.account("ann@example.org", "wonderland");
  const std::string path = "/v1/accounts/ann%40example.org/app-passwords";
  const auto made = ok("POST", path, R"({"label":" my phone "})");
  EXPECT_EQ(get_text(made, "label"), "my phone");
  const std::string password = get_text(made, "password");
  EXPECT_EQ(run_task(server.directory().login("", "ann@example.org", password)).password.label, "my phone");
  for (const char* bad : {R"({})", R"({"label":""})", R"({"label":7})", R"({"label":"a\u0007b"})", R"({"name":"x"})"})
    EXPECT_EQ(outcome("POST", path, bad), "400 invalid") << bad;
  EXPECT_EQ(outcome("POST", path, R"({"label":"my phone"})"), "409 conflict");
  EXPECT_EQ(outcome("POST", "/v1/accounts/bob%40example.org/app-passwords", R"({"label":"x"})"), "404 not_found");
  EXPECT_EQ(call("GET", path).body.find(password), std::string::npos) << "shown once";
  EXPECT_EQ(get_list(ok("GET", path), "app_passwords").size(), 1u);
  EXPECT_EQ(get_list(ok("GET", "/v1/accounts/ann%40example.org"), "app_passwords").size(), 1u);
  EXPECT_EQ(outcome("DELETE", path + "/laptop"), "404 not_found");
  EXPECT_EQ(outcome("DELETE", path + "/my%20phone"), "200");
  EXPECT_EQ(ended, std::vector<store::Id>{ann.id});
  EXPECT_EQ(run_task(server.directory().login("", "ann@example.org", password)).verdict,
            directory::Login::Verdict::wrong);
}

TEST_F(ControlTest, LoginsAreShownWhileTheServerRuns) {
  server.domain("example.org");
  server.account("ann@example.org", "wonderland");
  EXPECT_FALSE(ok("GET", "/v1/accounts/ann%40example.org").as_object().contains("logins"));
  hooks.logins = [](const std::string& login) {
    return directory::LoginFacts{
        .failures = 3, .failed = {{5, "192.0.2.1", "smtp"}}, .slowed = login == "ann@example.org"};
  };
  control = std::make_unique<Control>(server.store(), server.directory(), hooks);
  const auto logins = ok("GET", "/v1/accounts/ann%40example.org").at("logins");
  EXPECT_EQ(get_number(logins, "failures"), 3);
  EXPECT_TRUE(get_bool(logins, "slowed"));
  EXPECT_EQ(get_text(get_list(logins, "failed").at(0), "address"), "192.0.2.1");
}

TEST_F(ControlTest, AccountsThatLookTakenOver) {
  server.domain("example.org");
  server.account("ann@example.org");
  const std::string path = "/v1/accounts/ann@example.org/suspicion";
  EXPECT_EQ(get_list(ok("GET", "/v1/suspicions"), "suspicions").size(), 0U);
  EXPECT_EQ(outcome("DELETE", path), "404 not_found");
  EXPECT_EQ(outcome("POST", path, R"({"why":"x"})"), "400 invalid");
  EXPECT_EQ(outcome("POST", "/v1/accounts/bob@example.org/suspicion", "{}"), "404 not_found");
  ok("POST", path, R"({"reason":"laptop\r\nstolen"})");
  EXPECT_EQ(outcome("POST", path, "{}"), "409 conflict");
  const auto list = ok("GET", "/v1/suspicions");
  EXPECT_EQ(get_text(get_list(list, "suspicions").at(0), "login"), "ann@example.org");
  EXPECT_EQ(get_text(get_list(list, "suspicions").at(0), "signal"), "operator");
  const auto shown = ok("GET", "/v1/accounts/ann@example.org").at("suspicion");
  EXPECT_THAT(get_text(shown, "reason"), HasSubstr("ordered by "));
  EXPECT_EQ(get_text(shown, "reason").find('\n'), std::string::npos);
  EXPECT_EQ(get_number(ok("DELETE", path), "released"), 0);
  EXPECT_FALSE(ok("GET", "/v1/accounts/ann@example.org").as_object().contains("suspicion"));
  ok("POST", path, "{}");
  EXPECT_EQ(get_number(ok("DELETE", path + "?drop=1"), "dropped"), 0);
}

TEST_F(ControlTest, SuspensionsAreOrderedShownAndEnded) {
  server.domain("example.org");
  const store::Account ann = server.account("ann@example.org");
  store::AcceptRequest request;
  request.id = Ulid::parse("01J9ZQ3V5W8XKD2M6N7P4R1STB").value();
  request.account = ann.id;
  request.accepted_at = millis(system_clock().wall());
  request.expires_at = request.accepted_at + 1'000'000;
  request.head = "Subject: x\r\n\r\n";
  store::NewRecipient to;
  to.address = "bob@far.example";
  to.destination = "far.example";
  request.recipients.push_back(to);
  auto shared = std::make_shared<const store::AcceptRequest>(std::move(request));
  ASSERT_EQ(run_task(server.store().acceptance().accept(std::move(shared))).status, store::AcceptStatus::accepted);
  const std::string path = "/v1/suspensions";
  const struct {
    const char *body, *outcome;
  } wrong[] = {{R"({"whose":""})", "400 invalid"},
               {R"({"whose":"no domain"})", "400 invalid"},
               {R"({"whose":"what@@example.org"})", "400 invalid"},
               {R"({"whose":"nobody@example.org"})", "404 not_found"},
               {R"({"whose":"far.example","until":"2020-01-01T00:00:00Z"})", "400 invalid"},
               {R"({"whose":"far.example","until":"2999-01-01T00:00:00Z"})", "400 invalid"},
               {R"({"whose":"far.example","reason":7})", "400 invalid"},
               {R"({"reason":"x"})", "400 invalid"}};
  for (const auto& one : wrong) EXPECT_EQ(outcome("POST", path, one.body), one.outcome) << one.body;
  EXPECT_EQ(outcome("POST", path, R"({"whose":"far.example","reason":")" + std::string(201, 'x') + "\"}"),
            "400 invalid");
  EXPECT_EQ(outcome("DELETE", path + "/far.example"), "404 not_found");
  const auto made = ok("POST", path, R"({"whose":"FAR.example","until":"2199-01-01T00:00:00Z","reason":"a\r\nb"})");
  EXPECT_EQ(get_text(made, "whose"), "far.example");
  EXPECT_EQ(get_number(made, "recipients"), 1);
  EXPECT_EQ(get_number(ok("GET", "/v1/today"), "held"), 1);
  ok("POST", path, R"({"whose":"ann@example.org"})");
  const auto all = ok("GET", path);
  ASSERT_EQ(get_list(all, "suspensions").size(), 2U);
  const auto& first = get_list(all, "suspensions")[0];
  EXPECT_EQ(get_text(first, "of") + " " + get_text(first, "whose"), "account ann@example.org");
  const auto& second = get_list(all, "suspensions")[1];
  EXPECT_EQ(get_text(second, "until"), "2199-01-01T00:00:00.000Z");
  EXPECT_THAT(get_text(second, "by"), HasSubstr("operator test"));
  EXPECT_EQ(get_text(second, "reason").find('\n'), std::string::npos);
  const auto why = ok("GET", "/v1/queue/01J9ZQ3V5W8XKD2M6N7P4R1STB/why");
  EXPECT_THAT(get_text(get_list(why, "reasons").at(0), "words"),
              HasSubstr("mail to far.example is suspended until 2199-01-01T00:00:00Z by operator test"));
  EXPECT_EQ(get_number(ok("POST", "/v1/queue/release", R"({"all":true})"), "recipients"), 0);
  EXPECT_EQ(get_number(ok("DELETE", path + "/far.example"), "recipients"), 0) << "its account is suspended as well";
  EXPECT_EQ(get_number(ok("DELETE", path + "/ann@example.org"), "recipients"), 1);
  EXPECT_EQ(get_list(ok("GET", path), "suspensions").size(), 0U);
  const auto trail = ok("GET", "/v1/messages/01J9ZQ3V5W8XKD2M6N7P4R1STB");
  std::string kinds;
  for (const auto& event : get_list(trail, "events")) kinds += get_text(event, "kind") + " ";
  EXPECT_EQ(kinds, "accepted held released ");
  const auto audit = ok("GET", "/v1/audit?action=queue.suspend");
  std::string done;
  for (const auto& entry : get_list(audit, "entries"))
    if (get_text(entry, "result") == "done") done += get_text(entry, "on") + "; ";
  EXPECT_THAT(done, HasSubstr("ann@example.org; FAR.example 2199-01-01T00:00:00Z a"));
}

TEST(ErrorOf, BothWays) {
  for (const auto code : {Errc::invalid, Errc::not_found, Errc::conflict, Errc::no_space, Errc::io, Errc::temporary}) {
    const auto back = error_of(error_response({code, "what happened"}));
    EXPECT_EQ(back.code, code);
    EXPECT_EQ(back.message, "what happened");
  }
  EXPECT_EQ(error_of({500, "<html>"}).code, Errc::io);
}

TEST_F(ControlTest, TheClockIsConfirmedAlsoWithoutAServer) {
  ASSERT_TRUE(run_task(server.store().upkeep().set_setting(store::kClockSetting, "7")));
  const auto before = millis(system_clock().wall());
  EXPECT_GE(get_time(ok("POST", "/v1/clock"), "now"), before);
  EXPECT_GE(run_task(server.store().upkeep().last_beat()).value_or(0), before);
  EXPECT_EQ(run_task(server.store().upkeep().get_setting(store::kClockSetting)).value_or("?"), "");
  int confirmed = 0;
  const auto confirm = [&]() -> Task<Result<>> {
    ++confirmed;
    co_return Result<>();
  };
  hooks.confirm_clock = confirm;
  control = std::make_unique<Control>(server.store(), server.directory(), hooks);
  EXPECT_EQ(outcome("POST", "/v1/clock"), "200");
  EXPECT_EQ(confirmed, 1) << "the running server has to know";
}

TEST_F(ControlTest, OfTwoWhoChangeAThingAtOnceOneHasToComeAgain) {
  server.domain("example.org");
  server.account("ann@example.org");
  boost::asio::io_context context;
  std::vector<unsigned> statuses;
  for (const char* body : {R"({"quota":5})", R"({"disabled":true})"}) {
    Request request{"PATCH", "/v1/accounts/ann@example.org", body, "operator test"};
    boost::asio::co_spawn(context, control->handle(std::move(request)),
                          [&](const std::exception_ptr&, Response response) { statuses.push_back(response.status); });
  }
  context.run();
  EXPECT_THAT(statuses, ::testing::UnorderedElementsAre(200U, 409U));
  EXPECT_EQ(outcome("PATCH", "/v1/accounts/ann@example.org", R"({"disabled":true})"), "200") << "it is free again";
}

TEST_F(ControlTest, AnOrderGoesToTheQueueOfTheRunningServer) {
  std::string given;
  const auto order = [&](store::QueueAction action, store::QueueFilter filter, std::string who,
                         store::QueueStore&) -> Task<Result<std::size_t>> {
    given = who + " " + filter.destination + " " + std::to_string(static_cast<int>(action));
    co_return std::size_t{3};
  };
  hooks.order = order;
  control = std::make_unique<Control>(server.store(), server.directory(), hooks);
  EXPECT_EQ(get_number(ok("POST", "/v1/queue/cancel", R"({"destination":"far.example"})"), "recipients"), 3);
  EXPECT_EQ(given, "operator test far.example 3");
}

/// What a crash behind the order would leave of it in the audit log.
TEST_F(ControlTest, WhatAnOrderChangedHasItsEntryBeforeTheOrderIsOver) {
  std::vector<std::string> kept;
  hooks.record = [&](const Order& order) {
    const auto entries = run_task(server.store().audit().list({.action = order.action}, 10));
    kept.push_back(order.action + " " + std::to_string(entries->size()) +
                   (entries->empty() ? std::string() : " " + entries->front().outcome));
  };
  control = std::make_unique<Control>(server.store(), server.directory(), hooks);
  ok("POST", "/v1/domains", R"({"name":"new.example"})");
  EXPECT_EQ(outcome("POST", "/v1/domains", R"({"name":"new.example"})"), "409 conflict");
  ok("DELETE", "/v1/domains/new.example");
  EXPECT_EQ(outcome("DELETE", "/v1/domains/new.example"), "404 not_found");
  EXPECT_EQ(kept, (std::vector<std::string>{"domain.add 1 begun", "domain.add 1 done", "domain.remove 1 done",
                                            "domain.remove 1 done"}));
  const json::value all = ok("GET", "/v1/audit");
  std::vector<std::string> told;
  for (const json::value& one : get_list(all, "entries")) told.push_back(get_text(one, "result").substr(0, 12));
  EXPECT_EQ(told, (std::vector<std::string>{"new.example ", "done", "new.example ", "done"}));
}

} // namespace
} // namespace paquebot::control
