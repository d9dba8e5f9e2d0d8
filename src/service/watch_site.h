#pragma once

#include "http/site.h"
#include "net/network.h"
#include "service/health.h"

#include <functional>
#include <memory>
#include <string>

namespace paquebot::service {

/// Who may look at the server's numbers.
struct WatchOptions {
  net::Networks from; ///< these may without a token
  std::string token;  ///< who shows it under TLS may from anywhere; empty: there is none
};

/// What a monitor asks (docs/monitoring.md): GET /metrics, /livez, /readyz. For whom WatchOptions let; all others get
/// 404, and do not learn that it is there. A request that a proxy has handed on is not from the address that it comes
/// from.
class WatchSite final : public http::Site {
public:
  struct Parts {
    std::function<std::shared_ptr<const WatchOptions>()> options;
    std::function<Task<std::string>()> metrics;
    Health& health;
  };
  explicit WatchSite(Parts parts) : parts_(std::move(parts)) {}

  /// Whether the path is one of those above.
  static bool serves(const http::Request& request);

  std::uint64_t most_content(const http::Request&, const http::Visitor&) const override { return 0; }
  Task<http::Answer> answer(http::Exchange exchange) override;

private:
  bool may_look(const http::Exchange& exchange) const;
  Parts parts_;
};

} // namespace paquebot::service
