#include "base/fake_clock.h"
#include "http/fake_site.h"
#include "http/server_session.h"

#include <gtest/gtest.h>

namespace paquebot::http {
namespace {

using std::chrono::milliseconds;

std::shared_ptr<ServerOptions> plain_options() { return std::make_shared<ServerOptions>(); }

/// A session with its site.
struct Talk {
  explicit Talk(std::shared_ptr<const ServerOptions> options = plain_options()) : session(std::move(options)) {
    site.perform(session);
  }
  ~Talk() { EXPECT_TRUE(site.broken.empty()) << site.broken.front(); }
  void say(std::string_view bytes) { site.feed(session, bytes); }
  void time_out() {
    session.timed_out();
    site.perform(session);
  }
  unsigned status() const {
    return site.sent.size() < 12 ? 0 : static_cast<unsigned>(std::stoul(site.sent.substr(9, 3)));
  }

  FakeSite site;
  ServerSession session;
};

const std::string kGet = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kPost = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";

TEST(HttpServer, AnswersWithDateOfItsClock) {
  FakeClock clock;
  auto options = plain_options();
  options->clock = &clock;
  options->always = {{"X-Content-Type-Options", "nosniff"}, {"Content-Type", "application/json"}};
  Talk talk(options);
  talk.say(kGet);
  EXPECT_TRUE(talk.site.sent.contains("\r\nDate: ")) << talk.site.sent;
  EXPECT_TRUE(talk.site.sent.contains(" GMT\r\n"));
  EXPECT_TRUE(talk.site.sent.contains("X-Content-Type-Options: nosniff\r\n"));
  EXPECT_FALSE(talk.site.sent.contains("application/json")) << "the answer's own field wins";
}

TEST(HttpServer, HasNoDateWithoutAClock) {
  Talk talk;
  talk.say(kGet);
  EXPECT_EQ(talk.site.sent, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Type: text/plain\r\n\r\nhello\r\n");
}

// The deadlines: each window begins with an event of the client's, never with an octet.

TEST(HttpServer, WaitsForARequestThenForItsHead) {
  Talk talk;
  EXPECT_TRUE(talk.site.need.idle);
  EXPECT_EQ(talk.site.need.within, milliseconds(60'000));
  const auto idle = talk.site.need.window;
  talk.say("G");
  EXPECT_FALSE(talk.site.need.idle);
  EXPECT_EQ(talk.site.need.within, milliseconds(20'000));
  const auto head = talk.site.need.window;
  EXPECT_NE(head, idle);
  talk.say("ET /hello HTTP/1.1\r\n");
  talk.say("Host: a\r\n");
  EXPECT_EQ(talk.site.need.window, head) << "a head that drips has one deadline";
  talk.say("\r\n");
  EXPECT_TRUE(talk.site.need.idle);
  EXPECT_NE(talk.site.need.window, head);
}

TEST(HttpServer, EndsASilentConnectionWithoutAWord) {
  Talk talk;
  talk.time_out();
  EXPECT_TRUE(talk.site.closed);
  EXPECT_EQ(talk.site.sent, "");
}

TEST(HttpServer, AnswersASlowHeadWith408) {
  Talk talk;
  talk.say("GET / HT");
  talk.time_out();
  EXPECT_EQ(talk.status(), 408u);
  EXPECT_TRUE(talk.site.sent.contains("Connection: close\r\n"));
  EXPECT_TRUE(talk.site.closed);
  EXPECT_FALSE(talk.site.ended) << "nobody is waited for any more";
}

TEST(HttpServer, HoldsContentToALeastSpeed) {
  auto options = plain_options();
  options->body_step = 4;
  Talk talk(options);
  talk.say(kPost);
  EXPECT_EQ(talk.site.need.within, milliseconds(30'000));
  const auto first = talk.site.need.window;
  talk.say("123");
  EXPECT_EQ(talk.site.need.window, first);
  talk.say("4");
  EXPECT_NE(talk.site.need.window, first);
  talk.time_out();
  EXPECT_EQ(talk.status(), 408u);
  EXPECT_EQ(talk.site.forgotten, 1u);
  EXPECT_TRUE(talk.site.accepted.empty());
}

TEST(HttpServer, DropsTheRestAfterItsLastAnswer) {
  auto options = plain_options();
  options->max_linger = 100;
  Talk talk(options);
  talk.say("nonsense\r\n");
  EXPECT_EQ(talk.status(), 400u);
  EXPECT_TRUE(talk.site.ended);
  EXPECT_FALSE(talk.site.closed);
  EXPECT_EQ(talk.site.need.within, milliseconds(2'000));
  const auto window = talk.site.need.window;
  const auto sent = talk.site.sent;
  talk.say(kGet);
  EXPECT_EQ(talk.site.need.window, window) << "whoever goes on sending gets no more time";
  EXPECT_EQ(talk.site.sent, sent);
  talk.say(std::string(100, 'x'));
  EXPECT_TRUE(talk.site.closed);
}

TEST(HttpServer, EndsLingeringByTime) {
  Talk talk;
  talk.say("nonsense\r\n");
  talk.time_out();
  EXPECT_TRUE(talk.site.closed);
}

TEST(HttpServer, GivesNoMoreWhenTheClientIsGone) {
  Talk talk;
  talk.say(kPost + "12345");
  talk.session.eof();
  talk.site.perform(talk.session);
  EXPECT_TRUE(talk.site.closed);
  EXPECT_EQ(talk.site.forgotten, 1u);
  EXPECT_EQ(talk.site.sent, "");
}

TEST(HttpServer, GoingDownAnswersWhatIsInHandAndNoMore) {
  Talk talk;
  talk.say(kPost + "12345");
  talk.session.shut_down();
  talk.say("67890" + kGet);
  EXPECT_EQ(talk.status(), 200u);
  EXPECT_TRUE(talk.site.sent.contains("Connection: close\r\n"));
  EXPECT_EQ(talk.site.asked, 1u);
  EXPECT_TRUE(talk.site.ended);
}

TEST(HttpServer, GoingDownEndsIdleConnections) {
  Talk talk;
  talk.say(kGet);
  talk.session.shut_down();
  talk.site.perform(talk.session);
  EXPECT_TRUE(talk.site.ended);
}

TEST(HttpServer, SaysWhichRequestIsTheLast) {
  auto options = plain_options();
  options->max_requests = 2;
  Talk talk(options);
  talk.say(kGet);
  EXPECT_FALSE(talk.site.sent.contains("Connection: close"));
  talk.say(kGet + kGet);
  EXPECT_TRUE(talk.site.sent.contains("Connection: close"));
  EXPECT_EQ(talk.site.asked, 2u);
}

TEST(HttpServer, KeepsLittleForLongContent) {
  Talk talk;
  talk.site.most = 100'000'000;
  talk.say("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n");
  EXPECT_EQ(talk.status(), 403u);
  EXPECT_FALSE(talk.site.sent.contains("Connection: close"));
  for (int i = 0; i < 60; ++i) talk.say(std::string(1000, 'x'));
  EXPECT_TRUE(talk.site.need.idle) << "what nobody wanted is passed over";
  talk.site.sent.clear();
  talk.say(kGet);
  EXPECT_EQ(talk.status(), 200u);
}

TEST(HttpServer, TellsWhyItRefused) {
  Talk talk;
  talk.say("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
  ASSERT_EQ(talk.site.faults.size(), 1u);
  EXPECT_EQ(talk.site.faults[0], (Fault{400, "both Transfer-Encoding and Content-Length"}));
}

TEST(HttpServer, LateAnswersAreIgnored) {
  ServerSession session(plain_options());
  session.feed(kGet);
  const Action action = session.next();
  const auto* ask = std::get_if<AskRequest>(&action);
  ASSERT_NE(ask, nullptr);
  session.respond(ask->id + 1, {});
  session.content(ask->id, "x", true);
  EXPECT_TRUE(std::holds_alternative<AskRequest>(session.next())) << "asked until it is answered";
  session.respond(ask->id, {.content = "first"});
  session.respond(ask->id, {.content = "second"});
  const Action sent = session.next();
  ASSERT_TRUE(std::holds_alternative<Send>(sent));
  EXPECT_TRUE(std::get<Send>(sent).bytes.ends_with("\r\n\r\nfirst"));
  EXPECT_TRUE(std::holds_alternative<NeedInput>(session.next()));
}

// Bounds of heads and chunks, at the octet.

struct Bound {
  const char* name;
  std::string input;
  unsigned status;
};
void PrintTo(const Bound& bound, std::ostream* out) { *out << bound.name; }

std::shared_ptr<ServerOptions> small_options() {
  auto options = plain_options();
  options->head = {.start_line = 40, .field = 30, .fields = 3, .head = 100};
  options->body = {.chunk_line = 12, .chunk_extensions = 20, .trailer = 20};
  return options;
}

class HttpBounds : public testing::TestWithParam<Bound> {};

TEST_P(HttpBounds, AreKeptHoweverTheInputIsCut) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, GetParam().input.size()}) {
    Talk talk(small_options());
    talk.site.most = 16;
    for (std::size_t at = 0; at < GetParam().input.size(); at += step) talk.say(GetParam().input.substr(at, step));
    EXPECT_EQ(talk.status(), GetParam().status) << "cut in pieces of " << step << ": " << talk.site.sent;
    EXPECT_EQ(talk.site.ended, GetParam().status >= 400);
  }
}

std::string head_of(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"; }
std::string chunks(const std::string& body) {
  return "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}

std::vector<Bound> all_bounds() {
  const std::string path = "GET /hello?" + std::string(18, 'q'); // 29 octets, 40 with the rest
  return {
      {"request line", path + " HTTP/1.1\r\nHost: a\r\n\r\n", 200},
      {"request line too long", path + "q HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {"method too long", std::string(41, 'M') + " / HTTP/1.1\r\n\r\n", 501},
      {"field", head_of("A: " + std::string(25, 'a') + "\r\n"), 200},
      {"field too long", head_of("A: " + std::string(26, 'a') + "\r\n"), 431},
      {"fields", head_of("A: a\r\nB: b\r\n"), 200},
      {"too many fields", head_of("A: a\r\nB: b\r\nC: c\r\n"), 431},
      {"head",
       "GET /hello?qqqqqqqqqqqqqqqqqq HTTP/1.1\r\nHost: " + std::string(22, 'a') + "\r\nB: " + std::string(23, 'b') +
           "\r\n\r\n",
       200}, // 40 + 30 + 28 + 2
      {"head too long",
       "GET /hello?qqqqqqqqqqqqqqqqqq HTTP/1.1\r\nHost: " + std::string(22, 'a') + "\r\nB: " + std::string(24, 'b') +
           "\r\n\r\n",
       431},
      {"chunk line", chunks("4;abcdefgh\r\nabcd\r\n0\r\n\r\n"), 200},
      {"chunk line too long", chunks("4;abcdefghi\r\nabcd\r\n0\r\n\r\n"), 400},
      {"chunk extensions", chunks("1;23456789\r\na\r\n1;23456789\r\na\r\n0;a\r\n\r\n"), 200},
      {"too many chunk extensions", chunks("1;23456789\r\na\r\n1;23456789\r\na\r\n0;abcdef\r\n\r\n"), 400},
      {"trailer", chunks("0\r\nA: " + std::string(13, 'a') + "\r\n\r\n"), 200},
      {"trailer too long", chunks("0\r\nA: " + std::string(14, 'a') + "\r\nB:b\r\n\r\n"), 431},
      {"content", chunks("10\r\n0123456789abcdef\r\n0\r\n\r\n"), 200},
      {"content too large", chunks("11\r\n0123456789abcdefg\r\n0\r\n\r\n"), 413},
      {"content too large in all", chunks("10\r\n0123456789abcdef\r\n1\r\ng\r\n0\r\n\r\n"), 413},
      {"a chunk of all bits", chunks("ffffffffff\r\n"), 413},
  };
}

INSTANTIATE_TEST_SUITE_P(Http, HttpBounds, testing::ValuesIn(all_bounds()));

} // namespace
} // namespace paquebot::http
