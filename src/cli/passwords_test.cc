#include "cli/quiet_terminal.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <string>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

/// What asks for a password, in the place of a program that a shell has started on a terminal of its own.
[[noreturn]] void ask() {
  std::string answer;
  {
    const QuietTerminal quiet;
    if (!quiet.usable()) _exit(2);
    answer = quiet.ask("Password", 100);
  }
  std::printf("<%s>\n", answer.c_str());
  std::fflush(stdout);
  _exit(0);
}

/// The shell: tells which process it started, and what becomes of it. Without one the kernel would stop nothing (an
/// orphaned group).
[[noreturn]] void be_shell(int reports) {
  const pid_t job = fork();
  if (job == 0) {
    setpgid(0, 0);
    signal(SIGTTOU, SIG_IGN); // to take the terminal from behind
    tcsetpgrp(STDIN_FILENO, getpid());
    signal(SIGTTOU, SIG_DFL);
    ask();
  }
  int told = job;
  while (write(reports, &told, sizeof told) == sizeof told && waitpid(job, &told, WUNTRACED) == job) {
  }
  _exit(0);
}

class Asked {
public:
  Asked() {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    shell_ = forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (shell_ == 0) be_shell(ends[1]);
    close(ends[1]);
    reports_ = ends[0];
    job_ = wait();
  }
  ~Asked() {
    kill(job_, SIGKILL);
    kill(shell_, SIGKILL);
    waitpid(shell_, nullptr, 0);
    close(terminal_);
    close(reports_);
  }
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  /// Reads until the terminal has shown this.
  void wait_for(const std::string& text) {
    while (shown_.find(text) == std::string::npos) {
      char piece[256];
      pollfd ready{terminal_, POLLIN, 0};
      ASSERT_EQ(poll(&ready, 1, 60'000), 1) << "waited for " << text << ", got " << shown_;
      const ssize_t got = read(terminal_, piece, sizeof piece);
      ASSERT_GT(got, 0) << shown_;
      shown_.append(piece, static_cast<std::size_t>(got));
    }
    shown_.erase(0, shown_.find(text) + text.size());
  }
  void type(const std::string& keys) {
    ASSERT_EQ(write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  bool echoes() const {
    termios now{};
    return tcgetattr(terminal_, &now) == 0 && (now.c_lflag & ECHO) != 0;
  }
  /// What becomes of the process next: a status of waitpid().
  int wait() const {
    int told = 0;
    pollfd ready{reports_, POLLIN, 0};
    if (poll(&ready, 1, 60'000) != 1) {
      ADD_FAILURE() << "nothing has become of it";
      return -1;
    }
    EXPECT_EQ(read(reports_, &told, sizeof told), static_cast<ssize_t>(sizeof told));
    return told;
  }
  void send(int signal) const { kill(job_, signal); }

private:
  int terminal_ = -1, reports_ = -1;
  pid_t shell_ = -1, job_ = -1;
  std::string shown_;
};

TEST(QuietTerminal, ReadsALineWithoutEcho) {
  Asked asked;
  asked.wait_for("Password: ");
  EXPECT_FALSE(asked.echoes());
  asked.type("secret\n");
  asked.wait_for("<secret>");
  EXPECT_EQ(asked.wait(), 0);
  EXPECT_TRUE(asked.echoes());
}

TEST(QuietTerminal, GivesTheTerminalBackWhenItIsEnded) {
  for (const auto& [keys, signal] : {std::pair{"\x03", SIGINT}, {"\x1c", SIGQUIT}, {"", SIGTERM}, {"", SIGHUP}}) {
    Asked asked;
    asked.wait_for("Password: ");
    EXPECT_FALSE(asked.echoes());
    asked.type("sec");
    if (*keys != '\0')
      asked.type(keys);
    else
      asked.send(signal);
    const int status = asked.wait();
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << signal;
    EXPECT_TRUE(asked.echoes()) << signal;
  }
}

TEST(QuietTerminal, IsQuietAgainAfterAPause) {
  Asked asked;
  asked.wait_for("Password: ");
  asked.type("\x1a"); // ^Z
  EXPECT_TRUE(WIFSTOPPED(asked.wait()));
  EXPECT_TRUE(asked.echoes());
  asked.send(SIGCONT);
  // Whether it asks again depends on whether it was reading when it was stopped.
  for (int i = 0; i < 6000 && asked.echoes(); ++i) ::poll(nullptr, 0, 10);
  EXPECT_FALSE(asked.echoes());
  asked.type("secret\n");
  asked.wait_for("<secret>");
  EXPECT_EQ(asked.wait(), 0);
}

} // namespace
} // namespace paquebot::cli
