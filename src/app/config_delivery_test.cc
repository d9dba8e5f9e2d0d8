#include "app/test_config.h"

#include <gtest/gtest.h>

namespace paquebot::app {
namespace {

Result<Config> parsed_delivery(const std::string& delivery) { return parse("[delivery]\n" + delivery); }

TEST(ConfigDelivery, OneSourceAddressForEachFamily) {
  const struct {
    const char *text, *four, *six;
  } cases[] = {
      {"", "", ""},
      {"source_address = \"\"", "", ""},
      {"source_address = \"192.0.2.7\"", "192.0.2.7", ""},
      {"source_address = \"2001:db8::7\"", "", "2001:db8::7"},
      {"source_address = [\"2001:db8::7\", \"192.0.2.7\"]", "192.0.2.7", "2001:db8::7"},
      {"source_address = [\"192.0.2.7\"]", "192.0.2.7", ""},
      {"source_address = []", "", ""},
  };
  for (const auto& c : cases) {
    const auto config = parsed_delivery(c.text);
    ASSERT_TRUE(config) << c.text << ": " << config.error().message;
    EXPECT_EQ(config->server.connector.source_ipv4, c.four) << c.text;
    EXPECT_EQ(config->server.connector.source_ipv6, c.six) << c.text;
    EXPECT_TRUE(config->server.connector.ipv4 && config->server.connector.ipv6) << c.text;
  }
}

TEST(ConfigDelivery, Families) {
  const struct {
    const char* text;
    bool four, six;
  } cases[] = {
      {"families = [\"ipv4\"]\nsource_address = \"192.0.2.7\"", true, false},
      {"families = [\"ipv6\"]", false, true},
      {"families = [\"ipv6\", \"ipv4\"]", true, true},
  };
  for (const auto& c : cases) {
    const auto config = parsed_delivery(c.text);
    ASSERT_TRUE(config) << c.text << ": " << config.error().message;
    EXPECT_EQ(config->server.connector.ipv4, c.four) << c.text;
    EXPECT_EQ(config->server.connector.ipv6, c.six) << c.text;
  }
}

TEST(ConfigDelivery, SaysWhatIsWrong) {
  const struct {
    const char *text, *expected;
  } cases[] = {
      {"source_address = \"mx.example.org\"", "p.toml:2: source_address = \"mx.example.org\" is not an IP address"},
      {"source_address = [\"192.0.2.7\", \"192.0.2.8\"]", "p.toml:2: source_address names two addresses of IPv4"},
      {"source_address = [7]", "p.toml:2: source_address must be a list of texts"},
      {"source_address = 7", "p.toml:2: source_address must be a text in quotes"},
      {"families = [\"ipv4\"]\nsource_address = \"::1\"", "p.toml:3: source_address names an address of IPv6, which"},
      {"families = []", "p.toml:2: families must name \"ipv4\", \"ipv6\" or both"},
      {"families = [\"ip4\"]", "p.toml:2: families = [\"ip4\"] is not known"},
      {"families = \"ipv4\"", "p.toml:2: families must be a list"},
      {"familes = [\"ipv4\"]", "p.toml:2: unknown key \"familes\" in [delivery]: do you mean \"families\"?"},
  };
  for (const auto& c : cases) {
    const auto config = parsed_delivery(c.text);
    ASSERT_FALSE(config) << c.text;
    EXPECT_NE(config.error().message.find(c.expected), std::string::npos) << c.text << "\ngives\n"
                                                                          << config.error().message;
  }
}

TEST(ConfigDelivery, NeedsARestart) {
  const auto before = parsed_delivery("source_address = \"192.0.2.7\""),
             after = parsed_delivery("families = [\"ipv4\"]");
  ASSERT_TRUE(before && after);
  EXPECT_EQ(restart_keys(*before, *after), (std::vector<std::string>{"delivery.source_address", "delivery.families"}));
}

} // namespace
} // namespace paquebot::app
