#include "cli/quiet_terminal.h"

#include <csignal>
#include <cstdio>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <string>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

/// A process of its own on a terminal of its own, that asks for a password.
class Asked {
public:
  Asked() {
    child_ = forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (child_ == 0) {
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
  }
  ~Asked() {
    if (!ended_) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    close(terminal_);
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
  int wait(int options = 0) {
    int status = 0;
    EXPECT_EQ(waitpid(child_, &status, options), child_);
    ended_ = !WIFSTOPPED(status) && !WIFCONTINUED(status);
    return status;
  }
  void go_on() const { kill(child_, SIGCONT); }
  void send(int signal) const { kill(child_, signal); }

private:
  int terminal_ = -1;
  pid_t child_ = -1;
  bool ended_ = false;
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
  EXPECT_TRUE(WIFSTOPPED(asked.wait(WUNTRACED)));
  EXPECT_TRUE(asked.echoes());
  asked.go_on();
  asked.wait_for("Password: ");
  EXPECT_FALSE(asked.echoes());
  asked.type("secret\n");
  asked.wait_for("<secret>");
  EXPECT_EQ(asked.wait(), 0);
}

} // namespace
} // namespace paquebot::cli
