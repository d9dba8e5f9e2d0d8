#include "app/check.h"
#include "app/locate.h"
#include "app/serve.h"
#include "cli/cli.h"

#include <fcntl.h>
#include <unistd.h>

namespace {

/// Started with one of them closed, the next file that is opened would get its number, and whatever is printed would go there.
void open_standard_descriptors() {
  for (int number = 0; number <= 2; ++number)
    if (::fcntl(number, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != number) ::_exit(71); // EX_OSERR
}

} // namespace

int main(int argc, char** argv) {
  open_standard_descriptors();
  paquebot::cli::Environment environment;
  environment.version = PAQUEBOT_VERSION;
  environment.locate = paquebot::app::locate;
  environment.serve = [](const std::string& config) { return paquebot::app::serve(config, PAQUEBOT_VERSION); };
  environment.check = paquebot::app::check;
  return paquebot::cli::run(argc, argv, environment);
}
