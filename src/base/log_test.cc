#include "base/log.h"
#include "base/log_node.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
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

TEST(Log, EscapesWhatTurnsTheDirectionOfWriting) {
  EXPECT_EQ(format_line(Format::key_value, Level::info, "e", {{"v", "\u202Eab"}, {"w", "a\u2028b"}}),
            "level=info event=e v=\"\\xe2\\x80\\xaeab\" w=\"a\\xe2\\x80\\xa8b\"");
  EXPECT_EQ(format_line(Format::json, Level::info, "e", {{"v", "\u2066ab"}}),
            R"({"level":"info","event":"e","v":"\\xe2\\x81\\xa6ab"})");
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

TEST(Log, LinesNameTheNode) {
  const std::string path = testing::TempDir() + "paquebot_log_node_" + std::to_string(getpid());
  ASSERT_TRUE(configure(Format::key_value, Level::info, path));
  name_node("mx 1");
  info("first", {{"id", "1"}});
  adjust(Format::json, Level::info);
  warning("second");
  ASSERT_TRUE(configure(Format::key_value, Level::info, path));
  warning("third");
  name_node({});
  warning("fourth");
  const std::string text = slurp(path);
  EXPECT_THAT(text, HasSubstr(" level=info node=\"mx 1\" event=first id=1\n"));
  EXPECT_THAT(text, HasSubstr(R"("level":"warning","node":"mx 1","event":"second"})"));
  EXPECT_THAT(text, HasSubstr(" level=warning node=\"mx 1\" event=third\n"));
  EXPECT_THAT(text, HasSubstr(" level=warning event=fourth\n"));
  ASSERT_TRUE(configure(Format::key_value, Level::info));
  std::filesystem::remove(path);
}

TEST(Log, OnlyAPlainFileIsALog) {
  const std::string path = testing::TempDir() + "paquebot_log_fifo_" + std::to_string(getpid());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const auto fifo = configure(Format::key_value, Level::info, path); // nobody reads it: opening it must not wait
  ASSERT_FALSE(fifo);
  EXPECT_THAT(fifo.error().message, HasSubstr("plain file"));
  EXPECT_FALSE(configure(Format::key_value, Level::info, testing::TempDir()));
  std::filesystem::remove(path);
}

TEST(Log, FormAndLevelChangeAlsoWhenTheFileCantBeOpenedAgain) {
  const std::string folder = testing::TempDir() + "paquebot_log_folder_" + std::to_string(getpid());
  const std::string path = folder + "/log", away = folder + ".old";
  std::filesystem::create_directory(folder);
  ASSERT_TRUE(configure(Format::key_value, Level::info, path));
  debug("hidden");
  std::filesystem::rename(folder, away);
  EXPECT_FALSE(reopen());
  adjust(Format::json, Level::debug);
  debug("shown");
  warning("last");
  EXPECT_THAT(slurp(away + "/log"), HasSubstr("\"event\":\"shown\""));
  EXPECT_THAT(slurp(away + "/log"), testing::Not(HasSubstr("hidden")));
  std::filesystem::create_directory(folder);
  ASSERT_TRUE(reopen());
  warning("again");
  EXPECT_THAT(slurp(path), HasSubstr("\"event\":\"again\""));
  ASSERT_TRUE(configure(Format::key_value, Level::info));
  std::filesystem::remove_all(folder);
  std::filesystem::remove_all(away);
}

TEST(Log, ABatchIsWrittenAtItsEndOrWithTheNextWarning) {
  const std::string path = testing::TempDir() + "paquebot_log_batch_" + std::to_string(getpid());
  ASSERT_TRUE(configure(Format::key_value, Level::info, path));
  std::thread other;
  {
    const Batch outer;
    {
      const Batch inner;
      info("one");
      info("two");
    }
    EXPECT_EQ(slurp(path), "") << "the outermost batch counts";
    warning("three");
    EXPECT_THAT(slurp(path), testing::ContainsRegex("event=one\ntime=.*event=two\ntime=.*event=three\n$"));
    info("four");
    other = std::thread([] { warning("five"); });
    other.join();
    EXPECT_THAT(slurp(path), HasSubstr("event=five\n")) << "other threads' lines are not kept back";
  }
  warning("six"); // flushes the file
  EXPECT_THAT(slurp(path), testing::ContainsRegex("event=five\ntime=.*event=four\ntime=.*event=six\n$"));
  ASSERT_TRUE(configure(Format::key_value, Level::info));
  std::filesystem::remove(path);
}

TEST(Log, ABatchIsBoundedAndFollowsTheOutput) {
  const std::string path = testing::TempDir() + "paquebot_log_bound_" + std::to_string(getpid());
  const std::string next = path + ".next";
  ASSERT_TRUE(configure(Format::key_value, Level::info, path));
  {
    const Batch lines;
    for (int i = 0; i < 1000; ++i) info("line", {{"text", std::string(200, 'x')}});
    EXPECT_GT(std::filesystem::file_size(path), 100'000U) << "more than a batch holds was written before its end";
    ASSERT_TRUE(configure(Format::key_value, Level::warning, next));
    warning("elsewhere");
    EXPECT_EQ(std::ranges::count(slurp(path), '\n'), 1000) << "each line goes where it was meant for";
  }
  EXPECT_EQ(std::ranges::count(slurp(next), '\n'), 1);
  ASSERT_TRUE(configure(Format::key_value, Level::info));
  std::filesystem::remove(path);
  std::filesystem::remove(next);
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
