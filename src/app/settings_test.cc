#include "app/reference.h"
#include "app/settings.h"
#include "app/test_config.h"
#include "control/json.h"
#include "store/sending_limits.h"

#include <fstream>
#include <gmock/gmock.h>
#include <set>
#include <sstream>

namespace paquebot::app {
namespace {

using testing::Contains;
using testing::HasSubstr;

template <class Owner>
const Section<Owner>& section_of(const Section<Owner>& section) {
  return section;
}
template <class Item>
const Section<Item>& section_of(const List<Item>& list) {
  return list.each;
}

template <class F>
void for_each_setting(F use) {
  for (const AnySection& any : settings())
    std::visit(
        [&](const auto& one) {
          for (const auto& setting : section_of(one).settings) use(section_of(one), setting);
        },
        any);
}

/// "section.key = value" of everything that a configuration says.
std::vector<std::string> everything(const Config& config) {
  std::vector<std::string> lines;
  const auto add = [&](const auto& section, const auto& owner) {
    for (const auto& setting : section.settings)
      lines.push_back(std::string(section.name) + "." + std::string(setting.key) + " = " + setting.value.write(owner));
  };
  for (const AnySection& any : settings()) {
    if (const auto* section = std::get_if<Section<Config>>(&any)) {
      add(*section, config);
      continue;
    }
    std::visit(
        [&](const auto& list) {
          if constexpr (requires { list.items; })
            for (const auto& item : list.items(const_cast<Config&>(config))) add(list.each, item);
        },
        any);
  }
  return lines;
}

TEST(Settings, EachKeyOnceWithAFormADefaultAndWords) {
  std::set<std::string> seen;
  for_each_setting([&](const auto& section, const auto& setting) {
    const std::string name = std::string(section.name) + "." + std::string(setting.key);
    EXPECT_TRUE(seen.insert(name).second) << name << " is there twice";
    EXPECT_FALSE(setting.value.form.empty()) << name;
    EXPECT_TRUE(setting.value.reset && setting.value.read && setting.value.write) << name;
    EXPECT_FALSE(setting.required && !setting.otherwise.empty()) << name;
    EXPECT_EQ(setting.text.find('|'), std::string_view::npos) << name << ": it would end the cell";
    for (const std::string_view word : setting.value.words)
      EXPECT_TRUE(section.name == "guard" || // whose measures are told once for all
                  setting.text.find("`\"" + std::string(word) + "\"`") != std::string_view::npos)
          << name << " does not tell of " << word;
  });
  EXPECT_GT(seen.size(), 100u);
}

TEST(Settings, EveryLimitOfAccountsHasAKey) {
  std::set<std::string_view> keys;
  for (const auto& setting : kAccountLimitsSettings.settings) keys.insert(setting.key);
  EXPECT_EQ(keys.size(), store::kLimitKinds.size());
  for (const store::LimitKind kind : store::kLimitKinds) EXPECT_THAT(keys, Contains(store::name_of(kind)));
}

TEST(Settings, TheDefaultsReadBackAreTheDefaults) {
  const auto none = parse(""), printed = parse(defaults_toml());
  ASSERT_TRUE(none);
  ASSERT_TRUE(printed) << printed.error().message;
  EXPECT_EQ(everything(*printed), everything(*none));
  EXPECT_EQ(printed->listeners.size(), 7u);
  EXPECT_TRUE(restart_keys(*none, *printed).empty());
}

TEST(Settings, TheDefaultsNameEveryKey) {
  const std::string text = "\n" + defaults_toml();
  for_each_setting([&](const auto&, const auto& setting) {
    const std::string key = std::string(setting.key) + " =";
    EXPECT_TRUE(text.find("\n" + key) != text.npos || text.find("\n#" + key) != text.npos) << key;
  });
}

/// What is written of a value is read as the same value: the console will write what it has read.
TEST(Settings, WhatIsWrittenIsRead) {
  const auto config = parse(R"(
[server]
hostname = "a.example"
backup_dirs = ["/a \\ \"b\"", "/c"]
log_level = "warning"
new_domain_grace = 90
[[listener]]
role = "lmtp"
address = "unix:/x"
socket_mode = 0o660
accept_from = ["10.0.0.0/8", "2001:db8::/32", "::ffff:192.0.2.7"]
[[filter]]
type = "clamd"
address = "inet:[::1]:3310"
applies_to = ["lmtp", "mx"]
[[route]]
to = ".example.org"
host = "b.example"
tls = "opportunistic"
[delivery]
families = ["ipv6"]
source_address = ["2001:db8::7"]
[login]
scram = false
[limits]
message_size = "64KiB"
content_pace = 1000
hold = "36h"
)");
  ASSERT_TRUE(config) << config.error().message;
  const std::vector<std::string> lines = everything(*config);
  for (const char* line :
       {R"(server.backup_dirs = ["/a \\ \"b\"", "/c"])", R"(server.log_level = "warning")",
        R"(server.new_domain_grace = "90s")", "listener.socket_mode = 0o660",
        R"(listener.accept_from = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"])",
        R"(filter.address = "inet:[::1]:3310")", R"(filter.applies_to = ["lmtp", "mx"])",
        R"(filter.max_size = "25MiB")", R"(route.to = ".example.org")", R"(route.tls = "opportunistic")",
        R"(delivery.families = ["ipv6"])", R"(delivery.source_address = ["2001:db8::7"])", R"(login.scram = "off")",
        R"(limits.message_size = "64KiB")", "limits.content_pace = 1000", R"(limits.hold = "36h")"})
    EXPECT_THAT(lines, Contains(line));
}

TEST(Settings, WhatTakesARestart) {
  const auto plain = parse("[server]\nhostname = \"a.example\"");
  const struct {
    const char* text;
    std::vector<std::string> keys;
  } cases[] = {
      {"[server]\nhostname = \"a.example\"\nlog_level = \"debug\"\n[limits]\nerrors = 5", {}},
      {"[server]\nhostname = \"b.example\"", {"server.hostname"}},
      {"[server]\nhostname = \"a.example\"\norigin = \"c.example\"", {"server.origin"}},
      {"[server]\nhostname = \"a.example\"\ndata_dir = \"/srv/m\"",
       {"server.data_dir", "server.control_socket", "server.drop_dir"}},
      {"[server]\nhostname = \"a.example\"\nsandbox = false\n[dns]\nresolvers = [\"127.0.0.1\"]",
       {"server.sandbox", "dns.resolvers"}},
      {"[server]\nhostname = \"a.example\"\n[[listener]]\nrole = \"mx\"\naddress = \"[::]:25\"",
       {"listener.role", "listener.address"}},
  };
  for (const auto& c : cases) {
    const auto changed = parse(c.text);
    ASSERT_TRUE(changed) << changed.error().message;
    EXPECT_EQ(restart_keys(*plain, *changed), c.keys) << c.text;
  }
  const auto mode = [](const std::string& more) {
    return parse("[[listener]]\nrole = \"lmtp\"\naddress = \"unix:/x\"\n" + more).value();
  };
  EXPECT_EQ(restart_keys(mode(""), mode("socket_mode = 0o600")), std::vector<std::string>{"listener.socket_mode"});
  EXPECT_TRUE(restart_keys(mode(""), mode("socket_mode = 0o666")).empty());
}

TEST(Settings, TheReferenceForPrograms) {
  const auto reference = control::parse_json(reference_json(), "the reference");
  ASSERT_TRUE(reference) << reference.error().message;
  const auto setting_of = [&](std::string_view section, std::string_view key) {
    for (const auto& one : control::get_list(*reference, "sections"))
      if (control::get_text(one, "name") == section)
        for (const auto& setting : control::get_list(one, "settings"))
          if (control::get_text(setting, "key") == key) return setting;
    return control::json::value();
  };
  EXPECT_EQ(control::get_list(*reference, "sections").size(), settings().size());
  const auto errors = setting_of("limits", "errors");
  EXPECT_EQ(control::get_number(errors, "default"), 20);
  EXPECT_EQ(control::get_number(errors, "most"), 100000);
  EXPECT_EQ(control::get_text(errors, "form"), "number");
  const auto timeout = setting_of("authentication", "timeout");
  EXPECT_EQ(control::get_text(timeout, "default"), "10s");
  EXPECT_EQ(control::get_number(timeout, "most"), 60);
  EXPECT_EQ(control::get_list(setting_of("server", "log_level"), "words").size(), 4u);
  EXPECT_TRUE(control::get_bool(setting_of("listener", "role"), "required"));
  EXPECT_TRUE(control::get_bool(setting_of("dns", "dnssec"), "restart"));
  EXPECT_EQ(control::get_text(setting_of("server", "origin"), "otherwise"), "`hostname`");
  EXPECT_EQ(control::get_text(setting_of("listener", "socket_mode"), "default"), "0o666");
  EXPECT_EQ(control::get_list(setting_of("guard", "allow"), "default").size(), 2u);
}

/// The table below a heading that names the section; "" without one.
std::string table_below(const std::string& document, const std::string& heading) {
  std::istringstream lines(document);
  std::string line, table;
  bool found = false;
  while (std::getline(lines, line)) {
    if (line.starts_with('#')) found = line.ends_with("# " + heading) || line.ends_with(" " + heading);
    if (found && line.starts_with('|')) table += line + "\n";
  }
  return table;
}

TEST(Settings, TheDocumentHasTheTables) {
  std::ifstream file(std::string(PAQUEBOT_SOURCE_DIR) + "/docs/configuration.md");
  const std::string document(std::istreambuf_iterator<char>(file), {});
  std::size_t headings = 0;
  std::istringstream lines(document);
  for (std::string line; std::getline(lines, line);) headings += line.starts_with('#') && line.ends_with(']') ? 1 : 0;
  EXPECT_EQ(headings, settings().size());
  for (const auto& [heading, table] : reference_tables())
    EXPECT_EQ(table_below(document, heading), table) << "docs/configuration.md: run tools/reference --write PROGRAM";
}

} // namespace
} // namespace paquebot::app
