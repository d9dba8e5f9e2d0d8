#include "app/service_manager.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

/// The manager's end: a datagram socket on a path, or in the abstract namespace.
class ManagerEnd {
public:
  explicit ManagerEnd(bool abstract) {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    const std::string path = abstract ? "@paquebot-" + std::to_string(::getpid()) : folder_ + "/notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    if (abstract) address.sun_path[0] = 0;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~ManagerEnd() { std::filesystem::remove_all(folder_); }
  ManagerEnd(const ManagerEnd&) = delete;
  ManagerEnd& operator=(const ManagerEnd&) = delete;

  std::string heard() {
    char buffer[2048];
    const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    return got < 0 ? "" : std::string(buffer, static_cast<std::size_t>(got));
  }

private:
  std::string folder_ = testing::TempDir() + "notify-XXXXXX";
  paquebot::Descriptor socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

TEST(ServiceManager, IsToldInItsOwnWords) {
  for (const bool abstract : {false, true}) {
    ManagerEnd end(abstract);
    ::setenv("WATCHDOG_USEC", "120000000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    const ServiceManager manager = ServiceManager::take_from_environment();
    ASSERT_TRUE(manager.is_there());
    EXPECT_EQ(manager.patience(), std::chrono::milliseconds(120'000));
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) EXPECT_EQ(std::getenv(name), nullptr);
    manager.ready("all is well\nREADY=0");
    const std::string ready = end.heard();
    EXPECT_TRUE(ready.starts_with("READY=1\nSTATUS=all is well")) << ready;
    EXPECT_EQ(std::ranges::count(ready, '\n'), 2) << "words must not become a line of their own: " << ready;
    manager.reloading();
    EXPECT_TRUE(end.heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    manager.status("Opening");
    EXPECT_EQ(end.heard(), "STATUS=Opening\n");
    manager.alive();
    EXPECT_EQ(end.heard(), "WATCHDOG=1\n");
    manager.stopping("bye");
    EXPECT_EQ(end.heard(), "STOPPING=1\nSTATUS=bye\n");
  }
}

TEST(ServiceManager, AWatchdogOfAnotherProcessIsNotOurs) {
  ManagerEnd end(false);
  ::setenv("WATCHDOG_USEC", "120000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  const ServiceManager manager = ServiceManager::take_from_environment();
  EXPECT_TRUE(manager.is_there());
  EXPECT_FALSE(manager.patience());
}

TEST(ServiceManager, NobodyThereOrNonsense) {
  for (const char* path : {"", "relative", "/", "@"}) {
    ::setenv("NOTIFY_SOCKET", path, 1);
    const ServiceManager manager = ServiceManager::take_from_environment();
    EXPECT_FALSE(manager.is_there()) << path;
    manager.ready("nobody hears it");
  }
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  EXPECT_FALSE(ServiceManager::take_from_environment().is_there());
}

TEST(ServiceManager, OneThatHasGoneHoldsNothingUp) {
  ServiceManager manager;
  {
    ManagerEnd end(false);
    manager = ServiceManager::take_from_environment();
  }
  ASSERT_TRUE(manager.is_there());
  for (int i = 0; i < 10'000; ++i) manager.alive();
}

} // namespace
} // namespace paquebot::app
