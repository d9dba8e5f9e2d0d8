// [authentication]: how it is checked where mail is from.

#include "app/toml_reader.h"
#include "mail/address.h"

namespace paquebot::app {
namespace {

void read_forwarders(Reader& read, const toml::table& t, std::vector<std::string>& into) {
  read.texts(t, "trusted_forwarders", into);
  for (std::string& domain : into) {
    auto normal = mail::normalize_domain(domain);
    if (normal)
      domain = std::move(*normal);
    else
      read.error(*t.get("trusted_forwarders"), fmt::format("\"{}\" in trusted_forwarders is not a domain name: {}",
                                                           printable(domain, 60), normal.error().message));
  }
}

} // namespace

void read_authentication(Reader& read, const toml::table& root, Config& config) {
  using Options = intake::AuthenticationOptions;
  Options& into = config.authentication;
  const toml::table& t = section(read, root, "authentication");
  read.only(t, "[authentication]",
            {"verify", "dmarc", "quarantine", "spf_fail", "trusted_forwarders", "skip_networks", "timeout", "reports"});
  read.flag(t, "verify", into.verify);
  read.choice<Options::Dmarc>(
      t, "dmarc", {{"enforce", Options::Dmarc::enforce}, {"tag", Options::Dmarc::tag}, {"off", Options::Dmarc::off}},
      into.dmarc);
  read.choice<Options::Quarantine>(
      t, "quarantine", {{"tag", Options::Quarantine::tag}, {"hold", Options::Quarantine::hold}}, into.quarantine);
  read.choice<Options::SpfFail>(t, "spf_fail", {{"tag", Options::SpfFail::tag}, {"refuse", Options::SpfFail::refuse}},
                                into.spf_fail);
  read_forwarders(read, t, into.trusted_forwarders);
  into.skip_networks = *net::Networks::parse({"127.0.0.0/8", "::1"});
  if (t.get("skip_networks")) read.networks(t, "skip_networks", into.skip_networks);
  read.duration(t, "timeout", std::chrono::seconds(1), into.timeout);
  if (into.timeout > std::chrono::seconds(60))
    read.error(*t.get("timeout"), "timeout is too long: at most 60 seconds, or senders give up");
  read_reports(read, t, config);
}

} // namespace paquebot::app
