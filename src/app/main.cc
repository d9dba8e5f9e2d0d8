#include "app/locate.h"
#include "app/serve.h"
#include "cli/cli.h"

int main(int argc, char** argv) {
  paquebot::cli::Environment environment;
  environment.version = PAQUEBOT_VERSION;
  environment.locate = paquebot::app::locate;
  environment.serve = paquebot::app::serve;
  environment.check = paquebot::app::check;
  return paquebot::cli::run(argc, argv, environment);
}
