#include "cli/passwords.h"

#include "directory/directory.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <istream>
#include <termios.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

constexpr std::size_t kMaxPassword = 4096;

/// The terminal, without echo while this lives.
class Terminal {
public:
  Terminal() : descriptor_(::open("/dev/tty", O_RDWR | O_CLOEXEC)) {
    if (descriptor_ < 0 || tcgetattr(descriptor_, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ECHONL;
    usable_ = tcsetattr(descriptor_, TCSAFLUSH, &quiet) == 0;
  }
  ~Terminal() {
    if (usable_) tcsetattr(descriptor_, TCSAFLUSH, &before_);
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  bool usable() const { return usable_; }

  std::string ask(const std::string& prompt) const {
    const std::string text = prompt + ": ";
    if (::write(descriptor_, text.data(), text.size()) < 0) return {};
    std::string line;
    char c = 0;
    while (line.size() < kMaxPassword && ::read(descriptor_, &c, 1) == 1 && c != '\n') line += c;
    return line;
  }

private:
  int descriptor_;
  bool usable_ = false;
  termios before_{};
};

Result<std::string> first_line(std::istream& in, const std::string& name) {
  std::string line;
  if (!std::getline(in, line) || line.empty()) return fail(Errc::invalid, "there is no password in " + name);
  if (line.ends_with('\r')) line.pop_back();
  if (line.size() > kMaxPassword)
    return fail(Errc::invalid, "the first line of " + name + " is too long for a password");
  return line;
}

Result<std::string> ask_person(const PasswordSource& source) {
  const Terminal terminal;
  if (!terminal.usable()) {
    return fail(Errc::invalid,
                "there is no terminal to ask for the password: use --password-file FILE or the environment "
                "variable PAQUEBOT_PASSWORD");
  }
  std::string password = terminal.ask(source.prompt);
  if (password.empty()) return fail(Errc::invalid, "no password was given");
  if (source.confirm && terminal.ask("The same again") != password)
    return fail(Errc::invalid, "the two passwords differ");
  return password;
}

} // namespace

PasswordSource password_source(const Arguments& arguments, std::string prompt, bool confirm) {
  return {arguments.has("--generate"), arguments.text("--password-file"), std::move(prompt), confirm};
}

Result<std::string> read_password(const PasswordSource& source, std::istream& in) {
  if (source.generate) return directory::make_password();
  if (source.file == "-") return first_line(in, "standard input");
  if (!source.file.empty()) {
    std::ifstream file(source.file);
    if (!file)
      return fail(Errc::permission, "can't read the password file " + source.file + ": " + std::strerror(errno));
    return first_line(file, source.file);
  }
  if (const char* value = std::getenv("PAQUEBOT_PASSWORD"); value != nullptr && *value != 0) return std::string(value);
  return ask_person(source);
}

} // namespace paquebot::cli
