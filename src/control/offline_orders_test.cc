#include "base/log.h"
#include "control/offline_orders.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>

namespace paquebot::control {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class OfflineOrders : public ::testing::Test {
protected:
  OfflineOrders() {
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    EXPECT_TRUE(log::configure(log::Format::key_value, log::Level::info, folder + "/log"));
  }
  ~OfflineOrders() override {
    (void)log::configure(log::Format::key_value, log::Level::info);
    std::filesystem::remove_all(folder);
  }
  std::string logged() const {
    log::warning("end"); // flushes what is before it
    std::ifstream in(folder + "/log");
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  std::string folder = ::testing::TempDir() + "orders-XXXXXX";
};

TEST_F(OfflineOrders, AreToldOnceAtTheNextStart) {
  tell_kept_orders(folder); // there are none
  ASSERT_TRUE(keep_order(
      folder, {"operator root (uid 0)", "account.remove", "", "DELETE", "/v1/accounts/ann", "ann\n\"x\"", "done"}));
  ASSERT_TRUE(keep_order(
      folder, {"operator root (uid 0)", "domain.add", "", "POST", "/v1/domains", "a.example", "exists already"}));
  struct stat facts{};
  ASSERT_EQ(::stat((folder + "/offline-orders").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  tell_kept_orders(folder);
  EXPECT_THAT(
      logged(),
      HasSubstr(
          "event=control who=\"operator root (uid 0)\" action=account.remove method=DELETE target=/v1/accounts/ann "
          "subject=\"ann\\n\\\"x\\\"\" outcome=done while=down at=20"));
  EXPECT_THAT(logged(), HasSubstr("subject=a.example outcome=\"exists already\" while=down"));
  const auto before = logged();
  tell_kept_orders(folder);
  EXPECT_EQ(logged().find("event=control", before.size()), std::string::npos);
}

TEST_F(OfflineOrders, ALinkIsNotFollowedAndRubbishIsTold) {
  std::ofstream(folder + "/elsewhere") << "kept\n";
  std::filesystem::create_symlink("elsewhere", folder + "/offline-orders");
  EXPECT_FALSE(keep_order(folder, {"w", "", "", "POST", "/", "", "done"}));
  tell_kept_orders(folder);
  EXPECT_THAT(logged(), Not(HasSubstr("event=control")));
  std::filesystem::remove(folder + "/offline-orders");
  std::ofstream(folder + "/offline-orders") << "no JSON\n{\"who\":\"w\"}\n";
  tell_kept_orders(folder);
  EXPECT_THAT(logged(), HasSubstr("can't be read\" line=\"no JSON\""));
  EXPECT_THAT(logged(), HasSubstr("who=w"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/offline-orders"));
}

} // namespace
} // namespace paquebot::control
