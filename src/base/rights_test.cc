#include "base/rights.h"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot {
namespace {

/// A folder that belongs to whoever runs the test, and goes away with all in it.
class RightsTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(top.data()), nullptr);
    ASSERT_EQ(::chmod(top.c_str(), 0755), 0);
  }
  void TearDown() override { std::filesystem::remove_all(top); }

  static struct stat facts(const std::string& path) {
    struct stat found{};
    EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
    return found;
  }
  void give(const std::string& path, const Owner& owner) const {
    ASSERT_EQ(::lchown((top + path).c_str(), owner.user, owner.group), 0) << path;
  }

  std::string top = testing::TempDir() + "rights-XXXXXX";
};

/// For what only root can try.
class RootsRightsTest : public RightsTest {
protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root has somebody to be led astray for";
    RightsTest::SetUp();
    nobody = find_user("nobody").value();
  }
  Owner nobody;
};

TEST_F(RightsTest, ADataDirectoryHasItsModeWhateverTheUmask) {
  const mode_t before = ::umask(077);
  const auto owner = make_data_directory(top + "/data", "");
  ::umask(before);
  ASSERT_TRUE(owner) << owner.error().message;
  EXPECT_EQ(owner->user, ::geteuid());
  EXPECT_EQ(facts(top + "/data").st_mode & 07777, 0711U);
  // What is there stays as its owner wants it.
  ASSERT_EQ(::chmod((top + "/data").c_str(), 0750), 0);
  ASSERT_TRUE(make_data_directory(top + "/data", ""));
  EXPECT_EQ(facts(top + "/data").st_mode & 07777, 0750U);
  std::ofstream(top + "/file") << "x";
  EXPECT_FALSE(make_data_directory(top + "/file", ""));
  EXPECT_FALSE(make_data_directory(top + "/not/there", ""));
}

TEST_F(RootsRightsTest, ItIsMadeForTheUser) {
  const auto owner = make_data_directory(top + "/data", "nobody");
  ASSERT_TRUE(owner) << owner.error().message;
  EXPECT_EQ(*owner, nobody);
  EXPECT_EQ(facts(top + "/data").st_uid, nobody.user);
  EXPECT_EQ(facts(top + "/data").st_mode & 07777, 0711U);
  // One that root made by hand is given away as well, also behind a link of root's.
  std::filesystem::create_directory(top + "/real");
  std::filesystem::create_symlink("real", top + "/link");
  EXPECT_EQ(make_data_directory(top + "/link", "nobody").value(), nobody);
  EXPECT_EQ(facts(top + "/real").st_uid, nobody.user);
  EXPECT_FALSE(make_data_directory(top + "/other", "no-such-user-here"));
  EXPECT_FALSE(std::filesystem::exists(top + "/other"));
  EXPECT_FALSE(make_data_directory("/", "nobody"));
  EXPECT_EQ(facts("/").st_uid, 0U);
}

TEST_F(RootsRightsTest, RootGivesNothingAwayBelowAFolderOfTheUsers) {
  std::filesystem::create_directory(top + "/home");
  std::filesystem::create_directory(top + "/roots");
  std::filesystem::create_symlink(top + "/roots", top + "/home/data");
  give("/home", nobody);
  give("/home/data", nobody);
  const auto led = make_data_directory(top + "/home/data", "nobody");
  ASSERT_FALSE(led);
  EXPECT_NE(led.error().message.find("/home"), std::string::npos) << led.error().message;
  EXPECT_EQ(facts(top + "/roots").st_uid, 0U);
  // A link further up leads no further.
  std::filesystem::create_symlink(top, top + "/home/up");
  give("/home/up", nobody);
  EXPECT_FALSE(make_data_directory(top + "/home/up/roots", "nobody"));
  EXPECT_EQ(facts(top + "/roots").st_uid, 0U);
  // There he makes it himself.
  EXPECT_EQ(make_data_directory(top + "/home/mail", "nobody").value(), nobody);
  EXPECT_EQ(facts(top + "/home/mail").st_mode & 07777, 0711U);
  EXPECT_EQ(::geteuid(), 0U);
}

TEST_F(RootsRightsTest, WaysThatOnlyRootCanChange) {
  std::filesystem::create_directories(top + "/a/b");
  EXPECT_TRUE(roots_way(top + "/a/b"));
  EXPECT_EQ(roots_way(top + "/a/../a/./b/new")->name, "new");
  EXPECT_EQ(roots_way("/")->name, "");
  EXPECT_FALSE(roots_way(top + "/a/.."));
  EXPECT_FALSE(roots_way(top + "/none/new"));
  EXPECT_FALSE(roots_way("a/b"));
  std::filesystem::create_symlink("loop", top + "/loop");
  EXPECT_EQ(roots_way(top + "/loop/x").error().code, Errc::invalid);
  std::filesystem::create_symlink(top + "/a", top + "/absolute");
  EXPECT_EQ(roots_way(top + "/absolute/b/x")->name, "x");
  ASSERT_EQ(::chmod((top + "/a").c_str(), 0775), 0);
  EXPECT_EQ(roots_way(top + "/a/b").error().code, Errc::permission);
  ASSERT_EQ(::chmod((top + "/a").c_str(), 01777), 0);
  EXPECT_TRUE(roots_way(top + "/a/b/x")) << "others can add there, and not take b away";
  give("/a/b", nobody);
  EXPECT_EQ(roots_way(top + "/a/b/x").error().code, Errc::permission);
  EXPECT_EQ(roots_way(top + "/a/b")->name, "b") << "the last part may be anybody's";
  give("/absolute", nobody);
  EXPECT_EQ(roots_way(top + "/absolute/x").error().code, Errc::permission);
}

TEST_F(RootsRightsTest, OnlyPlainFilesOfRootsAreHandedOver) {
  std::filesystem::create_directories(top + "/data/drop");
  std::ofstream(top + "/data/store") << "x";
  std::ofstream(top + "/outside") << "x";
  std::filesystem::create_symlink(top + "/outside", top + "/data/link");
  std::filesystem::create_hard_link(top + "/outside", top + "/data/second-name");
  give("/data", nobody);
  ASSERT_TRUE(hand_over_files(top + "/data"));
  EXPECT_EQ(facts(top + "/data/store").st_uid, nobody.user);
  EXPECT_EQ(facts(top + "/outside").st_uid, 0U);
  EXPECT_EQ(facts(top + "/data/link").st_uid, 0U);
  EXPECT_EQ(facts(top + "/data/drop").st_uid, 0U);
}

} // namespace
} // namespace paquebot
