#include "base/log.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

namespace paquebot::log {
namespace {

using testing::HasSubstr;

TEST(Log, KeyValue) {
  EXPECT_EQ(format_line(Format::key_value, Level::info, "accepted",
                        {{"id", "01J"}, {"size", 12}, {"from", "a b"}, {"none", ""}, {"eq", "x=y"}}),
            "level=info event=accepted id=01J size=12 from=\"a b\" none=\"\" eq=\"x=y\"");
}

TEST(Log, KeyValueEscapesWhatComesFromOutside) {
  EXPECT_EQ(format_line(Format::key_value, Level::error, "e", {{"v", "a\"\\\r\n\t\x1b\xFFé level=info"}}),
            "level=error event=e v=\"a\\\"\\\\\\r\\n\\t\\x1b\\xffé level=info\"");
}

TEST(Log, Json) {
  EXPECT_EQ(format_line(Format::json, Level::warning, "e", {{"n", -5}, {"v", "q\"\n\x01\xC3"}, {"u", "é"}}),
            "{\"level\":\"warning\",\"event\":\"e\",\"n\":-5,\"v\":\"q\\\"\\n\\\\x01\\\\xc3\",\"u\":\"é\"}");
}

TEST(Log, LongValuesAreCut) {
  const std::string line = format_line(Format::key_value, Level::info, "e", {{"v", std::string(5000, 'x')}});
  EXPECT_LT(line.size(), 1100U);
  EXPECT_THAT(line, HasSubstr("…"));
}

std::string slurp(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Log, FileAndReopen) {
  const std::string path = testing::TempDir() + "paquebot_log_" + std::to_string(getpid());
  ASSERT_TRUE(configure(Format::json, Level::info, path));
  debug("hidden");
  warning("first", {{"id", "1"}});
  const std::string rotated = path + ".1";
  ASSERT_EQ(std::rename(path.c_str(), rotated.c_str()), 0);
  ASSERT_TRUE(reopen());
  warning("second");
  EXPECT_THAT(slurp(rotated), HasSubstr("\"event\":\"first\",\"id\":\"1\"}\n"));
  EXPECT_THAT(slurp(rotated), testing::StartsWith("{\"time\":\"20"));
  EXPECT_THAT(slurp(rotated), testing::Not(HasSubstr("hidden")));
  EXPECT_THAT(slurp(path), HasSubstr("second"));

  EXPECT_FALSE(configure(Format::json, Level::info, "/dev/null/log"));
  warning("third"); // the old output stays
  EXPECT_THAT(slurp(path), HasSubstr("third"));
  ASSERT_TRUE(configure(Format::key_value, Level::info));
  std::filesystem::remove(path);
  std::filesystem::remove(rotated);
}

TEST(Log, IsConfiguredAgainWhileOthersWrite) {
  const std::string path = testing::TempDir() + "paquebot_log_again_" + std::to_string(getpid());
  ASSERT_TRUE(configure(Format::json, Level::info, path));
  std::thread other([] {
    for (int i = 0; i < 2000; ++i) info("line", {{"n", i}});
  });
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(configure(i % 2 == 0 ? Format::key_value : Format::json, Level::info, path));
  other.join();
  ASSERT_TRUE(configure(Format::key_value, Level::info));
  const std::string text = slurp(path);
  EXPECT_EQ(std::ranges::count(text, '\n'), 2000);
  std::filesystem::remove(path);
}

} // namespace
} // namespace paquebot::log
