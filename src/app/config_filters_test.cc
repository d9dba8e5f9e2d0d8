#include "app/snapshot.h"
#include "app/test_config.h"

#include <gmock/gmock.h>

namespace paquebot::app {
namespace {

using Role = service::ListenerRole;
using testing::HasSubstr;

TEST(ConfigFilters, EveryKey) {
  const auto config = parse(R"(
[[filter]]
type = "milter"
name = "opendkim"
address = "unix:/run/opendkim.sock"
timeout = "10s"
total_timeout = "1m"
when_away = "accept"
applies_to = ["submission", "lmtp"]
[[filter]]
type = "rspamd"
address = "inet:localhost:11333"
max_size = "10MiB"
reject = "hold"
greylist = "defer"
[[filter]]
type = "clamd"
address = "inet:[::1]:3310"
found = "tag"
[limits]
message_size = "1MiB"
)");
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->filters.size(), 3u);
  const filter::Options& milter = config->filters[0].options;
  EXPECT_EQ(milter.name, "opendkim");
  EXPECT_EQ(milter.kind, filter::Kind::milter);
  EXPECT_EQ(milter.place.to_string(), "unix:/run/opendkim.sock");
  EXPECT_EQ(milter.timeout, std::chrono::seconds(10));
  EXPECT_EQ(milter.total_timeout, std::chrono::seconds(60));
  EXPECT_EQ(milter.when_away, filter::Away::accept);
  EXPECT_EQ(milter.max_new_body, 1u << 20);
  const filter::Options& rspamd = config->filters[1].options;
  EXPECT_EQ(rspamd.name, "rspamd");
  EXPECT_EQ(rspamd.when_away, filter::Away::defer);
  EXPECT_EQ(rspamd.max_size, 10u << 20);
  EXPECT_EQ(rspamd.bad, filter::Deed::hold);
  EXPECT_TRUE(rspamd.defer_greylisted);
  EXPECT_EQ(config->filters[2].options.bad, filter::Deed::tag);
  EXPECT_EQ(config->filters[2].options.max_size, 25u << 20);
  EXPECT_EQ(filters_for(*config, Role::mx)->size(), 2u);
  EXPECT_EQ(filters_for(*config, Role::submission)->size(), 3u);
  EXPECT_EQ(filters_for(*config, Role::lmtp)->front().name, "opendkim");
  EXPECT_EQ(filters_for(*parse(""), Role::mx), nullptr);
}

TEST(ConfigFilters, Errors) {
  const std::string good = "type = \"milter\"\naddress = \"unix:/x\"\n";
  const std::vector<std::pair<std::string, const char*>> rows{
      {"address = \"unix:/x\"\n", "p.toml:1: a [[filter]] needs a type"},
      {"type = \"milter\"\n", "needs an address"},
      {"type = \"milter\"\naddress = \"/x\"\n", "p.toml:3: address: write \"unix:/path\""},
      {"type = \"spamd\"\naddress = \"unix:/x\"\n", "p.toml:2: type = \"spamd\" is not known"},
      {good + "found = \"tag\"\n", "p.toml:4: found is for filters of the type \"clamd\""},
      {good + "reject = \"tag\"\n", "reject is for filters of the type \"rspamd\""},
      {good + "max_size = \"1MiB\"\n", "max_size is for filters of the types"},
      {good + "applies_to = [\"pop3\"]\n", "\"pop3\" in applies_to is not known"},
      {good + "name = \"a b\"\n", "the name of a [[filter]] is 1 to 40 letters"},
      {good + "timeout = \"0s\"\n", "too short"},
      {good + "when_away = \"drop\"\n", "use one of accept, defer"},
      {good + "when_awy = \"drop\"\n", "do you mean \"when_away\"?"},
      {good + "[[filter]]\n" + good, "another [[filter]] has the name \"milter\" too"},
  };
  for (const auto& [text, words] : rows) {
    const auto config = parse("[[filter]]\n" + text);
    ASSERT_FALSE(config) << text;
    EXPECT_THAT(config.error().message, HasSubstr(words));
  }
}

} // namespace
} // namespace paquebot::app
