#include "app/serve.h"

#include "app/config.h"
#include "app/daemon.h"
#include "app/inherited.h"
#include "app/privileges.h"
#include "app/service_manager.h"
#include "base/log.h"

#include <csignal>
#include <pthread.h>
#include <sys/stat.h>

namespace paquebot::app {
namespace {

void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, kEpochEnded}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr); // every thread inherits it; the main thread waits for them
  std::signal(SIGPIPE, SIG_IGN);
}

} // namespace

int serve(const std::string& config_path, const std::string& version) {
  Inherited inherited = Inherited::take_from_environment(); // before any file is opened
  ServiceManager manager = ServiceManager::take_from_environment();
  auto config = load_config(config_path);
  if (!config) return complain(kConfigError, config.error().message);
  ::umask(027);
  block_signals();
  raise_descriptor_limit();
  if (auto done = log::configure(config->log_format, config->log_level); !done)
    return complain(kSystemError, done.error().message);
  Daemon daemon(std::move(*config), version, std::move(manager), std::move(inherited));
  return daemon.run();
}

} // namespace paquebot::app
