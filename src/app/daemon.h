#pragma once

#include "app/certificate.h"
#include "app/config.h"
#include "app/errands.h"
#include "app/inherited.h"
#include "app/keeper.h"
#include "app/service_manager.h"
#include "service/server.h"
#include "store/store.h"

#include <atomic>
#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace paquebot::app {

inline constexpr int kConfigError = 78; ///< EX_CONFIG
inline constexpr int kSystemError = 71; ///< EX_OSERR
inline constexpr int kBroken = 70;      ///< EX_SOFTWARE

/// What the store wakes the main thread with when another node has taken this one for dead.
inline constexpr int kEpochEnded = SIGUSR2;

/// Prints "paquebot: …" to standard error; gives `code`.
int complain(int code, const std::string& text);

/// What lives between start and stop, in the order of its making.
class Daemon {
public:
  /// `manager`: who is told how the server is; `inherited`: sockets that it has opened.
  Daemon(Config config, std::string version, ServiceManager manager, Inherited inherited)
      : manager_(std::move(manager)), inherited_(std::move(inherited)), config_(std::move(config)),
        version_(std::move(version)) {}

  /// Until SIGTERM or SIGINT. Gives the exit code.
  int run();

private:
  Result<> prepare();
  void take_inherited();
  Result<> bind(bool as_user);
  Result<> open_log();
  Result<> confine();
  Result<> open_store();
  Result<> open_control();
  std::string node_name() const; ///< among those that work on a database
  Result<> start();
  control::Reloaded reload();
  control::Reloaded read_again();
  std::string state() const;
  Task<control::Reloaded> ask_reload();
  Result<TlsContexts> show_certificates(const Config& config);
  void take(const Config& fresh, const TlsContexts& tls);
  void tell_settings();
  void look_at_certificates();
  enum class End { told, epoch };
  End wait_for_end();
  void begin_anew();
  void tell_ready();
  bool end_server();

  ServiceManager manager_;
  Inherited inherited_;
  Config config_;             ///< of the start: what needs a restart to change is as it says
  Config in_force_ = config_; ///< of the last reload; of the thread of errands once it runs
  std::mutex settings_mutex_;
  std::vector<control::SettingFacts> settings_; ///< of in_force_; under `settings_mutex_`
  std::string version_;
  std::string seen_; ///< the keeper's fingerprint when the files were last read; likewise
  std::unique_ptr<Keeper> keeper_;
  std::vector<std::unique_ptr<service::BoundListener>> bound_; ///< one for each of config_.listeners
  const std::shared_ptr<net::Certificates> certificates_ = std::make_shared<net::Certificates>(); ///< that are shown
  /// Of the store: how many were begun, and the number of the last one that another node has ended.
  std::atomic<int> epochs_ = 0, ended_epoch_ = 0;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<service::Server> server_;
  std::atomic<bool> ready_ = false; ///< the server is whole: errands may look after it
  std::unique_ptr<Errands> errands_;
};

} // namespace paquebot::app
