#include "dns/fake_zone.h"
#include "net/test_support.h"

#include <gtest/gtest.h>

namespace paquebot::dns {
namespace {

constexpr std::string_view kZone = R"(
; a comment
example.test        MX    10 mx.example.test
Example.TEST.       MX    20 mx2.example.test.
mx.example.test     A     127.0.0.1
mx.example.test     AAAA  ::1
example.test        TXT   "v=spf1 mx" " -all \"x\""
www.example.test    CNAME mx.example.test
loop.test           CNAME loop.test
deep.example.test   SRV   1 2 25 mx.example.test
_25._tcp.x.test     TLSA  3 1 1 00ff
null.test           MX    0 .
broken.test         SERVFAIL
forged.test         BOGUS
silent.test         TIMEOUT
mx.example.test     SECURE
example.test        SOA   60
big.test            TRUNCATE
)";

struct Case {
  const char* name;
  Type type;
  Status status;
  std::vector<std::string> texts;
};

TEST(FakeZone, Answers) {
  net::test::Loop loop;
  const auto zone = FakeZone::parse(kZone);
  const Case cases[] = {
      {"example.test", Type::mx, Status::ok, {"mx.example.test", "mx2.example.test"}},
      {"EXAMPLE.test", Type::txt, Status::ok, {"v=spf1 mx -all \"x\""}},
      {"mx.example.test", Type::a, Status::ok, {"127.0.0.1"}},
      {"www.example.test", Type::aaaa, Status::ok, {"::1"}},
      {"www.example.test", Type::cname, Status::ok, {"mx.example.test"}},
      {"www.example.test", Type::mx, Status::no_data, {}},
      {"_25._tcp.x.test", Type::tlsa, Status::ok, {std::string("\3\1\1\0\xff", 5)}},
      {"x.test", Type::a, Status::no_data, {}},
      {"null.test", Type::mx, Status::ok, {""}},
      {"none.test", Type::mx, Status::nxdomain, {}},
      {"loop.test", Type::a, Status::servfail, {}},
      {"broken.test", Type::mx, Status::servfail, {}},
      {"forged.test", Type::mx, Status::servfail, {}},
      {"silent.test", Type::mx, Status::servfail, {}},
  };
  for (const auto& c : cases) {
    const auto answer = loop.run(zone->query(c.name, c.type));
    EXPECT_EQ(answer->status, c.status) << c.name;
    std::vector<std::string> texts;
    for (const auto& record : answer->records) texts.push_back(record.text);
    EXPECT_EQ(texts, c.texts) << c.name;
    EXPECT_EQ(answer->bogus, c.name == std::string("forged.test"));
    EXPECT_EQ(answer->why.empty(), c.status != Status::servfail);
  }
  EXPECT_EQ(zone->questions(), std::size(cases));
  EXPECT_EQ(zone->questions("example.test", Type::mx), 1u);
}

TEST(FakeZone, Secure) {
  net::test::Loop loop;
  const auto zone = FakeZone::parse(kZone);
  EXPECT_TRUE(loop.run(zone->query("mx.example.test", Type::a))->secure);
  EXPECT_FALSE(loop.run(zone->query("www.example.test", Type::a))->secure); // the alias is not
}

TEST(FakeZone, Changes) {
  net::test::Loop loop;
  FakeZone zone;
  zone.add("a.test", Type::a, Record{"127.0.0.1"});
  zone.fail("a.test", Status::servfail);
  EXPECT_EQ(loop.run(zone.query("a.test", Type::a))->status, Status::servfail);
  zone.fail("a.test", Status::ok);
  EXPECT_EQ(loop.run(zone.query("a.test", Type::a))->status, Status::ok);
  zone.remove("a.test");
  EXPECT_EQ(loop.run(zone.query("a.test", Type::a))->status, Status::nxdomain);
}

TEST(FakeZone, BadLinesThrow) {
  for (const char* line :
       {"a", "a MX", "a MX x b", "a MX 1", "a SRV 1 2 3", "a TLSA 3 1 1 0", "a TLSA 3 1 1 zz", "a WKS 1"})
    EXPECT_THROW(FakeZone::parse(line), std::invalid_argument) << line;
}

} // namespace
} // namespace paquebot::dns
