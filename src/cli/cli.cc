#include "cli/cli.h"

#include "cli/command_line.h"
#include "cli/sendmail.h"

#include <csignal>
#include <exception>
#include <iostream>
#include <unistd.h>

namespace paquebot::cli {
namespace {

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

int dispatch(const std::vector<std::string>& arguments, Session& session) {
  if (const char* config = std::getenv("PAQUEBOT_CONFIG"); config != nullptr && *config != 0) session.config = config;
  const std::string name = arguments.empty() ? std::string() : base_name(arguments[0]);
  if (name == "sendmail" || name == "mailq" || name == "newaliases") return sendmail(arguments, session);
  if (arguments.size() > 1 && arguments[1] == "sendmail") {
    return sendmail(std::vector<std::string>(arguments.begin() + 1, arguments.end()), session);
  }
  return run_command_line(arguments, session);
}

} // namespace

int run(const std::vector<std::string>& arguments, const Environment& environment, Console& console) {
  Session session(environment, console);
  try {
    const int code = dispatch(arguments, session);
    console.out.flush();
    return console.out.good() || code != kOk ? code : kIo;
  } catch (const std::exception& error) {
    console.err << "paquebot: an internal error: " << error.what() << '\n';
    return kBug;
  }
}

int run(int argc, char** argv, const Environment& environment) {
  std::signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  Console console{std::cin, std::cout, std::cerr, ::isatty(STDOUT_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1};
  return run(std::vector<std::string>(argv, argv + argc), environment, console);
}

} // namespace paquebot::cli
