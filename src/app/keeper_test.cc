#include "app/keeper.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace paquebot::app {
namespace {

TEST(Keeper, ReadsTheConfigurationAndWhatItNamesAgain) {
  std::string directory = testing::TempDir() + "keeper-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  std::string path = directory + "/p.toml";
  std::ofstream(path) << "[server]\nhostname = \"a.example\"\n";
  auto keeper = Keeper::start(path, true);
  ASSERT_TRUE(keeper) << keeper.error().message;
  auto first = (*keeper)->load(path);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->hostname, "a.example");
  std::ofstream(directory + "/c") << "CERT";
  std::ofstream(directory + "/k") << "KEY";
  std::ofstream(path) << "[tls]\ncertificate = \"" + directory + "/c\"\nkey = \"" + directory + "/k\"\n";
  auto second = (*keeper)->load(path);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->key_pem, "KEY");
  std::filesystem::remove(directory + "/k");
  auto third = (*keeper)->load(path);
  ASSERT_FALSE(third);
  EXPECT_NE(third.error().message.find("can't read key"), std::string::npos);
  std::filesystem::remove_all(directory);
}

} // namespace
} // namespace paquebot::app
