#include "http/client_session.h"

#include <gtest/gtest.h>

namespace paquebot::http {
namespace {

std::shared_ptr<ClientOptions> small_client() {
  auto options = std::make_shared<ClientOptions>();
  options->max_content = 20;
  options->max_interim = 2;
  return options;
}

/// What became of a call whose answer came cut in pieces of `step`.
struct Outcome {
  std::string sent;
  std::optional<Reply> answer;
  bool reusable = false;
  std::optional<Error> error;
  bool untouched = false;
};

void note(ClientSession& session, Outcome& outcome) {
  for (;;) {
    const ClientAction action = session.next();
    if (const auto* send = std::get_if<Send>(&action)) {
      outcome.sent += send->bytes;
      continue;
    }
    if (const auto* answered = std::get_if<Answered>(&action)) {
      outcome.answer = *answered->answer;
      outcome.reusable = answered->reusable;
    }
    if (const auto* failed = std::get_if<Failed>(&action)) {
      outcome.error = failed->error;
      outcome.untouched = failed->untouched;
    }
    return;
  }
}

Outcome ask(const Call& call, std::string_view answer, std::size_t step, bool closes = false) {
  ClientSession session(small_client());
  EXPECT_TRUE(session.call(call));
  Outcome outcome;
  note(session, outcome);
  for (std::size_t at = 0; at < answer.size(); at += step) {
    session.feed(answer.substr(at, step));
    note(session, outcome);
  }
  if (closes) session.eof();
  note(session, outcome);
  return outcome;
}

const Call kCall{.host = "acme.example", .target = "/directory"};

TEST(HttpClient, WritesARequest) {
  Call call{.method = "POST",
            .host = "acme.example:14000",
            .target = "/new-order?a=%20",
            .fields = {{"Content-Type", "application/jose+json"}},
            .content = "{}",
            .close = true};
  EXPECT_EQ(ask(call, "", 1).sent, "POST /new-order?a=%20 HTTP/1.1\r\nHost: acme.example:14000\r\n"
                                   "Content-Type: application/jose+json\r\nContent-Length: 2\r\n"
                                   "Connection: close\r\n\r\n{}");
  EXPECT_EQ(ask(kCall, "", 1).sent, "GET /directory HTTP/1.1\r\nHost: acme.example\r\n\r\n");
  call = kCall;
  call.method = "PUT";
  EXPECT_TRUE(ask(call, "", 1).sent.contains("Content-Length: 0\r\n"));
  call.content = "head";
  call.rest = 96;
  EXPECT_TRUE(ask(call, "", 1).sent.contains("Content-Length: 100\r\n"));
  EXPECT_TRUE(ask(call, "", 1).sent.ends_with("\r\n\r\nhead"));
}

TEST(HttpClient, SendsNothingThatIsNoRequest) {
  const auto wrong = [](auto change) {
    Call call = kCall;
    change(call);
    ClientSession session(small_client());
    EXPECT_FALSE(session.call(call));
    EXPECT_TRUE(std::holds_alternative<Rest>(session.next()));
  };
  wrong([](Call& call) { call.host = "a\r\nX: b"; });
  wrong([](Call& call) { call.host = ""; });
  wrong([](Call& call) { call.target = "/a b"; });
  wrong([](Call& call) { call.target = "/a\r\nX: b"; });
  wrong([](Call& call) { call.target = "http://b/"; });
  wrong([](Call& call) { call.target = ""; });
  wrong([](Call& call) { call.method = "GET /"; });
  wrong([](Call& call) { call.method = "CONNECT"; });
  wrong([](Call& call) { call.fields = {{"A", "b\r\nc: d"}}; });
  wrong([](Call& call) { call.fields = {{"A:", "b"}}; });
  wrong([](Call& call) { call.fields = {{"HOST", "b"}}; });
  wrong([](Call& call) { call.fields = {{"Content-length", "7"}}; });
  wrong([](Call& call) { call.fields = {{"Expect", "100-continue"}}; });
}

struct AnswerCase {
  const char* name;
  std::string bytes;
  unsigned status; ///< 0: no answer
  std::string content;
  bool reusable = true;
  bool closes = false;
  const char* method = "GET";
};
void PrintTo(const AnswerCase& one, std::ostream* out) { *out << one.name; }

class HttpClientAnswers : public testing::TestWithParam<AnswerCase> {};

TEST_P(HttpClientAnswers, AreReadHoweverTheyAreCut) {
  const AnswerCase& one = GetParam();
  Call call = kCall;
  call.method = one.method;
  for (const std::size_t step : {std::size_t{1}, std::size_t{5}, one.bytes.size()}) {
    const Outcome outcome = ask(call, one.bytes, step, one.closes);
    if (one.status == 0) {
      ASSERT_TRUE(outcome.error) << step;
      EXPECT_FALSE(outcome.answer);
      continue;
    }
    ASSERT_TRUE(outcome.answer) << step << (outcome.error ? outcome.error->message : " no answer");
    EXPECT_EQ(outcome.answer->status, one.status);
    EXPECT_EQ(outcome.answer->content, one.content);
    EXPECT_EQ(outcome.reusable, one.reusable) << step;
  }
}

std::vector<AnswerCase> answer_cases() {
  const std::string ok = "HTTP/1.1 200 OK\r\n", chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
  return {
      {"length", ok + "Content-Length: 5\r\n\r\nhello", 200, "hello"},
      {"chunks", chunked + "5;x\r\nhello\r\n0\r\nA: b\r\n\r\n", 200, "hello"},
      {"until closed", ok + "\r\nhello", 200, "hello", false, true},
      {"connection close", ok + "Connection: close\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false},
      {"no reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, ""},
      {"empty reason", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 404, ""},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
      {"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n", 304, ""},
      {"HEAD", ok + "Content-Length: 5\r\n\r\n", 200, "", true, false, "HEAD"},
      {"interim",
       "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nhi",
       200, "hi"},
      {"a redirect is an answer", "HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n",
       302, ""},
      {"too many interim ones", "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n", 0, ""},
      {"switches protocols", "HTTP/1.1 101 Switching Protocols\r\n\r\n", 0, ""},
      {"not HTTP", "220 mx.example.test ESMTP\r\n", 0, ""},
      {"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", 0, ""},
      {"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", 0, ""},
      {"status beyond", "HTTP/1.1 600 OK\r\n\r\n", 0, ""},
      {"status in words", "HTTP/1.1 OK\r\n\r\n", 0, ""},
      {"two framings", ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 0, ""},
      {"two lengths", ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 0, ""},
      {"another coding", ok + "Transfer-Encoding: gzip\r\n\r\n", 0, ""},
      {"bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", 0, ""},
      {"folded field", ok + "A: b\r\n c\r\n\r\n", 0, ""},
      {"length beyond the bound", ok + "Content-Length: 21\r\n\r\n", 0, ""},
      {"chunks beyond the bound", chunked + "15\r\n", 0, ""},
      {"endless content", ok + "\r\n" + std::string(21, 'x'), 0, ""},
      {"endless head", ok + "A: " + std::string(9000, 'x'), 0, ""},
      {"broken chunk", chunked + "5\r\nhello!\r\n", 0, ""},
      {"closed within a length", ok + "Content-Length: 5\r\n\r\nhell", 0, "", false, true},
      {"closed within chunks", chunked + "5\r\nhello\r\n", 0, "", false, true},
      {"closed within the head", ok + "Content-", 0, "", false, true},
  };
}

INSTANTIATE_TEST_SUITE_P(Http, HttpClientAnswers, testing::ValuesIn(answer_cases()));

TEST(HttpClient, SaysWhetherNothingCameBack) {
  EXPECT_TRUE(ask(kCall, "", 1, true).untouched);
  const Outcome begun = ask(kCall, "H", 1, true);
  ASSERT_TRUE(begun.error);
  EXPECT_EQ(begun.error->code, Errc::closed);
  EXPECT_FALSE(begun.untouched);
}

TEST(HttpClient, BoundsAreToldAsSuch) {
  const Outcome outcome = ask(kCall, "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n", 7);
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, Errc::no_space);
}

TEST(HttpClient, AnAnswerMayHaveToTellItsEnd) {
  auto options = small_client();
  options->delimited = true;
  ClientSession session(options);
  ASSERT_TRUE(session.call(kCall));
  Outcome outcome;
  note(session, outcome);
  session.feed("HTTP/1.1 200 OK\r\n\r\nhello");
  session.eof();
  note(session, outcome);
  EXPECT_FALSE(outcome.answer);
  EXPECT_TRUE(outcome.error);
}

TEST(HttpClient, AsksAgainOnTheSameConnection) {
  ClientSession session(small_client());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(session.call(kCall));
    EXPECT_FALSE(session.call(kCall)) << "one at a time";
    Outcome outcome;
    note(session, outcome);
    EXPECT_FALSE(outcome.sent.empty());
    session.feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(i));
    note(session, outcome);
    ASSERT_TRUE(outcome.answer);
    EXPECT_EQ(outcome.answer->content, std::to_string(i));
  }
}

TEST(HttpClient, TakesNothingForAnAnswerThatWasNotAskedFor) {
  const std::string one = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
  const Outcome outcome = ask(kCall, one + one, 2 * one.size());
  ASSERT_TRUE(outcome.answer);
  EXPECT_FALSE(outcome.reusable);

  ClientSession session(small_client());
  session.feed(one);
  EXPECT_TRUE(std::holds_alternative<Failed>(session.next()));
  EXPECT_FALSE(session.call(kCall));
}

TEST(HttpClient, HasDeadlinesForHeadAndContent) {
  auto options = small_client();
  options->body_step = 4;
  ClientSession session(options);
  ASSERT_TRUE(session.call(kCall));
  Outcome outcome;
  note(session, outcome);
  const auto need = [&] { return std::get<NeedInput>(session.next()); };
  const NeedInput first = need();
  EXPECT_EQ(first.within, options->answer_timeout);
  session.feed("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n");
  EXPECT_EQ(need().window, first.window) << "answers that don't count bring no time";
  session.feed("Content-Length: 10\r\n\r\n123");
  const NeedInput content = need();
  EXPECT_EQ(content.within, options->body_timeout);
  EXPECT_NE(content.window, first.window);
  session.feed("4");
  EXPECT_NE(need().window, content.window);
  session.timed_out();
  const ClientAction end = session.next();
  ASSERT_TRUE(std::holds_alternative<Failed>(end));
  EXPECT_EQ(std::get<Failed>(end).error.code, Errc::timeout);
}

} // namespace
} // namespace paquebot::http
