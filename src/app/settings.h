#pragma once

#include "app/config.h"
#include "app/setting.h"

#include <variant>
#include <vector>

namespace paquebot::app {

using AnySection =
    std::variant<Section<Config>, List<ListenerConfig>, List<FilterConfig>, List<CertificateConfig>, List<RouteConfig>,
                 List<queue::Provider>, List<queue::Source>, List<queue::Pool>, List<policy::DnsList>>;

/// Every key of the configuration file, in the order in which sections are read and told.
const std::vector<AnySection>& settings();

/// Of a section that says who sends reports: `from` as an address, and what is not given.
void check_sender(Reader& read, const Node& table, const Config& config, const std::string& from,
                  delivery::DmarcSending& reports);

// The tables that it is made of, each with its checks: settings_NAME.cc.
extern const Section<Config> kServerSettings;
extern const List<ListenerConfig> kListenerSettings;
extern const List<FilterConfig> kFilterSettings;
extern const Section<Config> kTlsSettings;
extern const List<CertificateConfig> kCertificateSettings;
extern const Section<Config> kAcmeSettings;
extern const Section<Config> kDnsSettings;
extern const List<RouteConfig> kRouteSettings;
extern const List<queue::Provider> kProviderSettings;
extern const List<queue::Source> kSourceSettings;
extern const List<queue::Pool> kPoolSettings;
extern const Section<Config> kQueueSettings;
extern const Section<Config> kDeliverySettings;
extern const Section<Config> kPolicySettings;
extern const Section<Config> kTlsReportsSettings;
extern const Section<Config> kLoginSettings;
extern const Section<Config> kOauthSettings;
extern const Section<Config> kAuthenticationSettings;
extern const Section<Config> kReportsSettings;
extern const Section<Config> kListedSettings;
extern const List<policy::DnsList> kDnsListSettings;
extern const Section<Config> kForwardingSettings;
extern const Section<Config> kDkimSettings;
extern const Section<Config> kDoctorSettings;
extern const Section<Config> kLimitsSettings;
extern const Section<Config> kAccountLimitsSettings;
extern const Section<Config> kSubmissionSettings;
extern const Section<Config> kRelaySettings;
extern const Section<Config> kTakeoverSettings;
extern const Section<Config> kMailboxSettings;
extern const Section<Config> kPop3Settings;
extern const Section<Config> kImapSettings;
extern const Section<Config> kSearchSettings;
extern const Section<Config> kExtensionsSettings;
extern const Section<Config> kClientSetupSettings;
extern const Section<Config> kMtaStsSettings;
extern const Section<Config> kMetricsSettings;
extern const Section<Config> kHooksSettings;

} // namespace paquebot::app
