#include "app/check.h"
#include "app/locate.h"
#include "app/reference.h"
#include "app/serve.h"
#include "cli/cli.h"
#include "sink/sink.h"

#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace {

/// Started with one of them closed, the next file that is opened would get its number, and whatever is printed would go
/// there. They lead nowhere then; a command's output not in a way that looks like success: what was not printed must
/// not be deleted.
void open_standard_descriptors(bool serves) {
  for (int number = 0; number <= 2; ++number)
    if (::fcntl(number, F_GETFD) < 0 && ::open("/dev/null", number == 0 || !serves ? O_RDONLY : O_WRONLY) != number)
      ::_exit(71); // EX_OSERR
}

/// Whether the first word that is no option, nor the value of one that may stand there, is "serve".
bool serves(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--config" || word == "--data-dir")
      ++i;
    else if (!word.starts_with('-'))
      return word == "serve";
  }
  return false;
}

} // namespace

int main(int argc, char** argv) {
  open_standard_descriptors(serves(argc, argv));
  paquebot::cli::Environment environment;
  environment.version = PAQUEBOT_VERSION;
  environment.locate = paquebot::app::locate;
  environment.serve = [](const std::string& config) { return paquebot::app::serve(config, PAQUEBOT_VERSION); };
  environment.sink = [](const paquebot::cli::SinkOptions& options) {
    return paquebot::sink::run_sink(options, PAQUEBOT_VERSION);
  };
  environment.check = paquebot::app::check;
  environment.defaults = paquebot::app::defaults_toml;
  environment.reference = [](bool json) {
    return json ? paquebot::app::reference_json() : paquebot::app::reference_markdown();
  };
  return paquebot::cli::run(argc, argv, environment);
}
