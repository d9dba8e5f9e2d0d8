#include "dns/wire.h"

#include <gtest/gtest.h>

namespace paquebot::dns {
namespace {

using namespace std::string_literals;

struct Good {
  Type type;
  std::string data;
  Record record;
};

TEST(Wire, Decodes) {
  const Good cases[] = {
      {Type::a, "\xc0\x00\x02\x01"s, {"192.0.2.1"}},
      {Type::aaaa, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s, {"2001:db8::1"}},
      {Type::mx,
       "\0\x0a\x02mx\x07"
       "Example\x04"
       "test\0"s,
       {"mx.example.test", 10}},
      {Type::mx, "\0\0\0"s, {"", 0}}, // RFC 7505: null MX
      {Type::cname,
       "\x01"
       "a\0"s,
       {"a"}},
      {Type::ptr, "\x04_x-1\0"s, {"_x-1"}},
      {Type::srv,
       "\0\x01\0\x02\0\x19\x01"
       "a\0"s,
       {"a", 1, 2, 25}},
      {Type::txt,
       "\x03"
       "abc\x00\x02"
       "de"s,
       {"abcde"}},
      {Type::txt, "\0"s, {""}},
      {Type::txt, "\x02\x00\xff"s, {"\x00\xff"s}},
      {Type::tlsa, "\x03\x01\x01\xab"s, {"\x03\x01\x01\xab"s}},
      {kCaa, "\0\x05issueca.test"s, {"0 issue ca.test"}},
  };
  for (const auto& c : cases) {
    const auto record = parse_rdata(c.type, c.data);
    ASSERT_TRUE(record) << type_name(c.type);
    EXPECT_EQ(record->text, c.record.text);
    EXPECT_EQ(record->preference, c.record.preference);
    EXPECT_EQ(record->weight, c.record.weight);
    EXPECT_EQ(record->port, c.record.port);
  }
}

struct Bad {
  Type type;
  std::string data;
};

TEST(Wire, RefusesMalformed) {
  const std::string label = '\x3f' + std::string(63, 'x');
  const Bad cases[] = {
      {Type::a, ""},
      {Type::a, "\x7f\0\0"s},
      {Type::a, "\x7f\0\0\x01\0"s},
      {Type::aaaa, std::string(15, '\0')},
      {Type::aaaa, std::string(17, '\0')},
      {Type::mx, ""},
      {Type::mx, "\0"s},
      {Type::mx, "\0\x0a"s},
      {Type::mx, "\0\x0a\x02mx"s},     // no end
      {Type::mx, "\0\x0a\x02mx\0\0"s}, // something behind
      {Type::mx, "\0\x0a\xc0\x0c"s},   // compressed
      {Type::mx, "\0\x0a\x40" + std::string(64, 'x') + "\0"s},
      {Type::cname, "\x03"
                    "a.b\0"s}, // a dot in a label
      {Type::cname, "\x03"
                    "a b\0"s},
      {Type::cname, "\x02"
                    "a\n\0"s},
      {Type::cname, "\x02"
                    "a\\\0"s},
      {Type::cname, "\x01\xe4\0"s},
      {Type::cname, label + label + label + label + "\0"s}, // 257 octets
      {Type::srv, "\0\x01\0\x02\0"s},
      {Type::srv, "\0\x01\0\x02\0\x19"s},
      {Type::txt, ""},
      {Type::txt, "\x05"
                  "abc"s},
      {Type::tlsa, "\x03\x01\x01"s},
      {kCaa, "\0"s},
      {kCaa, "\0\x09issue"s},
      {kCaa, "\0\0x"s},
      {kCaa, "\0\x05is ueca.test"s},
      {static_cast<Type>(999), "x"},
  };
  for (const auto& c : cases)
    EXPECT_FALSE(parse_rdata(c.type, c.data)) << type_name(c.type) << " " << testing::PrintToString(c.data);
}

TEST(Wire, TheLongestNameIsAccepted) {
  const std::string label = '\x3f' + std::string(63, 'x');
  const auto record = parse_rdata(Type::cname, label + label + label + '\x3d' + std::string(61, 'y') + "\0"s);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->text.size(), 253u);
  EXPECT_TRUE(is_query_name(record->text));
}

TEST(Wire, NamesWithBlanksAndBackslashes) {
  EXPECT_EQ(escape_name("a b\\c.test"), "a\\032b\\092c.test");
  EXPECT_TRUE(is_escaped_query_name(escape_name("a b\\c.test")));
  EXPECT_TRUE(is_escaped_query_name(escape_name(std::string(63, ' ') + ".test")));
  for (const std::string& name : {"a\\b"s, "a\\03"s, "a\\000b"s, "a b"s, "a."s, escape_name(std::string(64, ' '))})
    EXPECT_FALSE(is_escaped_query_name(name)) << name;
}

TEST(Wire, QueryNames) {
  for (const char* name :
       {"a", "example.test", "_25._tcp.mx.example.test", "xn--bcher-kva.test", "1.0.0.127.in-addr.arpa"})
    EXPECT_TRUE(is_query_name(name)) << name;
  for (const std::string& name : {""s, "."s, "a."s, ".a"s, "a..b"s, "a b"s, "a\\b"s, "a\0b"s, "\xc3\xa4.test"s,
                                  std::string(64, 'x'), std::string(254, 'x')})
    EXPECT_FALSE(is_query_name(name)) << name;
}

TEST(Wire, Ttls) {
  EXPECT_EQ(bounded_ttl(-1), 0u);
  EXPECT_EQ(bounded_ttl(0x80000000), 0u);
  EXPECT_EQ(bounded_ttl(60), 60u);
  EXPECT_EQ(bounded_ttl(1'000'000), 86400u);
  EXPECT_EQ(bounded_negative_ttl(0), 5u);
  EXPECT_EQ(bounded_negative_ttl(60), 60u);
  EXPECT_EQ(bounded_negative_ttl(86400), 300u);
}

} // namespace
} // namespace paquebot::dns
