#include "cli/export_place.h"
#include "cli/folder_lists.h"
#include "cli/test_support.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace paquebot::cli {
namespace {

using testing::ElementsAre;

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(FolderLists, ComeBack) {
  test::Folder folder;
  const auto root = open_export(folder.path("box"), "a test");
  ASSERT_TRUE(root);
  const std::vector<ExportedFolder> folders{
      {.name = "INBOX", .subscribed = true},
      {.name = "Work/example.org", .subscribed = true},
      {.name = "\xC3\x9C"
               "bung/Sent",
       .use = "\\Sent \\Archive"},
      {.name = "INBOX/below", .use = "\\Junk", .subscribed = true},
      {.name = std::string(300, 'x'), .use = "\\Trash", .subscribed = true},
  };
  ASSERT_TRUE(write_folder_lists(*root, folders));
  EXPECT_EQ(read_file(folder.path("box/subscriptions")), "INBOX\nWork.example\\2eorg\n\\49NBOX.below\n");
  EXPECT_EQ(read_file(folder.path("box/paquebot-special-use")),
            "\\Sent &ANw-bung.Sent\n\\Archive &ANw-bung.Sent\n\\Junk \\49NBOX.below\n");
  const FolderLists lists(*root, "");
  for (const ExportedFolder& one : folders) {
    if (one.name.size() == 300) continue; // no file can be called so
    const ImportedFolder found = lists.of(one.name == "INBOX" ? "" : one.name);
    EXPECT_EQ(found.use, one.use) << one.name;
    EXPECT_EQ(found.subscribed, one.subscribed) << one.name;
  }
  ASSERT_TRUE(write_folder_lists(*root, {})) << "of a run before";
  EXPECT_EQ(FolderLists(*root, "").of("").subscribed, std::nullopt) << "a list of none says nothing";
  EXPECT_EQ(FolderLists(*root, "").of("INBOX/below").use, "");
}

TEST(FolderLists, OfOthers) {
  test::Folder folder;
  folder.write("box/mark", "");
  const auto root = open_trusted(folder.path("box"));
  ASSERT_TRUE(root);
  const auto subscribed = [&](const std::string& top, std::initializer_list<const char*> names) {
    std::vector<std::string> found;
    const FolderLists lists(*root, top);
    for (const char* name : names)
      if (lists.of(name).subscribed.value_or(false)) found.emplace_back(name);
    return found;
  };
  folder.write("box/courierimapsubscribed", "INBOX.Sent\nINBOX\n");
  EXPECT_THAT(subscribed("", {"", "Sent", "INBOX", "Work"}), ElementsAre("", "Sent"));
  folder.write("box/subscriptions", "V\t2\n\nWork\t2026\ninbox\n\n\xC3(\nx//y\n");
  EXPECT_THAT(subscribed("", {"", "Sent", "Work/2026", "x//y"}), ElementsAre("", "Work/2026"));
  EXPECT_THAT(subscribed("Old", {"", "Old", "Old/Work/2026", "Work/2026"}), ElementsAre("Old", "Old/Work/2026"));
  std::string many;
  for (std::size_t i = 0; i < FolderLists::kMostNames + 1; ++i) many += "n" + std::to_string(i) + "\n";
  folder.write("box/subscriptions", many);
  EXPECT_THAT(subscribed("", {"n0", "n9999", "n10000"}), ElementsAre("n0", "n9999"));
  std::filesystem::remove(folder.path("box/subscriptions"));
  folder.write("secret", "Work\n");
  std::filesystem::create_symlink(folder.path("secret"), folder.path("box/subscriptions"));
  std::filesystem::remove(folder.path("box/courierimapsubscribed"));
  EXPECT_EQ(FolderLists(*root, "").of("Work").subscribed, std::nullopt) << "no link is followed";
}

TEST(FolderLists, Uses) {
  test::Folder folder;
  folder.write("box/paquebot-special-use",
               "\\Sent a\n\\Sent b\n\\junk c\n\\Wrong d\n\\Trash\n\\Drafts INBOX\n\\Trash x//y\n");
  const auto root = open_trusted(folder.path("box"));
  ASSERT_TRUE(root);
  const FolderLists lists(*root, "");
  EXPECT_EQ(lists.of("a").use, "\\Sent");
  EXPECT_EQ(lists.of("b").use, "") << "two mailboxes would become one";
  EXPECT_EQ(lists.of("c").use, "\\junk");
  for (const char* name : {"d", "", "INBOX", "x//y"}) EXPECT_EQ(lists.of(name).use, "") << name;
  EXPECT_EQ(FolderLists(*root, "Old").of("Old/a").use, "") << "it is not the account's own";
}

} // namespace
} // namespace paquebot::cli
