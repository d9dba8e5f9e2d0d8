#pragma once

#include "base/clock.h"
#include "http/site.h"
#include "setup/facts.h"

#include <functional>

namespace paquebot::service {

/// What the programs of users, and servers that send mail here, ask for without a login (docs/client-setup.md):
///
///   GET  /mail/config-v1.1.xml, /.well-known/autoconfig/mail/config-v1.1.xml (?emailaddress=)
///   POST /autodiscover/autodiscover.xml, in any case
///   GET  /.well-known/mta-sts.txt on mta-sts.DOMAIN
///
/// The domain is that of the address, else of the host: DOMAIN itself, or DOMAIN behind "autoconfig.", "autodiscover."
/// and "mta-sts.". 404 for domains that are not ours; whether there is such a user is never told. 503 when the store
/// fails.
class SetupSite final : public http::Site {
public:
  struct Parts {
    std::function<setup::Facts()> facts;
    std::function<Task<Result<bool>>(std::string domain)> is_our_domain;
    const Clock& clock = system_clock();
  };
  explicit SetupSite(Parts parts) : parts_(std::move(parts)) {}

  /// Whether the path is one of those above.
  static bool serves(const http::Request& request);

  std::uint64_t most_content(const http::Request& request, const http::Visitor& visitor) const override;
  Task<http::Answer> answer(http::Exchange exchange) override;

private:
  Task<http::Answer> autoconfig(http::Exchange exchange);
  Task<http::Answer> autodiscover(http::Exchange exchange);
  Task<http::Answer> policy(http::Exchange exchange);

  Parts parts_;
};

} // namespace paquebot::service
