#pragma once

#include "store/postgres/connection.h"
#include "store/test_contract.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <grp.h>
#include <memory>
#include <mutex>
#include <optional>
#include <pwd.h>
#include <set>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace paquebot::store::postgres {

/// A PostgreSQL server of a test's own, on a socket in a temporary folder, ended with the process.
class TestServer {
public:
  /// The folder of the server's programs; nothing where they are not installed.
  static std::optional<std::string> programs() {
    std::set<std::string> found;
    std::error_code error;
    for (const auto& one : std::filesystem::directory_iterator("/usr/lib/postgresql", error))
      if (std::filesystem::exists(one.path() / "bin/initdb")) found.insert((one.path() / "bin").string());
    if (found.empty()) return std::nullopt;
    return *found.rbegin();
  }

  /// The one of this process.
  static TestServer& get() {
    static TestServer server;
    return server;
  }

  std::string url(const std::string& database) const {
    return "postgresql://paquebot@/" + database + "?host=" + folder_;
  }
  /// Makes an empty database, or a copy of another one that nobody is in, once.
  void make(const std::string& name, const std::string& like = "template0") {
    const std::lock_guard lock(mutex_);
    if (!made_.insert(name).second) return;
    admin().exec(("CREATE DATABASE \"" + name + "\" TEMPLATE \"" + like + "\"").c_str());
  }
  PgConnection& admin() {
    if (!admin_) admin_.emplace(target_of(url("postgres")).value(), PgConnection::Use::writing);
    return *admin_;
  }
  pid_t pid() const { return pid_; }
  void restart() {
    admin_.reset();
    stop(SIGQUIT);
    start();
  }
  void stop(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void start() {
    pid_ = spawn({*programs() + "/postgres", "-D", folder_ + "/data", "-k", folder_, "-c", "listen_addresses=", "-c",
                  "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=32MB", "-c", "max_connections=60",
                  "-c", "autovacuum=off", "-c", "log_min_messages=fatal"});
    for (int tries = 0; tries < 600; ++tries) {
      try {
        admin();
        return;
      } catch (const DbError&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    }
    ADD_FAILURE() << "the database server does not start, see " << folder_ << "/log";
  }

private:
  TestServer() : folder_(temporary_.path()) {
    // A server does not run as root.
    user_ = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
    if (user_ != nullptr) {
      const int owned = ::chown(folder_.c_str(), user_->pw_uid, user_->pw_gid);
      EXPECT_EQ(owned, 0);
    }
    const pid_t made = spawn({*programs() + "/initdb", "-D", folder_ + "/data", "-U", "paquebot", "--auth=trust",
                              "--encoding=SQL_ASCII", "--locale=C", "--no-sync"});
    int status = 0;
    ::waitpid(made, &status, 0);
    EXPECT_EQ(status, 0) << "initdb failed, see " << folder_ << "/log";
    start();
  }
  ~TestServer() {
    admin_.reset();
    stop(SIGQUIT);
  }

  pid_t spawn(const std::vector<std::string>& words) {
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    if (user_ != nullptr &&
        (::setgroups(0, nullptr) != 0 || ::setgid(user_->pw_gid) != 0 || ::setuid(user_->pw_uid) != 0))
      ::_exit(1);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (::getppid() != parent) ::_exit(1);
    const int log = ::open((folder_ + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int none = ::open("/dev/null", O_RDONLY);
    ::dup2(none, 0);
    ::dup2(log, 1);
    ::dup2(log, 2);
    if (::chdir(folder_.c_str()) != 0) ::_exit(1);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }

  const TemporaryDirectory temporary_;
  const std::string folder_;
  const passwd* user_ = nullptr;
  pid_t pid_ = 0;
  std::mutex mutex_;
  std::set<std::string> made_;
  std::optional<PgConnection> admin_;
};

} // namespace paquebot::store::postgres
