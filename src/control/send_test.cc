// What programs send by the API, up to the door of the server.
#include "control/submission.h"
#include "control/test_world.h"

#include <gmock/gmock.h>

namespace paquebot::control {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// The server's side, which takes all but what is for nobody@.
class SendTest : public ::testing::Test {
protected:
  SendTest() {
    Hooks hooks = world.hooks();
    hooks.submit = [this](Submission wanted) { return take(std::move(wanted)); };
    control = std::make_unique<Control>(world.server.store(), world.server.directory(), std::move(hooks));
  }

  Task<Submitted> take(Submission wanted) {
    ++taken;
    Submitted out;
    for (const mail::Recipient& one : wanted.recipients)
      out.recipients.push_back({one.address, one.address.local == "nobody" ? mail::Reply(550, {5, 1, 1}, "no such user")
                                                                           : mail::Reply(250, {2, 1, 5}, "fine")});
    out.reply = answer;
    if (!answer.positive()) co_return out;
    auto request = std::make_shared<store::AcceptRequest>();
    request->id = wanted.id;
    request->klass = store::MessageClass::submitted;
    request->account = wanted.account.id;
    request->sender = wanted.sender;
    request->accepted_at = request->expires_at = millis(system_clock().wall());
    request->head = "Subject: x\r\n\r\n";
    request->sending = wanted.sending;
    request->sending->answer = wanted.answer(out.recipients);
    store::NewRecipient recipient;
    recipient.address = "out@far.example";
    recipient.destination = "far.example";
    request->recipients.push_back(recipient);
    last = std::move(wanted);
    std::shared_ptr<const store::AcceptRequest> shared = request;
    store::Acceptance& acceptance = world.server.store().acceptance();
    const auto result = co_await acceptance.accept(std::move(shared));
    if (result.status == store::AcceptStatus::failed) out.reply = mail::Reply(451, {4, 3, 0}, result.why);
    co_return out;
  }

  Response send(const std::string& body, const std::string& key = {}, const std::string& query = {},
                const std::string& type = {}) {
    Request request{"POST", "/v1/send" + query, body, "", ""};
    request.content_type = type;
    request.idempotency_key = key;
    Response response = run_task(control->handle(std::move(request), world.asker(world.ann)));
    EXPECT_EQ(test::mismatch("POST", "/v1/send" + query, response), "") << response.body;
    return response;
  }
  std::string field_of(const Response& response) {
    return get_text(parse_json(response.body, "x").value_or(json::value()), "field");
  }

  template <class T>
  static T run_task(Task<T> task) {
    return test::run_task(std::move(task));
  }

  test::World world;
  std::unique_ptr<Control> control;
  Submission last;
  mail::Reply answer{250, {2, 0, 0}, "accepted"};
  unsigned taken = 0;
};

TEST_F(SendTest, JsonBecomesAMessage) {
  const auto response = send(R"({"to":["Bob <bob@example.net>"],"cc":["carl@far.example"],"bcc":["bob@example.net",
    "dave@example.net"],"subject":"Hello","text":"Hi","html":"<p>Hi</p>","headers":{"X-Order":"7"},
    "attachments":[{"name":"a.txt","type":"text/plain","content":"aGk="}],"metadata":{"order":"7"}})");
  ASSERT_EQ(response.status, 200U) << response.body;
  EXPECT_EQ(last.sender.reverse_path.to_string(), "ann@example.org");
  EXPECT_EQ(last.who, world.asker(world.ann).name) << "for the trail";
  ASSERT_EQ(last.recipients.size(), 3U) << "each once";
  EXPECT_EQ(last.recipients[2].address.to_string(), "dave@example.net");
  EXPECT_THAT(last.content, HasSubstr("From: ann@example.org\r\n"));
  EXPECT_THAT(last.content, HasSubstr("To: Bob <bob@example.net>\r\n"));
  EXPECT_THAT(last.content, HasSubstr("X-Order: 7\r\n"));
  EXPECT_THAT(last.content, Not(HasSubstr("dave")));
  EXPECT_EQ(last.sending.metadata, R"({"order":"7"})");
  const auto told = parse_json(response.body, "x").value();
  EXPECT_EQ(get_text(told, "id"), last.id.to_string());
  EXPECT_EQ(get_text(told, "message_id"), "<" + last.id.to_string() + "@mx.example.org>");
  EXPECT_EQ(get_list(told, "recipients").size(), 3U);
}

TEST_F(SendTest, WholeMessagesGoAsTheyAre) {
  const std::string message = "From: ann@example.org\nSubject: x\n\nHi\n";
  const auto response = send(message, {}, "?to=bob@example.net,dave@example.net", "message/rfc822");
  ASSERT_EQ(response.status, 200U) << response.body;
  EXPECT_EQ(last.content, "From: ann@example.org\r\nSubject: x\r\n\r\nHi\r\n");
  EXPECT_EQ(last.recipients.size(), 2U);
  EXPECT_EQ(send(message, {}, "", "message/rfc822").status, 400U) << "it must say to whom";
  EXPECT_EQ(send(message, {}, "?to=bob", "message/rfc822").status, 400U);
  EXPECT_EQ(send("From: x\rBcc: y\n\n", {}, "?to=bob@example.net", "message/rfc822").status, 400U);
  EXPECT_EQ(send(std::string("a: b\n\n\0", 7), {}, "?to=bob@example.net", "message/rfc822").status, 400U);
  EXPECT_EQ(send(message, {}, "?to=bob@example.net&from=", "message/rfc822").status, 200U);
  EXPECT_TRUE(last.sender.reverse_path.empty());
}

TEST_F(SendTest, WhatIsWrongIsNamed) {
  const struct {
    const char* body;
    const char* field;
  } cases[] = {
      {R"({"subject":"x"})", "to"},
      {R"({"to":["bob"]})", "to.0"},
      {R"({"to":["bob@example.net","x\r\nBcc: y <bob@example.net>"]})", "to.1"},
      {R"({"from":"Ann\n <ann@example.org>","to":["bob@example.net"]})", "from"},
      {R"({"to":["bob@example.net"],"subject":"x\r\nBcc: eve@example.com"})", "subject"},
      {R"({"to":["bob@example.net"],"headers":{"X-A":"b\r\nBcc: eve@example.com"}})", "headers.X-A"},
      {R"({"to":["bob@example.net"],"headers":{"From":"eve@example.com"}})", "headers.From"},
      {R"({"to":["bob@example.net"],"headers":{"X-A":7}})", "headers.X-A"},
      {R"({"to":["bob@example.net"],"metadata":{"a":"b\r\nX: y"}})", "metadata.a"},
      {R"({"to":["bob@example.net"],"metadata":{"a\r\nX":"b"}})", "metadata.a\\x0d\\x0aX"},
      {R"({"to":["bob@example.net"],"metadata":{"a":7}})", "metadata.a"},
      {R"({"to":["bob@example.net"],"attachments":[{"content":"no base 64"}]})", "attachments.0.content"},
      {R"({"to":["bob@example.net"],"attachments":[{"content":"","type":"a/b\r\nX: y"}]})", "attachments.0.type"},
      {R"({"to":["bob@example.net"],"send_at":"tomorrow"})", "send_at"},
      {R"({"to":["bob@example.net"],"subjcet":"x"})", "subjcet"},
  };
  for (const auto& c : cases) {
    const auto response = send(c.body);
    EXPECT_EQ(response.status, 400U) << c.body << response.body;
    EXPECT_EQ(field_of(response), c.field) << c.body << response.body;
  }
  EXPECT_EQ(send(R"({"to":["bob@example.net"]})", "a key").status, 400U);
  EXPECT_EQ(send(R"({"to":["bob@example.net"]})", std::string(256, 'k')).status, 400U);
  EXPECT_EQ(taken, 0U);
}

TEST_F(SendTest, TheSameKeyIsTheSameMessage) {
  const std::string body = R"({"to":["bob@example.net","nobody@example.net"],"text":"x"})";
  const auto first = send(body, "k1");
  ASSERT_EQ(first.status, 200U) << first.body;
  answer = mail::Reply(452, {4, 7, 1}, "over the limit by now");
  const auto again = send(body, "k1");
  EXPECT_EQ(again.status, 200U);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(taken, 1U);
  const auto other = send(R"({"to":["bob@example.net"],"text":"y"})", "k1");
  EXPECT_EQ(other.status, 422U);
  EXPECT_THAT(other.body, HasSubstr("key_reused"));
  answer = mail::Reply(250, {2, 0, 0}, "accepted");
  EXPECT_NE(send(body, "k2").body, first.body);
  EXPECT_NE(send(body).body, send(body).body) << "without a key each is one of its own";
}

TEST_F(SendTest, RefusalsAreProblems) {
  const std::string body = R"({"to":["nobody@example.net"]})";
  answer = mail::Reply(550, {5, 1, 1}, "no such user");
  auto response = send(body, "k1");
  EXPECT_EQ(response.status, 422U);
  EXPECT_EQ(field_of(response), "to");
  EXPECT_THAT(response.body, HasSubstr("550 5.1.1 no such user"));
  answer = mail::Reply(452, {4, 7, 1}, "the limit is 5");
  response = send(R"({"to":["bob@example.net"]})", "k1");
  EXPECT_EQ(response.status, 429U) << "what was refused has no key";
  answer = mail::Reply(451, {4, 3, 0}, "later");
  EXPECT_EQ(send(body).status, 503U);
}

TEST_F(SendTest, AnAccountSendsItsOwn) {
  const auto by = [&](const Asker& who, const std::string& query) {
    return test::outcome_of(
        run_task(control->handle(Request{"POST", "/v1/send" + query, R"({"to":["bob@example.net"]})", "", ""}, who)));
  };
  EXPECT_EQ(by(world.asker(world.ann), "?account=bob@example.net"), "404 not_found");
  EXPECT_EQ(by(world.asker(world.dora), "?account=ann@example.org"), "200");
  EXPECT_EQ(last.account.login, "ann@example.org");
  EXPECT_EQ(by(root_asker("root"), ""), "400 invalid") << "root is no account";
  EXPECT_EQ(by(root_asker("root"), "?account=ann@example.org"), "200");
  Asker token = world.asker(world.ann);
  token.scopes = {"mail.read"};
  token.token = 1;
  EXPECT_EQ(by(token, ""), "403 scope");
  token.scopes = {"mail.send"};
  EXPECT_EQ(by(token, ""), "200");
}

} // namespace
} // namespace paquebot::control
