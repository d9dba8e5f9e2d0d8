#pragma once

#include "app/config.h"
#include "app/setting.h"

#include <variant>
#include <vector>

namespace paquebot::app {

using AnySection =
    std::variant<Section<Config>, List<ListenerConfig>, List<FilterConfig>, List<RouteConfig>, List<policy::DnsList>>;

/// Every key of the configuration file, in the order in which sections are read and told.
const std::vector<AnySection>& settings();

// The tables that it is made of, each with its checks: settings_NAME.cc.
Section<Config> server_settings();
List<ListenerConfig> listener_settings();
List<FilterConfig> filter_settings();
Section<Config> tls_settings();
Section<Config> dns_settings();
List<RouteConfig> route_settings();
Section<Config> queue_settings();
Section<Config> delivery_settings();
Section<Config> login_settings();
Section<Config> oauth_settings();
Section<Config> authentication_settings();
Section<Config> reports_settings();
Section<Config> guard_settings();
List<policy::DnsList> dns_list_settings();
Section<Config> forwarding_settings();
Section<Config> dkim_settings();
Section<Config> limits_settings();
Section<Config> account_limits_settings();
Section<Config> submission_settings();
Section<Config> relay_settings();
Section<Config> takeover_settings();
Section<Config> mailbox_settings();
Section<Config> pop3_settings();
Section<Config> extensions_settings();

} // namespace paquebot::app
