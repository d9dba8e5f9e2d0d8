#include "mail/address.h"
#include "mail/head.h"

#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

struct Case {
  std::string text;
  std::string local;
  std::string domain;
};

TEST(Address, ParsesGoodOnes) {
  const Case cases[] = {
      {"user@example.org", "user", "example.org"},
      {"User.Name+tag@EXAMPLE.org", "User.Name+tag", "example.org"},
      {"!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~", "x"},
      {"\"quoted user\"@example.org", "quoted user", "example.org"},
      {"\"a\\\"b\\\\c\"@example.org", "a\"b\\c", "example.org"},
      {"\"a@b\"@example.org", "a@b", "example.org"},
      {"\"user\"@example.org", "user", "example.org"},
      {"\"\"@example.org", "", "example.org"},
      {"a@[192.0.2.1]", "a", "[192.0.2.1]"},
      {"a@[IPv6:2001:DB8:0::1]", "a", "[IPv6:2001:db8::1]"},
      {"a@under_score.example", "a", "under_score.example"},
      {"user@bücher.example", "user", "xn--bcher-kva.example"},
      {"user@BÜCHER.example", "user", "xn--bcher-kva.example"},
      {"user@xn--bcher-kva.example", "user", "xn--bcher-kva.example"},
      {"用户@例子.example", "用户", "xn--fsqu00a.example"},
      {"user%host@example.org", "user%host", "example.org"},
      {"host!user@example.org", "host!user", "example.org"},
      {std::string(64, 'a') + "@x", std::string(64, 'a'), "x"},
  };
  for (const auto& c : cases) {
    const auto address = parse_address(c.text);
    ASSERT_TRUE(address) << c.text << ": " << address.error().message;
    EXPECT_EQ(address->local, c.local);
    EXPECT_EQ(address->domain, c.domain);
    const auto again = parse_address(address->to_string());
    ASSERT_TRUE(again) << address->to_string();
    EXPECT_EQ(*again, *address);
  }
}

TEST(Address, OddDotsAreWrittenAsTheyCame) {
  for (const std::string text :
       {"us..er@x", "user.@x", ".user@x", "a...b.@x", "\"us..er\"@x", "\"user.\"@x", "\"us.. er\"@x"}) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
    EXPECT_EQ(parse_address(address->to_string())->local, address->local);
    EXPECT_EQ(has_odd_dots(address->local), !text.contains(' ')) << text;
    const auto path = parse_path("<" + text + ">");
    ASSERT_TRUE(path) << text;
    EXPECT_EQ(path->address.to_string(), text);
  }
  EXPECT_EQ(parse_address("\"us.er\"@x")->to_string(), "us.er@x");
  EXPECT_FALSE(has_odd_dots("us.er"));
  for (const std::string text : {"us..er@x.test", "user.@x.test"}) {
    const auto list = addresses_of("Ann. B. <" + text + ">, " + text);
    ASSERT_TRUE(list) << list.error().message;
    ASSERT_EQ(list->size(), 2u);
    EXPECT_EQ(list->front().to_string(), text);
    EXPECT_EQ(list->back().to_string(), text);
  }
}

TEST(Address, RefusesBadOnes) {
  const std::string cases[] = {
      "",
      "user",
      "@example.org",
      "user@",
      ".@x",
      "..@x",
      "us..er",
      "us.. er@x",
      "\"\\\"us..er\\\"\"@x",
      "us er@x",
      "a@b%c@x",
      "user@x y",
      "user@.x",
      "user@x.",
      "user@x..y",
      "user@-x",
      "user@x-",
      "user@x!",
      "\"user@x",
      "\"user\\",
      "\"us\rer\"@x",
      "\"us\ner\"@x",
      std::string("\"us\0er\"@x", 9),
      "\"us\\\ner\"@x",
      "\"a\"b@x",
      "a\"b\"@x",
      "<a@x>",
      "a@x>",
      "(c)a@x",
      "a@[192.0.2]",
      "a@[192.0.2.256]",
      "a@[::1]",
      "a@[IPv6:zz]",
      "a@[IPv6:1.2.3.4]",
      "a@[]",
      "a@[",
      "a@[x:y]",
      std::string("a@[1.2.3.4\0]", 12),
      "\xFF@x",
      "a@\xFF",
      "\xC2\x85@x",
      std::string(65, 'a') + "@x",
      "\"" + std::string(65, 'a') + "\"@x",
      "a@" + std::string(64, 'a'),
      "a@" + std::string(70000, 'a'),
      "a@a／b.example", // a mapping to '/'
  };
  for (const auto& text : cases) EXPECT_FALSE(parse_address(text)) << text;
}

TEST(Address, AsciiOnlyWhereUtf8IsNotAllowed) {
  EXPECT_FALSE(parse_address("é@example.org", false));
  EXPECT_FALSE(parse_address("e@bücher.example", false));
  EXPECT_TRUE(parse_address("e@example.org", false));
  EXPECT_TRUE(parse_address("é@example.org")->international());
  EXPECT_FALSE(parse_address("e@bücher.example")->international());
}

TEST(Address, LengthLimit) {
  std::string domain = "a";
  while (domain.size() < 240) domain += ".a";
  EXPECT_TRUE(parse_address("12345678@" + domain));
  EXPECT_FALSE(parse_address(std::string(20, 'x') + "@" + domain));
}

TEST(Address, ToString) {
  EXPECT_EQ((Address{"", ""}.to_string()), "");
  EXPECT_EQ((Address{"postmaster", ""}.to_string()), "postmaster");
  EXPECT_EQ((Address{"", "x"}.to_string()), "\"\"@x");
  EXPECT_EQ((Address{"a b\"\\", "x"}.to_string()), "\"a b\\\"\\\\\"@x");
}

TEST(Path, Parse) {
  const struct {
    std::string_view text;
    std::string_view wanted;
    std::size_t length;
  } cases[] = {
      {"<>", "", 2},
      {"<> BODY=8BITMIME", "", 2},
      {"<user@x> SIZE=1", "user@x", 8},
      {"<PostMaster>", "postmaster", 12},
      {"<@a.example,@b.example:user@x>", "user@x", 30},
      {"<@a:user@x>", "user@x", 11},
      {"<\"a>b\"@x>", "\"a>b\"@x", 9},
      {"<\"a\\\">b\"@x>", "\"a\\\">b\"@x", 11},
      {"<a@[IPv6:::1]>", "a@[IPv6:::1]", 14},
  };
  for (const auto& c : cases) {
    const auto path = parse_path(c.text);
    ASSERT_TRUE(path) << c.text << ": " << path.error().message;
    EXPECT_EQ(path->address.to_string(), c.wanted);
    EXPECT_EQ(path->length, c.length);
  }
  for (const std::string_view text :
       {"", "user@x", "<user@x", "<user>", "< >", "<@a>", "<@a:>", "<@a,user@x>", "<@a,:user@x>", "<@:user@x>",
        "<<user@x>>", "<user@x", "<\"user@x>", "<user@x\r\n>"}) {
    EXPECT_FALSE(parse_path(text)) << text;
  }
}

TEST(Address, WithoutTag) {
  EXPECT_EQ(without_tag("user+tag+more"), "user");
  EXPECT_EQ(without_tag("+user"), "+user");
  EXPECT_EQ(without_tag("+user+tag"), "+user");
  EXPECT_EQ(without_tag("user+"), "user");
  EXPECT_EQ(without_tag(""), "");
}

TEST(Domain, Display) {
  EXPECT_EQ(display_domain("xn--bcher-kva.example"), "bücher.example");
  EXPECT_EQ(display_domain("example.org"), "example.org");
  EXPECT_EQ(display_domain("xn--\xFF"), "xn--\xFF");
  EXPECT_EQ(display_domain("xn--99999999999"), "xn--99999999999");
}

} // namespace
} // namespace paquebot::mail
