#include "store/test_contract.h"

#include <filesystem>

namespace paquebot::store {
namespace {

TEST(OpenStore, KnowsTheKindByItsName) {
  const TemporaryDirectory place;
  const std::string directory = place.path() + "/da:ta";
  for (const std::string& url : {directory, "sqlite:" + directory}) {
    const auto opened = open_store(url);
    ASSERT_TRUE(opened) << url << ": " << opened.error().message;
    EXPECT_TRUE(std::filesystem::exists(directory + "/paquebot.db"));
  }
  EXPECT_EQ(open_store("mysql://host/base").error().code, Errc::unsupported);
}

} // namespace
} // namespace paquebot::store
