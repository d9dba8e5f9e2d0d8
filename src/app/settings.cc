#include "app/settings.h"

namespace paquebot::app {

const std::vector<AnySection>& settings() {
  static const std::vector<AnySection> kAll{
      server_settings(),   listener_settings(),       filter_settings(),         tls_settings(),
      dns_settings(),      route_settings(),          queue_settings(),          delivery_settings(),
      login_settings(),    oauth_settings(),          authentication_settings(), reports_settings(),
      guard_settings(),    dns_list_settings(),       forwarding_settings(),     dkim_settings(),
      limits_settings(),   account_limits_settings(), submission_settings(),     relay_settings(),
      takeover_settings(), mailbox_settings(),        pop3_settings(),           extensions_settings()};
  return kAll;
}

} // namespace paquebot::app
