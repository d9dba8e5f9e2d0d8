#include "app/keeper.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace paquebot::app {
namespace {

TEST(Keeper, ReadsTheConfigurationAndWhatItNamesAgain) {
  std::string directory = testing::TempDir() + "keeper-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  std::string path = directory + "/p.toml";
  std::ofstream(path) << "[server]\nhostname = \"a.example\"\n";
  auto keeper = Keeper::start(path, {});
  ASSERT_TRUE(keeper) << keeper.error().message;
  auto first = (*keeper)->load(path);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->server.hostname, "a.example");
  std::ofstream(directory + "/c") << "CERT";
  std::ofstream(directory + "/k") << "KEY";
  std::ofstream(path) << "[tls]\ncertificate = \"" + directory + "/c\"\nkey = \"" + directory + "/k\"\n";
  auto second = (*keeper)->load(path);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->tls.key_pem, "KEY");
  std::filesystem::remove(directory + "/k");
  auto third = (*keeper)->load(path);
  ASSERT_FALSE(third);
  EXPECT_NE(third.error().message.find("can't read key"), std::string::npos);
  std::filesystem::remove_all(directory);
}

/// A file that stands still while it is told to, as on a dead network file system; told through memory of both
/// processes.
class SlowFile {
public:
  SlowFile() : stands_(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    stand(true);
  }
  ~SlowFile() { ::munmap(stands_, 4096); }
  SlowFile(const SlowFile&) = delete;
  SlowFile& operator=(const SlowFile&) = delete;
  void stand(bool yes) { flag() = yes ? 1 : 0; }
  FileSource source() {
    return [this](const std::string& path) -> Result<std::string> {
      while (path.ends_with("/slow") && flag() != 0) std::this_thread::yield();
      return path.ends_with("/slow") ? Result<std::string>("PEM") : read_file(path);
    };
  }

private:
  std::atomic<int>& flag() { return *static_cast<std::atomic<int>*>(stands_); }
  void* stands_;
};

class KeeperWithASlowFile : public testing::Test {
protected:
  KeeperWithASlowFile() {
    EXPECT_NE(mkdtemp(directory.data()), nullptr);
    path = directory + "/p.toml";
    std::ofstream(path) << "[tls]\ncertificate = \"" + directory + "/slow\"\nkey = \"" + directory + "/slow\"\n";
    keeper = std::move(*Keeper::start(path, {.confined = true, .patience = patience, .files = file.source()}));
  }
  ~KeeperWithASlowFile() override { std::filesystem::remove_all(directory); }

  std::string directory = testing::TempDir() + "keeper-XXXXXX";
  SlowFile file;
  std::chrono::milliseconds patience{50};
  std::string path;
  std::unique_ptr<Keeper> keeper;
};

TEST_F(KeeperWithASlowFile, NamesIt) {
  auto late = keeper->load(path);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timeout);
  EXPECT_NE(late.error().message.find(directory + "/slow takes too long"), std::string::npos) << late.error().message;
  auto again = keeper->load(path);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("/slow still does not answer"), std::string::npos) << again.error().message;
  EXPECT_FALSE(keeper->fingerprint());
  file.stand(false);
  Result<Config> whole = fail(Errc::timeout, "not asked yet");
  while (!whole && whole.error().code == Errc::timeout) whole = keeper->load(path); // until the reader is back
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->tls.key_pem, "PEM");
}

TEST_F(KeeperWithASlowFile, EndsAllTheSame) {
  EXPECT_FALSE(keeper->load(path));
  const int pid = keeper->pid();
  keeper.reset();
  EXPECT_EQ(::kill(pid, 0), -1) << "it is still there";
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(KeeperWithASlowFile, WhoeverWaitsIsLetGo) {
  keeper =
      std::move(*Keeper::start(path, {.confined = true, .patience = std::chrono::hours(1), .files = file.source()}));
  std::thread other([&] { keeper->give_up(); });
  EXPECT_FALSE(keeper->load(path));
  other.join();
}

TEST(Keeper, EndsBySignalsThatTheServerHasBlocked) {
  sigset_t signals, before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &signals, &before), 0);
  std::string directory = testing::TempDir() + "keeper-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  std::ofstream(directory + "/p.toml") << "";
  auto keeper = Keeper::start(directory + "/p.toml", {});
  ASSERT_TRUE(keeper);
  ASSERT_TRUE((*keeper)->load(directory + "/p.toml"));
  ::kill((*keeper)->pid(), SIGTERM);
  int status = 0;
  EXPECT_EQ(::waitpid((*keeper)->pid(), &status, 0), (*keeper)->pid());
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  const auto gone = (*keeper)->load(directory + "/p.toml");
  ASSERT_FALSE(gone);
  EXPECT_NE(gone.error().message.find("restart the server"), std::string::npos);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  std::filesystem::remove_all(directory);
}

TEST(Keeper, TheFingerprintTellsOfAnotherOctet) {
  std::string directory = testing::TempDir() + "keeper-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/p.toml";
  std::ofstream(path) << "[tls]\ncertificate = \"" + directory + "/c\"\nkey = \"" + directory + "/k\"\n";
  for (const char* name : {"/c", "/k"}) std::ofstream(directory + name) << "old";
  auto keeper = Keeper::start(path, {});
  ASSERT_TRUE(keeper);
  const auto first = (*keeper)->fingerprint();
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(*(*keeper)->fingerprint(), *first);
  std::ofstream(directory + "/k.new") << "new"; // as programs that renew certificates do
  std::filesystem::rename(directory + "/k.new", directory + "/k");
  EXPECT_NE(*(*keeper)->fingerprint(), *first);
  std::filesystem::remove_all(directory);
}

TEST(ReadFile, NeverWaitsForAnotherEnd) {
  std::string directory = testing::TempDir() + "read-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  ASSERT_EQ(::mkfifo((directory + "/fifo").c_str(), 0600), 0);
  std::ofstream(directory + "/file") << std::string(5u << 20, 'x');
  for (const std::string& path : {directory + "/fifo", directory, std::string("/dev/zero")}) {
    const auto read = read_file(path);
    ASSERT_FALSE(read) << path;
    EXPECT_EQ(read.error().message, "it is not a plain file") << path;
  }
  EXPECT_EQ(read_file(directory + "/file").error().message, "it is larger than 4 MiB");
  EXPECT_EQ(read_file(directory + "/none").error().code, Errc::not_found);
  std::filesystem::remove_all(directory);
}

} // namespace
} // namespace paquebot::app
