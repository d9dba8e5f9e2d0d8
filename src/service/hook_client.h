#pragma once

#include "control/hook_trial.h"
#include "dns/resolver.h"
#include "net/http_client.h"
#include "net/wheel.h"

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <mutex>

namespace paquebot::service {

/// Asks the receivers of hooks over HTTP, wherever hooks may lead: names are looked up for each request, and an address
/// that is none of the public Internet's nor allowed is refused then. Nobody is followed anywhere.
class HookClient {
public:
  HookClient(boost::asio::any_io_executor executor, net::Wheel& wheel, std::shared_ptr<dns::Resolver> resolver)
      : executor_(std::move(executor)), wheel_(wheel), resolver_(std::move(resolver)) {}

  /// Where hooks may lead, from now on. Thread-safe.
  void configure(control::HookRules rules);
  control::HookRules rules();
  /// An answer of any status; errors as net::HttpClient has them. On the executor.
  Task<Result<http::Reply>> send(net::HttpRequest request);

private:
  std::shared_ptr<net::HttpClient> client();

  boost::asio::any_io_executor executor_;
  net::Wheel& wheel_;
  std::shared_ptr<dns::Resolver> resolver_;
  std::mutex mutex_;
  control::HookRules rules_;                ///< under `mutex_`
  std::shared_ptr<net::HttpClient> client_; ///< made by them, when it is needed
};

} // namespace paquebot::service
