#include "net/transcript.h"

#include <gtest/gtest.h>

namespace paquebot::net {
namespace {

using Who = Transcript::Who;

TEST(Transcript, KeepsTheLastLinesAndCountsTheOthers) {
  Transcript transcript;
  for (std::size_t i = 0; i < Transcript::kMostLines + 3; ++i) transcript.add(Who::peer, std::to_string(i), 1);
  EXPECT_EQ(transcript.lines().size(), Transcript::kMostLines);
  EXPECT_EQ(transcript.lines().front().text, "3");
  EXPECT_EQ(transcript.lost(), 3U);
}

TEST(Transcript, TellsContentInOneLineAndCutsLongOnes) {
  Transcript transcript;
  transcript.add_content(Who::peer, 100, 1);
  transcript.add_content(Who::peer, 23, 2);
  transcript.add_lines(Who::us, "250-one\r\n250 two\r\n", 3);
  transcript.add_content(Who::peer, 5, 4);
  transcript.add(Who::peer, std::string(1000, 'x'), 5);
  const auto lines = transcript.lines();
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0].text, "(123 octets of content)");
  EXPECT_EQ(lines[0].at, 2);
  EXPECT_EQ(lines[1].text, "250-one");
  EXPECT_EQ(lines[2].text, "250 two");
  EXPECT_EQ(lines[3].text, "(5 octets of content)");
  EXPECT_EQ(lines[4].text, std::string(Transcript::kMostText, 'x') + "…");
}

TEST(Transcript, IsWatchedAsLongAsSomebodyAsks) {
  Transcript transcript;
  EXPECT_FALSE(transcript.watched(0));
  transcript.watch_until(60);
  transcript.watch_until(50);
  EXPECT_TRUE(transcript.watched(59));
  EXPECT_FALSE(transcript.watched(60));
}

} // namespace
} // namespace paquebot::net
