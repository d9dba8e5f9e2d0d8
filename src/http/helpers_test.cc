#include "base/encoding.h"
#include "http/credentials.h"
#include "http/date.h"
#include "http/grammar.h"
#include "http/path.h"
#include "http/query.h"

#include <gtest/gtest.h>

namespace paquebot::http {
namespace {

TEST(HttpPath, IsDecodedOnceAndNormal) {
  EXPECT_EQ(decode_path("/"), "/");
  EXPECT_EQ(decode_path("/a/b"), "/a/b");
  EXPECT_EQ(decode_path("/a/b/"), "/a/b/");
  EXPECT_EQ(decode_path("/a/./b/../c"), "/a/c");
  EXPECT_EQ(decode_path("/a/%2E%2e/b"), "/b");
  EXPECT_EQ(decode_path("/a/.."), "/");
  EXPECT_EQ(decode_path("/a/."), "/a/");
  EXPECT_EQ(decode_path("/%61nn%40example.org"), "/ann@example.org");
  EXPECT_EQ(decode_path("/%2525"), "/%25") << "once, not twice";
  EXPECT_EQ(decode_path("/%C3%A4"), "/\xC3\xA4");
  EXPECT_EQ(decode_path("/..."), "/...");
}

TEST(HttpPath, WithSeveralMeaningsIsRefused) {
  for (const std::string_view path : {"", "a", "/..", "/a/../..", "/a%2Fb", "/a%5cb", "/a\\b", "/a%00", "/a%0Ab",
                                      "/%7f", "//a", "/a//b", "/%", "/%4", "/%zz", "/%ff", "/%c0%af", "/%ED%A0%80"}) {
    EXPECT_FALSE(decode_path(path)) << path;
  }
}

TEST(HttpPath, EncodesWhatIsNotUnreserved) {
  EXPECT_EQ(percent_encode("a-b._~/ %\xC3\xA4"), "a-b._~%2F%20%25%C3%A4");
  EXPECT_EQ(percent_decode(percent_encode("x\0\xFF%?#")), percent_decode(percent_encode("x")));
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  EXPECT_EQ(percent_decode(percent_encode(every)), every);
}

TEST(HttpTarget, HasThreeForms) {
  const auto origin = parse_target("GET", "/a?b=c?d");
  ASSERT_TRUE(origin);
  EXPECT_EQ(origin->path, "/a");
  EXPECT_EQ(origin->query, "b=c?d");
  const auto absolute = parse_target("GET", "HTTPS://Example.ORG.:8443?x");
  ASSERT_TRUE(absolute);
  EXPECT_EQ(absolute->authority->host, "example.org");
  EXPECT_EQ(absolute->authority->port, 8443);
  EXPECT_EQ(absolute->path, "/");
  EXPECT_EQ(absolute->query, "x");
  EXPECT_EQ(parse_target("OPTIONS", "*")->form, Form::asterisk);
  EXPECT_EQ(parse_target("OPTIONS", "http://a:80")->form, Form::asterisk);
  EXPECT_EQ(parse_target("OPTIONS", "http://a/")->form, Form::absolute);
}

TEST(HttpTarget, RefusesTheRest) {
  for (const std::string_view target : {"*",
                                        "a",
                                        "a:80",
                                        "ftp://a/",
                                        "http:/a",
                                        "http:///a",
                                        "http://ann@a/",
                                        "http://ann:pw@a/",
                                        "http://a/#b",
                                        "/a#b",
                                        "/a b",
                                        "/a\"",
                                        "/<a>",
                                        "/\xC3\xA4",
                                        "/a?\xC3\xA4",
                                        "http://a:99999/",
                                        "http://a:b/",
                                        "http://[::1/",
                                        "http://a b/",
                                        "http://:80/",
                                        "http://a%2eb/",
                                        "http://a..b/",
                                        "file:///etc/passwd",
                                        "http://"}) {
    EXPECT_FALSE(parse_target("GET", target)) << target;
  }
}

TEST(HttpAuthority, IsANameOrAnAddress) {
  EXPECT_EQ(parse_authority("Mail.Example.ORG")->host, "mail.example.org");
  EXPECT_EQ(parse_authority("a:")->host, "a");
  EXPECT_EQ(parse_authority("192.0.2.1:25")->port, 25);
  EXPECT_EQ(parse_authority("[2001:DB8::1]:443")->host, "[2001:db8::1]");
  EXPECT_EQ(parse_authority("")->host, "");
  for (const std::string_view text :
       {":80", "a:b", "a:65536", "a:000080", "a,b", "a b", "[]", "[a]", "a@b", "a/b", "::1", ".a", "a..", "a:80:80"}) {
    EXPECT_FALSE(parse_authority(text)) << text;
  }
  EXPECT_FALSE(parse_authority(std::string(256, 'a')));
}

TEST(HttpGrammar, FieldLines) {
  EXPECT_EQ(parse_field("Content-TYPE:\t text/plain \t"), (Field{"content-type", "text/plain"}));
  EXPECT_EQ(parse_field("A:"), (Field{"a", ""}));
  EXPECT_EQ(parse_field("A: \xE4"), (Field{"a", "\xE4"})) << "obs-text passes";
  for (const std::string_view line : {"A : b", "A\t: b", " A: b", "\tA: b", ": b", "A", "A(b): c", "\xC3\xA4: b"}) {
    EXPECT_FALSE(parse_field(line)) << line;
  }
  EXPECT_FALSE(parse_field(std::string_view("A: b\0c", 6)));
  EXPECT_FALSE(parse_field("A: b\x01"));
  EXPECT_FALSE(parse_field("A: b\x7F"));
}

TEST(HttpGrammar, RequestLines) {
  const auto line = parse_request_line("GET /a HTTP/1.1");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->method, "GET");
  EXPECT_EQ(line->target, "/a");
  EXPECT_EQ(line->minor, 1u);
  for (const std::string_view text :
       {"GET", "GET /", "GET /a  HTTP/1.1", "GET  /a HTTP/1.1", " GET /a HTTP/1.1", "GET /a HTTP/1.1 ",
        "GET /a http/1.1", "GET /a HTTP/11", "GET /a HTTP/1.10", "G(T /a HTTP/1.1", "GET\t/a\tHTTP/1.1"}) {
    const auto parts = parse_request_line(text);
    ASSERT_FALSE(parts) << text;
    EXPECT_EQ(parts.error().status, 400u) << text;
  }
  EXPECT_EQ(parse_request_line("PRI * HTTP/2.0").error().status, 505u);
}

TEST(HttpGrammar, Extents) {
  const auto of = [](Fields fields, bool http10 = false) { return extent_of(fields, http10); };
  EXPECT_EQ(of({})->framing, Framing::none);
  EXPECT_EQ(of({{"content-length", "0012"}})->length, 12u);
  EXPECT_EQ(of({{"content-length", "7, 7"}, {"content-length", "7"}})->length, 7u);
  EXPECT_EQ(of({{"transfer-encoding", "Chunked"}})->framing, Framing::chunked);
  const std::pair<Fields, unsigned> refused[] = {
      {{{"content-length", "7"}, {"content-length", "8"}}, 400},
      {{{"content-length", "7, 8"}}, 400},
      {{{"content-length", "7, 07"}}, 400},
      {{{"content-length", ""}}, 400},
      {{{"content-length", "7,"}}, 400},
      {{{"content-length", "+7"}}, 400},
      {{{"content-length", "-7"}}, 400},
      {{{"content-length", "0x7"}}, 400},
      {{{"content-length", "7 7"}}, 400},
      {{{"content-length", "9223372036854775808"}}, 413},
      {{{"content-length", "99999999999999999999999"}}, 413},
      {{{"content-length", "7"}, {"transfer-encoding", "chunked"}}, 400},
      {{{"transfer-encoding", ""}}, 400},
      {{{"transfer-encoding", "identity"}}, 400},
      {{{"transfer-encoding", "xchunked"}}, 400},
      {{{"transfer-encoding", "chunked, gzip"}}, 400},
      {{{"transfer-encoding", "chunked, chunked"}}, 400},
      {{{"transfer-encoding", "chunked;q=1"}}, 400},
      {{{"transfer-encoding", "chunked"}, {"transfer-encoding", "identity"}}, 400},
      {{{"transfer-encoding", "\"chunked\""}}, 400},
      {{{"transfer-encoding", "gzip, chunked"}}, 501},
  };
  for (const auto& [fields, status] : refused) {
    const auto extent = of(fields);
    ASSERT_FALSE(extent) << fields[0].value;
    EXPECT_EQ(extent.error().status, status) << fields[0].value;
  }
  EXPECT_FALSE(of({{"transfer-encoding", "chunked"}}, true));
}

TEST(HttpGrammar, KeepAlive) {
  EXPECT_TRUE(keeps_alive({}, false));
  EXPECT_FALSE(keeps_alive({}, true));
  EXPECT_FALSE(keeps_alive({{"connection", "upgrade, Close"}}, false));
  EXPECT_TRUE(keeps_alive({{"connection", "Keep-Alive"}}, true));
  EXPECT_FALSE(keeps_alive({{"connection", "keep-alive"}, {"connection", "close"}}, true));
}

TEST(HttpQuery, NamesAndValues) {
  const auto query = Query::parse("a=1&b=x%26y+z&&c&%C3%A4=%3D=");
  ASSERT_TRUE(query);
  EXPECT_EQ(*query->get("a"), "1");
  EXPECT_EQ(*query->get("b"), "x&y z");
  EXPECT_EQ(*query->get("c"), "");
  EXPECT_EQ(*query->get("\xC3\xA4"), "==");
  EXPECT_EQ(query->get("d"), nullptr);
  const std::string_view known[] = {"a", "b", "\xC3\xA4"};
  ASSERT_NE(query->unknown(known), nullptr);
  EXPECT_EQ(*query->unknown(known), "c");
  EXPECT_TRUE(Query::parse("")->all().empty());
}

TEST(HttpQuery, RefusesWhatHasNoOneMeaning) {
  for (const std::string_view text : {"a=1&a=2", "=1", "a=%", "a=%f", "a=%ff", "a=%00", "%0a=1", "a=1&%61=2"}) {
    EXPECT_FALSE(Query::parse(text)) << text;
  }
  EXPECT_TRUE(Query::parse("a=%0d%0a")) << "lines of a form's text";
  EXPECT_TRUE(Query::parse("a&b", 2));
  EXPECT_FALSE(Query::parse("a&b&c", 2));
}

Request with(Fields fields) {
  Request request;
  request.fields = std::move(fields);
  return request;
}

TEST(HttpCookies, OneOfThatNameOnly) {
  EXPECT_EQ(cookie(with({{"cookie", "a=1; __Host-s=tok; b=\"2\""}}), "__Host-s"), "tok");
  EXPECT_EQ(cookie(with({{"cookie", "a=1"}, {"cookie", "b=\"2\""}}), "b"), "2");
  EXPECT_FALSE(cookie(with({{"cookie", "a=1; a=2"}}), "a"));
  EXPECT_FALSE(cookie(with({{"cookie", "a=1"}, {"cookie", "a=1"}}), "a"));
  EXPECT_FALSE(cookie(with({{"cookie", "aa=1; =2; a"}}), "a"));
  EXPECT_FALSE(cookie(with({{"cookie", "a=b c"}}), "a"));
  EXPECT_FALSE(cookie(with({}), "a"));
}

TEST(HttpCredentials, Bearer) {
  EXPECT_EQ(bearer_token(with({{"authorization", "bearer  pq_ab-1~+/="}})), "pq_ab-1~+/=");
  for (const std::string_view value :
       {"Bearer", "Bearer ", "Bearer a b", "Basic YTpi", "Bearer =", "Bearer a=b", "a"}) {
    EXPECT_FALSE(bearer_token(with({{"authorization", std::string(value)}}))) << value;
  }
  EXPECT_FALSE(bearer_token(with({{"authorization", "Bearer a"}, {"authorization", "Bearer a"}})));
}

TEST(HttpCredentials, Basic) {
  const auto login = basic_login(with({{"authorization", "Basic " + base64_encode("ann:pass:word")}}));
  ASSERT_TRUE(login);
  EXPECT_EQ(login->user, "ann");
  EXPECT_EQ(login->password, "pass:word");
  EXPECT_FALSE(basic_login(with({{"authorization", "Basic " + base64_encode("ann")}})));
  EXPECT_FALSE(basic_login(with({{"authorization", "Basic " + base64_encode("ann:\n")}})));
  EXPECT_FALSE(basic_login(with({{"authorization", "Basic YTp"}})));
}

TEST(HttpTags, StrongAndWeak) {
  EXPECT_TRUE(matches_tag("\"a\", \"b\"", "\"b\"", TagMatch::strong));
  EXPECT_TRUE(matches_tag("*", "\"b\"", TagMatch::strong));
  EXPECT_FALSE(matches_tag("*", "", TagMatch::weak)) << "what is not there has no tag";
  EXPECT_FALSE(matches_tag("W/\"b\"", "\"b\"", TagMatch::strong));
  EXPECT_TRUE(matches_tag("W/\"b\"", "\"b\"", TagMatch::weak));
  EXPECT_TRUE(matches_tag("\"a,b\"", "\"a,b\"", TagMatch::strong));
  EXPECT_FALSE(matches_tag("\"a\" \"b\"", "\"b\"", TagMatch::strong));
  EXPECT_FALSE(matches_tag("b", "\"b\"", TagMatch::weak));
  EXPECT_FALSE(matches_tag("", "\"b\"", TagMatch::weak));
}

TEST(HttpDates, AreFixed) {
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(http_date(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(http_date(-5), "Thu, 01 Jan 1970 00:00:00 GMT") << "a clock that is not set";
}

TEST(HttpDates, AreReadInThreeForms) {
  constexpr std::int64_t kNow = 1'795'000'000; // in 2026
  for (const std::string_view text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_http_date(text, kNow), 784111777) << text;
  }
  EXPECT_EQ(parse_http_date("Friday, 06-Nov-76 08:49:37 GMT", kNow), 3371878177) << "50 years ahead at most";
  EXPECT_EQ(parse_http_date("Saturday, 06-Nov-77 08:49:37 GMT", kNow), 247654177) << "else a hundred before";
  for (const std::string_view text :
       {"", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, -6 Nov 19940 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT and much more behind it"}) {
    EXPECT_FALSE(parse_http_date(text, kNow)) << text;
  }
}

TEST(HttpDates, RetryAfter) {
  using std::chrono::seconds;
  const auto after = [](const char* value) { return retry_after({{"retry-after", value}}, 784111700, seconds(3600)); };
  EXPECT_EQ(after("120"), seconds(120));
  EXPECT_EQ(after("0"), seconds(0));
  EXPECT_EQ(after("99999999999999999999999999"), seconds(3600)) << "bounded, whatever they say";
  EXPECT_EQ(after("Sun, 06 Nov 1994 08:49:37 GMT"), seconds(77));
  EXPECT_EQ(after("Sat, 05 Nov 1994 08:49:37 GMT"), seconds(0));
  EXPECT_EQ(after("Sun, 06 Nov 2094 08:49:37 GMT"), seconds(3600));
  EXPECT_FALSE(after("-1"));
  EXPECT_FALSE(after("soon"));
  EXPECT_FALSE(retry_after({}, 0, seconds(1)));
}

TEST(HttpFields, MediaType) {
  EXPECT_EQ(media_type({{"content-type", "Application/JSON; charset=utf-8"}}), "application/json");
  EXPECT_EQ(media_type({{"content-type", "a/b"}, {"content-type", "a/b"}}), "");
  EXPECT_EQ(media_type({}), "");
}

TEST(HttpProblems, HoldAnyDetail) {
  const Response answer = problem(404, "no \"a\\b\"\n\x01\xFF");
  EXPECT_EQ(answer.content, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"no "
                            "\\\"a\\\\b\\\"\\u000a\\u0001?\",\"code\":\"not_found\"}\n");
}

} // namespace
} // namespace paquebot::http
