#include "cli/quiet_terminal.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

constexpr std::array kEnding{SIGINT, SIGQUIT, SIGTERM, SIGHUP};

/// What a handler of signals needs. Written only while none of them is installed.
struct Quieted {
  int descriptor = -1;
  termios before{};
  termios quiet{};
  std::array<struct sigaction, kEnding.size()> ending{};
  struct sigaction stopping{};
};
Quieted quieted;

void write_line_end() {
  if (::write(quieted.descriptor, "\n", 1) < 0) return; // nobody to tell
}

extern "C" void on_ending(int signal) {
  const int kept = errno;
  ::tcsetattr(quieted.descriptor, TCSAFLUSH, &quieted.before);
  write_line_end();
  for (std::size_t i = 0; i < kEnding.size(); ++i)
    if (kEnding[i] == signal) ::sigaction(signal, &quieted.ending[i], nullptr);
  ::raise(signal); // what was to happen anyway, once this handler has returned
  errno = kept;
}

extern "C" void on_stopping(int signal);

void catch_stopping() {
  struct sigaction action{};
  action.sa_handler = on_stopping;
  ::sigaction(SIGTSTP, &action, nullptr);
}

extern "C" void on_stopping(int signal) {
  const int kept = errno;
  ::tcsetattr(quieted.descriptor, TCSAFLUSH, &quieted.before);
  write_line_end();
  ::sigaction(signal, &quieted.stopping, nullptr);
  sigset_t here;
  sigset_t before;
  sigemptyset(&here);
  sigaddset(&here, signal);
  ::raise(signal);
  ::pthread_sigmask(SIG_UNBLOCK, &here, &before); // it stops within the handler, and goes on
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  catch_stopping();
  ::tcsetattr(quieted.descriptor, TCSAFLUSH, &quieted.quiet);
  errno = kept;
}

void let_go() {
  for (std::size_t i = 0; i < kEnding.size(); ++i) ::sigaction(kEnding[i], &quieted.ending[i], nullptr);
  ::sigaction(SIGTSTP, &quieted.stopping, nullptr);
}

/// Unless it is ignored (nohup): then it stays so.
void catch_ending(std::size_t i) {
  ::sigaction(kEnding[i], nullptr, &quieted.ending[i]);
  if (quieted.ending[i].sa_handler == SIG_IGN) return;
  struct sigaction action{};
  action.sa_handler = on_ending;
  ::sigaction(kEnding[i], &action, nullptr);
}

} // namespace

QuietTerminal::QuietTerminal() : descriptor_(::open("/dev/tty", O_RDWR | O_CLOEXEC)) {
  quieted.descriptor = descriptor_;
  if (descriptor_ < 0 || tcgetattr(descriptor_, &quieted.before) != 0) return;
  quieted.quiet = quieted.before;
  quieted.quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  quieted.quiet.c_lflag |= ECHONL;
  for (std::size_t i = 0; i < kEnding.size(); ++i) catch_ending(i);
  ::sigaction(SIGTSTP, nullptr, &quieted.stopping);
  if (quieted.stopping.sa_handler != SIG_IGN) catch_stopping();
  usable_ = tcsetattr(descriptor_, TCSAFLUSH, &quieted.quiet) == 0;
  if (!usable_) let_go();
}

QuietTerminal::~QuietTerminal() {
  if (usable_) {
    tcsetattr(descriptor_, TCSAFLUSH, &quieted.before);
    let_go();
  }
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string QuietTerminal::ask(const std::string& prompt, std::size_t most) const {
  const std::string text = prompt + ": ";
  const auto show = [&] { return ::write(descriptor_, text.data(), text.size()) >= 0; };
  if (!show()) return {};
  std::string line;
  while (line.size() < most) {
    char c = 0;
    const ssize_t got = ::read(descriptor_, &c, 1);
    if (got < 0 && errno == EINTR && show()) continue; // stopped and gone on
    if (got != 1 || c == '\n') break;
    line += c;
  }
  return line;
}

} // namespace paquebot::cli
