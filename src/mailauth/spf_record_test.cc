#include "mailauth/spf_macro.h"
#include "mailauth/spf_record.h"

#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

TEST(SpfRecord, Version) {
  EXPECT_TRUE(is_spf_record("v=spf1"));
  EXPECT_TRUE(is_spf_record("V=SPF1 -all"));
  for (const char* other : {"", "v=spf10", "v=spf1\t-all", "v=spf2.0/pra", " v=spf1", "spf1", "v=spf1-all"})
    EXPECT_FALSE(is_spf_record(other)) << other;
}

TEST(SpfRecord, Good) {
  for (const char* terms : {
           "",
           "-all",
           "  +mx   -all  ",
           "a",
           "A:Mail.Example.com",
           "a/24",
           "a//64",
           "a/24//64",
           "a:b.test/0",
           "a/0//0",
           "a:b.test//128",
           "mx/8",
           "mx:b.test/8",
           "?ptr",
           "ptr:b.test",
           "ip4:1.2.3.4",
           "ip4:1.2.3.4/32",
           "ip4:1.2.3.4/0",
           "IP6:::1",
           "ip6:2001:db8::/32",
           "ip6:::ffff:1.2.3.4",
           "include:b.test",
           "exists:%{i}.b.test",
           "exists:%{i}",
           "exists:%{ir}.%{v}._spf.%{d2}",
           "redirect=b.test",
           "exp=b.test",
           "REDIRECT=b.test Exp=c.test",
           "x=",
           "x=%{s}",
           "moo.cow-far_out=man:dog/cat",
           "a:foo:bar/baz.example.com",
           "a:b.test.",
           "a:1.2.3.4.test",
           "a:b.x-y",
           "a:%%.b.test",
           "a:%_%-.b.test",
           "a:!b#c.test",
           "a:%{d}/24",
           "exists:%{l1r-+,/_=}.b.test",
           "exists:%{d0123}",
           "exists:%{S}.b.test",
           "all redirect=b.test",
           "exists:%{d127r}",
       })
    EXPECT_TRUE(parse_spf_record(std::string("v=spf1 ") + terms)) << terms;
}

TEST(SpfRecord, Malformed) {
  for (const char* terms : {
           "foo",
           "+",
           "-",
           "all:b.test",
           "all/8",
           "--all",
           "a:",
           "a/",
           "a/33",
           "a/024",
           "a//129",
           "a/24/24",
           "a///8",
           "a:b.test/x",
           "a:/24",
           "mx:",
           "mx/99",
           "ptr/8",
           "ptr:",
           "ip4",
           "ip4:",
           "ip4/8",
           "ip4:1.2.3",
           "ip4:1.2.3.4/33",
           "ip4:1.2.3.4/032",
           "ip4:1.2.3.4/",
           "ip4:1.2.3.4//32",
           "ip4:::1",
           "ip6",
           "ip6:",
           "ip6:1.2.3.4",
           "ip6:::1/129",
           "ip6:::1//33",
           "ip6:x",
           "include",
           "include:",
           "include:b.test/8",
           "include/8",
           "exists",
           "exists:",
           "exists/8",
           "exists:b.test/8",
           "exists:%{d}/24",
           "redirect=",
           "redirect=a.test redirect=b.test",
           "exp=",
           "exp=a.test exp=b.test",
           "redirect:b.test",
           "-redirect=b.test",
           "a:b",
           "a:museum",
           "a:museum.",
           "a:b.123",
           "a:b.test:8080",
           "a:b.-x",
           "a:b.x-",
           "a:b.te_st",
           "a:b..",
           "exists:%{x}",
           "exists:%{d0}",
           "exists:%{}",
           "exists:%{d",
           "exists:%",
           "exists:%a.test",
           "exists:%{d*}",
           "exists:%{rd}",
           "exists:%{c}.test",
           "exists:%{t}.test",
           "exists:%{r}.test",
           "x=%",
           "x=%{z}",
           "a:\tb.test",
           "a\t-all",
           "a:b\x80.test",
           "a:caf\xc3\xa9.test",
           "-all.",
           "1x=y",
           "default/8=x",
       })
    EXPECT_FALSE(parse_spf_record(std::string("v=spf1 ") + terms)) << terms;
  EXPECT_FALSE(parse_spf_record("v=spf1 " + std::string(kMaxSpfRecord, ' ')));
}

TEST(SpfRecord, Fields) {
  const auto record = parse_spf_record("v=spf1 ~a:x.test/24//64 -ip4:192.0.2.0/25 ?ip6:::ffff:1.2.3.0/120 exp=e.test");
  ASSERT_TRUE(record);
  ASSERT_EQ(record->directives.size(), 3u);
  const auto& a = record->directives[0];
  EXPECT_EQ(a.qualifier, SpfResult::softfail);
  EXPECT_EQ(a.domain_spec, "x.test");
  EXPECT_EQ(a.bits4, 24);
  EXPECT_EQ(a.bits6, 64);
  EXPECT_EQ(record->directives[1].bits4, 25);
  EXPECT_EQ(record->directives[2].bits4, 24);
  EXPECT_EQ(record->directives[2].qualifier, SpfResult::neutral);
  EXPECT_EQ(record->exp, "e.test");
  EXPECT_FALSE(record->redirect);
  EXPECT_EQ(parse_spf_record("v=spf1 a:b").error().message, "\"a:b\": the domain has no top label");
}

SpfMacroValues example_context() {
  SpfMacroValues v;
  v.local = "strong-bad";
  v.sender_domain = v.domain = "email.example.com";
  v.ip = *parse_ip("192.0.2.3");
  v.helo = "mx.example.org";
  v.validated = "mx.example.org";
  v.receiver = "here.test";
  v.now = 1234567890;
  return v;
}

// The examples of RFC 7208 section 7.4, and more.
TEST(SpfMacro, Expands) {
  const std::pair<const char*, const char*> cases[] = {
      {"%{s}", "strong-bad@email.example.com"},
      {"%{o}", "email.example.com"},
      {"%{d}", "email.example.com"},
      {"%{d4}", "email.example.com"},
      {"%{d3}", "email.example.com"},
      {"%{d2}", "example.com"},
      {"%{d1}", "com"},
      {"%{dr}", "com.example.email"},
      {"%{d2r}", "example.email"},
      {"%{l}", "strong-bad"},
      {"%{l-}", "strong.bad"},
      {"%{lr}", "strong-bad"},
      {"%{lr-}", "bad.strong"},
      {"%{l1r-}", "strong"},
      {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
      {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
      {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
      {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
      {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
      {"%{S}", "strong-bad%40email.example.com"},
      {"%{h}|%{p}|%{r}|%{t}|%{c}", "mx.example.org|mx.example.org|here.test|1234567890|192.0.2.3"},
      {"100%% of%_us%-all", "100% of us%20all"},
      {"%{d999999999999999999999}", "email.example.com"},
      {"%{D2R}", "example.email"},
      {"%{l2+-}", "strong.bad"},
  };
  for (const auto& [text, expanded] : cases) EXPECT_EQ(expand_spf_macros(text, example_context()), expanded) << text;
  auto v6 = example_context();
  v6.ip = *parse_ip("2001:db8::cb01");
  EXPECT_EQ(expand_spf_macros("%{ir}.%{v}._spf.%{d2}", v6),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
}

TEST(SpfMacro, ShortensNamesFromTheLeft) {
  auto values = example_context();
  values.local.clear();
  for (int i = 0; i < 60; ++i) values.local += "abcd.";
  const std::string name = spf_target_name("%{l}Example.test.", values);
  EXPECT_LE(name.size(), 253u);
  EXPECT_TRUE(name.starts_with("abcd."));
  EXPECT_TRUE(name.ends_with(".example.test"));
  EXPECT_EQ(expand_spf_macros("%{l}%{l}", values, 10).size(), 10u);
}

} // namespace
} // namespace paquebot::mailauth
