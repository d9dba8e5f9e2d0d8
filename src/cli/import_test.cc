#include "cli/import.h"
#include "cli/mbox_reader.h"
#include "cli/test_support.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Imported {
  std::vector<std::string> contents;
  std::vector<ImportedMessage> messages;
  ImportSummary summary;
  std::string problems, error;
};

Imported import_all(const std::string& path, bool read = true) {
  Imported all;
  std::ostringstream problems;
  auto sink = [&](const ImportedMessage& message, const ImportContent& content) -> Result<> {
    all.messages.push_back(message);
    std::string text;
    while (read) {
      auto piece = content();
      if (!piece) return std::unexpected(piece.error());
      if (piece->empty()) break;
      EXPECT_LE(piece->size(), 140'000u);
      text += *piece;
    }
    if (text.contains("REFUSE")) return fail(Errc::invalid, "no");
    if (text.contains("STOP")) return fail(Errc::no_space, "the disk is full");
    all.contents.push_back(text);
    return {};
  };
  auto done = import_mailbox(path, sink, problems);
  if (done)
    all.summary = *done;
  else
    all.error = done.error().message;
  all.problems = problems.str();
  return all;
}

const std::string kFrom = "From anna@example.org Mon Nov 23 12:00:00 2026\n";

TEST(ImportMbox, Reads) {
  struct {
    const char* name;
    std::string file;
    std::vector<std::string> contents;
  } cases[] = {
      {"one", kFrom + "A: b\n\nx\n\n", {"A: b\r\n\r\nx\r\n"}},
      {"two", kFrom + "A: b\n\nx\n\n" + kFrom + "C: d\n\ny\n\n", {"A: b\r\n\r\nx\r\n", "C: d\r\n\r\ny\r\n"}},
      {"CRLF",
       "From a Mon Nov 23 12:00:00 2026\r\nA: b\r\n\r\nx\r\n\r\nFrom a Mon Nov 23 12:00:00 2026\r\nC: d\r\n\r\n",
       {"A: b\r\n\r\nx\r\n", "C: d\r\n"}},
      {"quoted",
       kFrom + "A: b\n\n>From x\n>>From y\n> From z\n>Fromage\n",
       {"A: b\r\n\r\nFrom x\r\n>From y\r\n> From z\r\n>Fromage\r\n"}},
      {"From in the text",
       kFrom + "A: b\n\nFrom here on it is text\nx\n" + kFrom,
       {"A: b\r\n\r\nFrom here on it is text\r\nx\r\n" + kFrom.substr(0, kFrom.size() - 1) + "\r\n"}},
      {"blank lines at the end",
       kFrom + "A: b\n\nx\n\n\n\n" + kFrom + "C: d\n",
       {"A: b\r\n\r\nx\r\n\r\n\r\n", "C: d\r\n"}},
      {"no last line end", kFrom + "A: b\n\nx", {"A: b\r\n\r\nx\r\n"}},
      {"CR at the end", kFrom + "A: b\n\nx\r", {"A: b\r\n\r\nx\r\r\n"}},
      {"long lines",
       kFrom + "A: b\n\n" + std::string(300'000, 'x') + "\n>From " + std::string(100'000, 'y') + "\n",
       {"A: b\r\n\r\n" + std::string(300'000, 'x') + "\r\nFrom " + std::string(100'000, 'y') + "\r\n"}},
      {"empty file", "", {}},
  };
  for (const auto& c : cases) {
    test::Folder folder;
    Imported all = import_all(folder.write("box", c.file));
    EXPECT_EQ(all.contents, c.contents) << c.name;
    EXPECT_EQ(all.error, "") << c.name;
  }
}

TEST(ImportMbox, LineEndsAtEveryPlaceOfABlock) {
  for (std::size_t length : {65535u - 60, 65536u - 60, 65536u, 65537u, 131072u - 1, 131072u}) {
    for (int more = 0; more < 8; ++more) {
      test::Folder folder;
      std::string body(length + static_cast<std::size_t>(more), 'x');
      Imported all =
          import_all(folder.write("box", "From a Mon Nov 23 12:00:00 2026\r\nA: b\r\n\r\n" + body + "\r\ny\r\n"));
      ASSERT_THAT(all.contents, ElementsAre("A: b\r\n\r\n" + body + "\r\ny\r\n"))
          << length + static_cast<std::size_t>(more);
    }
  }
}

TEST(ImportMbox, DatesAndOffsets) {
  test::Folder folder;
  std::string path = folder.write("box", kFrom + "A: b\n\nx\n\n" + kFrom + "C: d\n");
  Imported all = import_all(path, false);
  ASSERT_EQ(all.messages.size(), 2u);
  EXPECT_EQ(all.messages[0].internal_date, from_millis(1795435200000));
  EXPECT_EQ(all.messages[1].source, path + ", octet " + std::to_string(kFrom.size() + 9));
  EXPECT_TRUE(mbox_date("From a@b Sat Jan  3 01:05:34 1996"));
  EXPECT_TRUE(mbox_date("From a@b Sat Jan  3 01:05:34 +0100 1996"));
  EXPECT_TRUE(mbox_date("From a@b Sat Jan  3 01:05:34 1996 MET"));
  EXPECT_FALSE(mbox_date("From here to Jan 3"));
  EXPECT_FALSE(mbox_date("From a Sat Jan 99 01:05:34 1996"));
}

TEST(ImportMbox, GoesOnAfterARefusalAndStopsAtTheRest) {
  test::Folder folder;
  std::string path = folder.write("box", kFrom + "A: REFUSE\n\n" + kFrom + "\n" + kFrom + "B: c\n\n");
  Imported all = import_all(path);
  EXPECT_THAT(all.contents, ElementsAre("B: c\r\n"));
  EXPECT_EQ(all.summary.imported, 1u);
  EXPECT_EQ(all.summary.failed, 2u);
  EXPECT_THAT(all.problems, HasSubstr("box, octet 0: no\n"));
  EXPECT_THAT(all.problems, HasSubstr("the message is empty"));
  all = import_all(folder.write("full", kFrom + "A: STOP\n\n" + kFrom + "B: c\n"));
  EXPECT_EQ(all.error, "the disk is full");
  EXPECT_TRUE(all.contents.empty());
}

TEST(ImportMbox, RefusesOtherFiles) {
  test::Folder folder;
  EXPECT_THAT(import_all(folder.write("text", "Hello\n")).error, HasSubstr("not an mbox"));
  EXPECT_THAT(import_all(folder.path("missing")).error, HasSubstr("neither"));
  EXPECT_THAT(import_all(folder.path()).error, HasSubstr("no folders cur and new"));
}

TEST(ImportMaildir, ReadsInOrderWithFlags) {
  test::Folder folder;
  folder.write("cur/1700000002.M1.host:2,RS", "B: 2\n\nx");
  folder.write("new/1700000001.M1.host", "A: 1\r\n\r\ny\r\n");
  folder.write("cur/1700000003.M1.host:2,FDT", "C: REFUSE\n");
  folder.write("cur/.hidden", "no");
  folder.write(".Sent/cur/1.x", "no");
  std::filesystem::create_directories(folder.path("new/1.folder"));
  Imported all = import_all(folder.path());
  EXPECT_THAT(all.contents, ElementsAre("A: 1\r\n\r\ny\r\n", "B: 2\r\n\r\nx\r\n"));
  ASSERT_EQ(all.messages.size(), 3u);
  EXPECT_FALSE(all.messages[0].seen);
  EXPECT_TRUE(all.messages[1].seen && all.messages[1].answered && !all.messages[1].flagged);
  EXPECT_TRUE(all.messages[2].flagged && all.messages[2].draft && all.messages[2].trashed);
  EXPECT_TRUE(all.messages[0].internal_date);
  EXPECT_EQ(all.summary.failed, 2u);
  EXPECT_THAT(all.problems, HasSubstr("new/1.folder: it is not a file"));
  EXPECT_THAT(all.problems, HasSubstr(".Sent: a further folder"));
}

TEST(ImportMaildir, LargeFilesComeInPieces) {
  test::Folder folder;
  std::filesystem::create_directories(folder.path("cur"));
  std::string body;
  for (int i = 0; i < 100'000; ++i) body += "12345678\n";
  folder.write("new/1.x", "A: b\n\n" + body);
  Imported all = import_all(folder.path());
  ASSERT_EQ(all.contents.size(), 1u);
  EXPECT_EQ(all.contents[0].size(), 8u + 1'000'000u);
}

} // namespace
} // namespace paquebot::cli
