#include "store/test_contract.h"

#include <filesystem>
#include <thread>

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

TEST(OpenStore, WaitsForWhoUsesTheDirectory) {
  const TemporaryDirectory place;
  auto first = open_store(place.path());
  ASSERT_TRUE(first);
  const auto refused = open_store(place.path());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  StoreOptions patient;
  patient.lock_patience_ms = 60'000;
  std::jthread second([&] { EXPECT_TRUE(open_store(place.path(), patient)); });
  first->reset();
}

} // namespace
} // namespace paquebot::store
