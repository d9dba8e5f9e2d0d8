#include "app/reader.h"
#include "app/test_config.h"

#include <array>
#include <gmock/gmock.h>

namespace paquebot::app {
namespace {

TEST(Config, ControlCharactersAreRefusedWithTheirLine) {
  for (const std::string& text :
       {std::string("[[\0]]\n", 7), std::string("a = 1\n[[\x01x]]\n"), std::string("[\x7F]\n")}) {
    const auto config = parse(text);
    ASSERT_FALSE(config);
    EXPECT_NE(config.error().message.find("a control character"), std::string::npos) << config.error().message;
  }
}

TEST(Config, ASectionWithAnOddNameIsRefusedWithItsLine) {
  const auto config = parse("\n[%server]\nhostname = \"x\"\n");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find(":2: the name of a section"), std::string::npos) << config.error().message;
}

TEST(ConfigReader, DurationsAndSizes) {
  EXPECT_EQ(parse_duration("90"), std::chrono::seconds(90));
  EXPECT_EQ(parse_duration("4h"), std::chrono::hours(4));
  EXPECT_EQ(parse_duration("5 d"), std::chrono::hours(120));
  EXPECT_EQ(parse_size("2MiB"), 2u << 20);
  EXPECT_EQ(parse_size("10"), 10u);
  for (const char* bad : {"", "m", "-5s", "5 weeks", "1.5h", "99999999999999999999", "9999999999999999h"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
    EXPECT_FALSE(parse_size(bad)) << bad;
  }
}

/// What the reader says is wrong with `text`, where each value is read in its own form.
std::string complaints(const std::string& text) {
  const auto root = parse_toml(text, "p.toml");
  if (!root) return root.error().message;
  Reader read("p.toml", read_file);
  const Bounds seconds{.least = 5, .most = 60, .why = "or nobody waits"}, octets{.least = 1024, .most = 4096};
  static constexpr std::array<std::string_view, 2> kWords{"one", "two"};
  for (const Node& node : root->nodes) {
    if (node.key == "flag") read.flag(node);
    if (node.key == "number") read.number(node, {.least = -1, .most = 9});
    if (node.key == "duration") read.duration(node, seconds);
    if (node.key == "size") read.size(node, octets);
    if (node.key == "text") read.text(node);
    if (node.key == "path") read.path(node);
    if (node.key == "word") read.word(node, kWords);
    if (node.key == "texts") read.texts(node);
    if (node.key == "networks") read.networks(node);
    if (node.key == "file") read.contents(node, node.text);
  }
  return read.errors();
}

TEST(ConfigReader, SaysWhatIsWrongWithAValue) {
  const struct {
    const char *text, *expected;
  } cases[] = {
      {"flag = 1", "p.toml:1: flag must be true or false"},
      {"number = \"7\"", "p.toml:1: number must be a number"},
      {"number = 1.5", "p.toml:1: number must be a number"},
      {"number = 10", "p.toml:1: number = 10 is out of bounds: from -1 to 9"},
      {"\nduration = true", "p.toml:2: duration must be a duration such as \"30s\", \"5m\", \"4h\" or \"5d\""},
      {"duration = -7", "duration must be a duration"},
      {"duration = \"4s\"", "duration = 4s is too short: at least 5 seconds"},
      {"duration = 61", "duration = 61 is too long: at most 60 seconds, or nobody waits"},
      {"size = \"much\"", "size must be a size such as \"50MiB\""},
      {"size = \"1GiB\"", "size = 1GiB is out of bounds: from 1024 to 4096 octets"},
      {"text = 1979-05-27", "text must be a text in quotes"},
      {"path = \"a/b\"", "path = \"a/b\" does not begin with \"/\": write the whole path"},
      {"word = \"three\"", "word = \"three\" is not known: use one of one, two"},
      {"word = 1", "word must be a word in quotes"},
      {"texts = \"a\"", "texts must be a list of texts, such as [\"…\"]"},
      {"texts = [\n\"a\",\n1]", "p.toml:3: texts must be a list of texts"},
      {"networks = [\"10.0.0.1/8\"]", "networks: \"10.0.0.1/8\" has bits beyond its prefix"},
      {"file = \"/nowhere/at/all\"", "can't read file = \"/nowhere/at/all\": No such file"},
  };
  for (const auto& c : cases) EXPECT_THAT(complaints(c.text), testing::HasSubstr(c.expected)) << c.text;
  EXPECT_EQ(complaints("flag = true\nnumber = -1\nduration = \"1m\"\nsize = \"1KiB\"\ntext = \"\"\npath = \"\"\n"
                       "word = \"two\"\ntexts = []\nnetworks = [\"::1\"]\nfile = \"\"\n"),
            "");
}

TEST(ConfigReader, NearNamesAreSuggested) {
  const std::vector<std::string_view> known{"hostname", "origin", "data_dir"};
  EXPECT_EQ(nearest("hostnam", known), "hostname");
  EXPECT_EQ(nearest("datadir", known), "data_dir");
  EXPECT_EQ(nearest("colour", known), "");
}

TEST(TomlFile, WhatIsNestedDeeperThanAnyKeyIsNotFollowed) {
  std::string text = "a = ";
  for (int i = 0; i < 100; ++i) text += '[';
  for (int i = 0; i < 100; ++i) text += ']';
  const auto root = parse_toml(text, "p.toml");
  ASSERT_TRUE(root) << root.error().message;
  unsigned depth = 0;
  const Node* node = &*root;
  for (; !node->nodes.empty(); node = &node->nodes.front()) ++depth;
  EXPECT_EQ(node->kind, Node::Kind::other);
  EXPECT_LE(depth, 16u);
}

TEST(TomlFile, LinesAndKinds) {
  const auto root = parse_toml("a = 1\n[b]\nc = [\n\"x\"]\n[[d]]\n", "p.toml");
  ASSERT_TRUE(root) << root.error().message;
  EXPECT_EQ(root->find("a")->number, 1);
  EXPECT_EQ(root->find("b")->find("c")->line, 3u);
  EXPECT_EQ(root->find("b")->find("c")->nodes.at(0).line, 4u);
  EXPECT_TRUE(root->find("d")->is_list_of_tables());
  EXPECT_FALSE(root->find("b")->find("c")->is_list_of_tables());
  EXPECT_EQ(root->find("e"), nullptr);
  EXPECT_EQ(root->find("a")->find("e"), nullptr);
}

} // namespace
} // namespace paquebot::app
