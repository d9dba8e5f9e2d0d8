#include "cli/export.h"
#include "cli/export_place.h"
#include "cli/maildir_folders.h"
#include "cli/test_support.h"
#include "store/types.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace paquebot::cli {
namespace {

using testing::HasSubstr;

TEST(ExportedName, ComesBack) {
  const std::pair<const char*, const char*> cases[] = {
      {"Work", "Work"},
      {"Work/2026", "Work.2026"},
      {"Work/example.org", "Work.example\\2eorg"},
      {".hidden", "\\2ehidden"},
      {"back\\slash", "back\\5cslash"},
      {"~home/a~b", "\\7ehome.a~b"},
      {"\xC3\x9C"
       "bung",
       "&ANw-bung"},
      {"A&B", "A&-B"},
      {"INBOX/below", "\\49NBOX.below"},
      {"Inbox2", "Inbox2"},
      {"a\\2eb", "a\\5c2eb"},
  };
  for (const auto& [name, file] : cases) {
    const auto written = file_of_folder(name);
    ASSERT_TRUE(written) << name;
    EXPECT_EQ(*written, file);
    EXPECT_EQ(folder_of_maildir("." + *written, "").value_or("?"), name);
  }
  EXPECT_FALSE(file_of_folder(std::string(300, 'x')));
  EXPECT_EQ(undo_escapes("\\2fx\\00\\zz\\2"), "\\2fx\\00\\zz\\2") << "what can be in no name stays as it is";
}

/// As an mbox file has it.
std::string written(std::vector<std::string> pieces, ExportedMessage message) {
  test::Folder folder;
  const auto root = open_export(folder.path("box"), "a test");
  const auto writer = mbox_writer(*root);
  EXPECT_TRUE(writer->begin({.name = "Lists", .uidvalidity = 1700000000, .uidnext = 18}, {"Work"}));
  std::size_t at = 0;
  EXPECT_TRUE(writer->write(message, [&]() -> Result<std::string_view> {
    return at < pieces.size() ? std::string_view(pieces[at++]) : std::string_view();
  }));
  EXPECT_TRUE(writer->end());
  std::ifstream file(folder.path("box/Lists.mbox"));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ExportMbox, WritesFieldsAndQuotes) {
  const ExportedMessage message{.uid = 17,
                                .uidl = "one",
                                .flags = store::kSeen | store::kFlagged,
                                .keywords = {"Work"},
                                .date = 1'700'000'000'123};
  const std::string first = "From MAILER-DAEMON Tue Nov 14 22:13:20 2023\n";
  const std::string fields =
      "X-IMAPbase: 1700000000 0000000017 Work\nX-UID: 17\nStatus: RO\nX-Status: F\nX-Keywords: Work\nX-UIDL: one\n";
  const std::string expected = first + "A: b\n" + fields + "\n>From x\n>>From y\nFromage\n\n\n";
  const std::string whole = "A: b\r\n\r\nFrom x\r\n>From y\r\nFromage\r\n\r\n";
  EXPECT_EQ(written({whole}, message), expected);
  for (std::size_t cut = 1; cut < whole.size(); ++cut)
    EXPECT_EQ(written({whole.substr(0, cut), whole.substr(cut)}, message), expected) << cut;
  EXPECT_EQ(written({"\r\nbody\r\n"}, message), first + fields + "\nbody\n\n") << "no head";
  EXPECT_EQ(written({"A: b\r\n"}, message), first + "A: b\n" + fields + "\n\n") << "no empty line";
  EXPECT_EQ(written({"A: b\r\n\r\nno end"}, message), first + "A: b\n" + fields + "\nno end\n\n");
  const std::string line(1 << 20, 'x');
  EXPECT_EQ(written({"A: b\r\n\r\n" + line, line + "\r\n"}, message),
            first + "A: b\n" + fields + "\n" + line + line + "\n\n");
}

TEST(ExportPlace, IsOnesOwn) {
  test::Folder folder;
  EXPECT_THAT(open_export(folder.path("no/where"), "x").error().message, HasSubstr("can't be exported to"));
  {
    const auto first = open_export(folder.path("box"), "x");
    ASSERT_TRUE(first);
    EXPECT_EQ(open_export(folder.path("box"), "x").error().code, Errc::conflict) << "at work";
    EXPECT_TRUE(create_within(*first, "a"));
    EXPECT_EQ(create_within(*first, "a").error().code, Errc::conflict);
    EXPECT_TRUE(create_within(*first, "b"));
    EXPECT_EQ(move_new(*first, "a", *first, "b").error().code, Errc::conflict);
  }
  EXPECT_TRUE(open_export(folder.path("box"), "x")) << "it goes on";
  EXPECT_EQ(open_export(folder.path("box"), "y").error().code, Errc::conflict);
  std::filesystem::create_directory(folder.path("full"));
  folder.write("full/file", "");
  EXPECT_EQ(open_export(folder.path("full"), "x").error().code, Errc::conflict);
  std::filesystem::create_directory_symlink(folder.path("box"), folder.path("link"));
  EXPECT_TRUE(open_export(folder.path("link"), "x")) << "one's own link";
}

} // namespace
} // namespace paquebot::cli
