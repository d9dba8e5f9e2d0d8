#pragma once

#include "base/result.h"
#include "base/task.h"
#include "dns/upstream.h"
#include "store/upkeep.h"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

namespace paquebot::service {

/// Looks at the resolvers from time to time and tells in the log when answers stop or begin to be validated; keeps in
/// the store's settings with which of them validation has worked (dns::kProvenSetting and the address, milliseconds).
class DnsKeeper {
public:
  /// `store` must outlive it. `launch` runs a task that may last until the store answers.
  DnsKeeper(store::Upkeep& store, std::shared_ptr<dns::Upstream> upstream, std::function<void(Task<void>)> launch);

  /// What earlier runs knew; blocks until the store has told. Before anything is asked.
  Result<> recall();
  /// Looks at once, then every six hours; every few minutes as long as nothing is validated. Until stop().
  Task<void> run();
  /// Any thread.
  void look_now() { look_now_ = true; }
  void stop() { stopping_ = true; }
  /// For `status`: a JSON object.
  std::string status() const;

private:
  Task<void> remember(std::string address, std::int64_t when);

  store::Upkeep& store_;
  std::shared_ptr<dns::Upstream> upstream_;
  /// Of recall(): it ends before the thread of the store that woke it has left post().
  boost::asio::io_context here_;
  std::atomic<bool> look_now_ = false, stopping_ = false;
};

} // namespace paquebot::service
