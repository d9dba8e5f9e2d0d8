#include "cli/passwords.h"

#include "cli/quiet_terminal.h"
#include "directory/directory.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <istream>

namespace paquebot::cli {
namespace {

constexpr std::size_t kMaxPassword = 4096;

Result<std::string> first_line(std::istream& in, const std::string& name) {
  std::string line;
  if (!std::getline(in, line) || line.empty()) return fail(Errc::invalid, "there is no password in " + name);
  if (line.ends_with('\r')) line.pop_back();
  if (line.size() > kMaxPassword)
    return fail(Errc::invalid, "the first line of " + name + " is too long for a password");
  return line;
}

Result<std::string> ask_person(const PasswordSource& source) {
  const QuietTerminal terminal;
  if (!terminal.usable()) {
    return fail(Errc::invalid,
                "there is no terminal to ask for the password: use --password-file FILE or the environment "
                "variable PAQUEBOT_PASSWORD");
  }
  std::string password = terminal.ask(source.prompt, kMaxPassword);
  if (password.empty()) return fail(Errc::invalid, "no password was given");
  if (source.confirm && terminal.ask("The same again", kMaxPassword) != password)
    return fail(Errc::invalid, "the two passwords differ");
  return password;
}

} // namespace

PasswordSource password_source(const Arguments& arguments, std::string prompt, bool confirm) {
  return {arguments.has("--generate"), arguments.text("--password-file"), std::move(prompt), confirm};
}

Result<std::string> read_password(const PasswordSource& source, Session& session) {
  if (source.generate) return directory::make_password();
  if (source.file == "-") return first_line(session.in(), "standard input");
  if (!source.file.empty()) {
    std::ifstream file(source.file);
    if (!file)
      return session.failure(kNoInput, "can't read the password file " + source.file + ": " + std::strerror(errno));
    return first_line(file, source.file);
  }
  if (const char* value = std::getenv("PAQUEBOT_PASSWORD"); value != nullptr && *value != 0) return std::string(value);
  return ask_person(source);
}

} // namespace paquebot::cli
