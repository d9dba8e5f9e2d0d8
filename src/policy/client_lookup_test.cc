#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "dns/fake_zone.h"
#include "policy/client_lookup.h"

#include <gtest/gtest.h>

namespace paquebot::policy {
namespace {

using directory::run_task;

TEST(ClientLookup, ReversedNames) {
  EXPECT_EQ(reversed_name("192.0.2.99", "bad.example.com"), "99.2.0.192.bad.example.com");
  // RFC 5782 section 2.4
  EXPECT_EQ(reversed_name("2001:db8:1:2:3:4:567:89ab", "ugly.example.com"),
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ugly.example.com");
  EXPECT_EQ(reversed_name("", "x.test"), "");
  EXPECT_EQ(reversed_name("mail.test", "x.test"), "");
}

const char* kZone = R"(
9.2.0.192.in-addr.arpa    PTR  mail.far.test
mail.far.test             A    192.0.2.9
8.2.0.192.in-addr.arpa    PTR  mail.far.test
7.2.0.192.in-addr.arpa    SERVFAIL
6.2.0.192.in-addr.arpa    PTR  other.far.test
6.2.0.192.in-addr.arpa    PTR  six.far.test
six.far.test              A    192.0.2.6
5.2.0.192.in-addr.arpa    PTR  broken.far.test
broken.far.test           SERVFAIL
9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR mail6.far.test
mail6.far.test            AAAA 2001:db8::9
only-mx.far.test          MX   10 mail.far.test
)";

TEST(ClientLookup, NamesOfAnAddress) {
  const auto zone = dns::FakeZone::parse(kZone);
  const struct {
    const char* address;
    ReverseDns reverse;
    const char* name;
  } cases[] = {
      {"192.0.2.9", ReverseDns::confirmed, "mail.far.test"},
      {"192.0.2.8", ReverseDns::mismatch, ""},
      {"192.0.2.7", ReverseDns::unknown, ""},
      {"192.0.2.6", ReverseDns::confirmed, "six.far.test"},
      {"192.0.2.5", ReverseDns::unknown, ""},
      {"192.0.2.4", ReverseDns::none, ""},
      {"2001:db8::9", ReverseDns::confirmed, "mail6.far.test"},
      {"", ReverseDns::unknown, ""},
  };
  for (const auto& c : cases) {
    const auto [reverse, name] = run_task(look_up_names(zone, c.address));
    EXPECT_EQ(reverse, c.reverse) << c.address;
    EXPECT_EQ(name, c.name) << c.address;
  }
}

TEST(ClientLookup, KnownHosts) {
  const auto zone = dns::FakeZone::parse(kZone);
  for (const auto& [name, known] : {std::pair("MAIL.far.test", true),
                                    {"mail6.far.test", true},
                                    {"only-mx.far.test", true},
                                    {"nobody.far.test", false},
                                    {"broken.far.test", true},
                                    {"far.test", false}})
    EXPECT_EQ(run_task(is_known_host(zone, name)), known) << name;
}

/// What a list answers, and what it means.
TEST(ClientLookup, Lists) {
  const struct {
    const char* records; ///< of 192.0.2.9 in list.test
    bool listed;
    std::vector<std::string> answers{};
  } cases[] = {
      {"9.2.0.192.list.test A 127.0.0.2", true},
      {"9.2.0.192.list.test A 127.0.0.2\n9.2.0.192.list.test A 127.0.0.10", true},
      {"9.2.0.192.list.test A 127.0.0.10", false, {"127.0.0.2"}},
      {"9.2.0.192.list.test A 127.0.0.10", true, {"127.0.0.2", "127.0.0.8/29"}},
      {"9.2.0.192.list.test A 127.255.255.254", false},
      {"9.2.0.192.list.test A 127.255.255.252", false, {"127.0.0.0/8"}},
      {"9.2.0.192.list.test A 198.51.100.7", false},
      {"9.2.0.192.list.test A 127.0.0.2\n9.2.0.192.list.test A 198.51.100.7", false},
      {"9.2.0.192.list.test SERVFAIL", false},
      {"9.2.0.192.list.test TXT \"no address\"", false},
      {"8.2.0.192.list.test A 127.0.0.2", false},
      {"9.2.0.192.list.test A 127.0.0.2\n1.0.0.127.list.test A 127.0.0.2", false}, // it lists everybody
  };
  for (const auto& c : cases) {
    DnsList list{"list.test", 3, c.answers.empty() ? net::Networks() : net::Networks::parse(c.answers).value()};
    const auto hit = run_task(ask_list(dns::FakeZone::parse(c.records), list, "192.0.2.9"));
    EXPECT_EQ(hit.has_value(), c.listed) << c.records;
    if (hit) {
      EXPECT_EQ(hit->score, 3);
    }
  }
}

/// RFC 5782 sections 3 and 5.
TEST(ClientLookup, ListsOfDomains) {
  const std::string listed = "spam.example.list.test A 127.0.0.2\nspam.example.list.test TXT \"seen in phish\"\n";
  const struct {
    std::string records;
    const char* domain;
    bool listed;
  } cases[] = {
      {listed + "test.list.test A 127.0.0.2", "spam.example", true},
      {listed, "spam.example", true}, // without the test point: told of, but real lists have none
      {listed, "a.spam.example", false},
      {listed + "invalid.list.test A 127.0.0.2", "spam.example", false}, // it lists everybody
      {"spam.example.list.test A 127.255.255.254", "spam.example", false},
      {"spam.example.list.test A 192.0.2.1", "spam.example", false},
      {listed, "", false},
  };
  for (const auto& c : cases) {
    DnsList list{"list.test", 3, {}, true};
    const auto hit = run_task(ask_list(dns::FakeZone::parse(c.records), list, c.domain));
    EXPECT_EQ(hit.has_value(), c.listed) << c.records << c.domain;
    if (!hit) continue;
    EXPECT_EQ(hit->what, c.domain);
    EXPECT_EQ(hit->text, "seen in phish");
  }
  const std::string far_too_long = std::string(62, 'a') + "." + std::string(62, 'b') + "." + std::string(62, 'c') +
                                   "." + std::string(62, 'd') + ".example";
  EXPECT_FALSE(run_task(ask_list(dns::FakeZone::parse(listed), {"list.test", 3, {}, true}, far_too_long)));
}

TEST(ClientLookup, WhatListsOfDomainsAreAskedFor) {
  for (const auto& [name, domain] : {std::pair{"Spam.Example", "spam.example"},
                                     {"b\xC3\xBC"
                                      "cher.example",
                                      "xn--bcher-kva.example"},
                                     {"[192.0.2.1]", ""},
                                     {"192.0.2.1", ""},
                                     {"localhost", ""},
                                     {"", ""},
                                     {"a..b", ""},
                                     {"a b.example", ""}})
    EXPECT_EQ(listable_domain(name), domain) << name;
}

TEST(ClientLookup, TheListsWordsAreMadeHarmless) {
  const auto zone = dns::FakeZone::parse("9.2.0.192.list.test A 127.0.0.2");
  zone->add("9.2.0.192.list.test", dns::Type::txt, {.text = "evil\r\n250 ok" + std::string(400, 'x')});
  const auto hit = run_task(ask_list(zone, {"list.test", 1, {}}, "192.0.2.9"));
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->text.find('\n'), std::string::npos);
  EXPECT_LE(hit->text.size(), 210U);
}

TEST(ClientLookup, WhatIsRemembered) {
  FakeClock clock;
  FactsCache cache(clock);
  const auto facts = std::make_shared<const ClientFacts>();
  EXPECT_FALSE(cache.find("192.0.2.1"));
  cache.keep("192.0.2.1", facts);
  EXPECT_EQ(cache.find("192.0.2.1"), facts);
  clock.advance(std::chrono::minutes(6));
  EXPECT_FALSE(cache.find("192.0.2.1"));
  cache.keep("192.0.2.1", facts);
  EXPECT_TRUE(cache.find("192.0.2.1"));
  for (int i = 0; i < 5000; ++i) cache.keep("c" + std::to_string(i), facts);
  EXPECT_FALSE(cache.find("192.0.2.1")) << "bounded";
  EXPECT_TRUE(cache.find("c4999"));
  cache.clear();
  EXPECT_FALSE(cache.find("c4999"));
}

} // namespace
} // namespace paquebot::policy
