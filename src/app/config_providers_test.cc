#include "app/shipped_providers.h"
#include "app/test_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::app {
namespace {

using testing::HasSubstr;

const queue::Provider* provider_of(const Result<Config>& config, std::string_view name) {
  return config->snapshot.queue.providers->by_name(name);
}

/// With the providers that are known beside those of the text.
Result<Config> whole(const std::string& text) {
  auto config = parse(text);
  if (!config) return config;
  if (const auto read = read_providers(*config); !read) return std::unexpected(read.error());
  return config;
}

/// One provider with one rule, in which `change` has become `into`.
std::string with(const std::string& change = "", const std::string& into = "") {
  std::string text = R"([[provider]]
name = "big"
mx = [".Big.example", "mx.other.example"]
connections = 4
messages_per_connection = 50
rate = "600/min"
[[provider.when]]
name = "slow"
code = 421
status = "4.7.28"
text = "too fast"
count = "2/h"
scope = "signing-domain"
do = { rate = "10/min" }
for = "30m"
example = ["421-4.7.28 that was\n421 4.7.28 too fast"]
)";
  if (!change.empty()) text.replace(text.find(change), change.size(), into);
  return text;
}

TEST(Providers, TheShippedOnesAreGood) {
  const auto known = parse_providers(shipped_providers(), "providers.toml");
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_GE(known->size(), 4U);
  for (const queue::Provider& one : *known)
    for (const queue::Rule& rule : one.rules)
      for (const std::string& example : rule.examples)
        EXPECT_EQ(one.match(queue::parse_said(example).value())->name, rule.name);
  const auto config = whole("");
  ASSERT_TRUE(config);
  const auto hosts = [&](std::vector<std::string> names) {
    const queue::Provider* const found = config->snapshot.queue.providers->of_hosts(names);
    return found == nullptr ? std::string() : found->name;
  };
  EXPECT_EQ(hosts({"gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com"}), "google");
  EXPECT_EQ(hosts({"smtp.google.com"}), "google");
  EXPECT_EQ(hosts({"far-example.mail.protection.outlook.com"}), "microsoft");
  EXPECT_EQ(hosts({"mta5.am0.yahoodns.net", "mta6.am0.yahoodns.net"}), "yahoo");
  EXPECT_EQ(hosts({"mx.google.com.evil.example"}), "");
}

TEST(Providers, AreReadAsWritten) {
  const auto config = whole(with());
  ASSERT_TRUE(config) << config.error().message;
  const queue::Provider* const big = provider_of(config, "big");
  ASSERT_TRUE(big);
  EXPECT_EQ(big->mx, (std::vector<std::string>{".big.example", "mx.other.example"}));
  EXPECT_EQ(big->rate, (queue::Rate{600, 60}));
  ASSERT_EQ(big->rules.size(), 1U);
  const queue::Rule& rule = big->rules.front();
  EXPECT_EQ(rule.scope, queue::Scope::signing_domain);
  EXPECT_EQ(rule.act, queue::Act::rate);
  EXPECT_EQ(rule.rate, (queue::Rate{10, 60}));
  EXPECT_EQ(rule.count, (queue::Rate{2, 3600}));
  EXPECT_EQ(rule.lasts, 1800);
  EXPECT_TRUE(provider_of(config, "google")) << "the others stay";
}

TEST(Providers, OfTheSameNameReplacesTheShippedOne) {
  const auto config = whole("[[provider]]\nname = \"google\"\nmx = [\".google.com\"]\nconnections = 2\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(provider_of(config, "google")->connections, 2U);
  EXPECT_TRUE(provider_of(config, "google")->rules.empty());
  EXPECT_TRUE(provider_of(config, "yahoo"));
}

TEST(Providers, WhatIsWrongIsSaidWithItsLine) {
  const struct {
    const char *change, *into, *said;
  } cases[] = {
      {"\"big\"", "\"Big one\"", "a [[provider]] needs a name"},
      {"\".Big.example\"", "\"not a host\"", "is neither a host's name"},
      {"mx = [\".Big.example\", \"mx.other.example\"]", "", "mx"},
      {"\"600/min\"", "\"many\"", "is not like"},
      {"example = [\"421-4.7.28 that was\\n421 4.7.28 too fast\"]", "", "the rule slow has no example"},
      {"text = \"too fast\"", "text = \"too slow\"", "does not match the rule"},
      {"421-4.7.28 that was\\n421", "hello", "is no reply"},
      {"code = 421", "code = 250", "code"},
      {"\"4.7.28\"", "\"4.7.28 x\"", "enhanced code"},
      {"\"signing-domain\"", "\"everybody\"", "scope"},
      {"{ rate = \"10/min\" }", "{ connections = 2 }", "scope must be \"source\""},
      {"{ rate = \"10/min\" }", "{ rate = \"10/min\", pause = true }", "do says one thing"},
      {"{ rate = \"10/min\" }", "{ explode = true }", "explode"},
      {"{ rate = \"10/min\" }", "{ pause = false }", "pause is true"},
      {"do = { rate = \"10/min\" }", "", "says what to do"},
      {"\"30m\"", "\"5h\"", "for"},
      {"for = ", "fro = ", "fro"},
  };
  for (const auto& c : cases) {
    const auto config = parse(with(c.change, c.into));
    ASSERT_FALSE(config) << c.change << " as " << c.into;
    EXPECT_THAT(config.error().message, HasSubstr(c.said));
  }
  const std::string again = with().substr(with().find("[[provider.when]]"));
  EXPECT_THAT(parse(with() + again).error().message, HasSubstr("another rule slow"));
  std::string later = again;
  later.replace(later.find("\"slow\""), 6, "\"later\"");
  EXPECT_THAT(parse(with() + later).error().message, HasSubstr("matched by the rule slow before it"));
  EXPECT_THAT(parse(with() + with()).error().message, HasSubstr("another [[provider]] with the name big"));
  EXPECT_THAT(parse_providers("[server]\n", "p.toml").error().message, HasSubstr("p.toml:1"));
}

} // namespace
} // namespace paquebot::app
