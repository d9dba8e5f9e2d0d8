#include "app/settings.h"

namespace paquebot::app {

const std::vector<AnySection>& settings() {
  static const std::vector<AnySection> kAll{
      kServerSettings,     kListenerSettings,   kFilterSettings,         kTlsSettings,         kCertificateSettings,
      kAcmeSettings,       kDnsSettings,        kRouteSettings,          kProviderSettings,    kSourceSettings,
      kPoolSettings,       kQueueSettings,      kDeliverySettings,       kPolicySettings,      kTlsReportsSettings,
      kLoginSettings,      kOauthSettings,      kAuthenticationSettings, kReportsSettings,     kListedSettings,
      kDnsListSettings,    kForwardingSettings, kDkimSettings,           kLimitsSettings,      kAccountLimitsSettings,
      kSubmissionSettings, kRelaySettings,      kTakeoverSettings,       kMailboxSettings,     kPop3Settings,
      kImapSettings,       kSearchSettings,     kExtensionsSettings,     kClientSetupSettings, kMtaStsSettings,
      kMetricsSettings,    kDoctorSettings,     kHooksSettings};
  return kAll;
}

} // namespace paquebot::app
