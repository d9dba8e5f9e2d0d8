#include "app/config_permission.h"

#include "mail/address.h"

namespace paquebot::app {

void read_takeover(Reader& read, const toml::table& root, Config& config) {
  const toml::table& t = section(read, root, "takeover");
  read.only(t, "[takeover]", {"enabled", "new_recipients", "times_usual", "failures", "failure_percent", "networks"});
  bool enabled = true;
  read.flag(t, "enabled", enabled);
  read.number(t, "new_recipients", 0, 1'000'000, config.takeover.new_recipients);
  read.number(t, "times_usual", 1, 1000, config.takeover.times_usual);
  read.number(t, "failures", 0, 1'000'000, config.takeover.failures);
  read.number(t, "failure_percent", 1, 100, config.takeover.failure_percent);
  read.number(t, "networks", 0, 10'000, config.takeover_networks);
  if (enabled) return;
  config.takeover = {};
  config.takeover_networks = 0;
}

void read_relay(Reader& read, const toml::table& root, Config& config) {
  const toml::table& t = section(read, root, "relay");
  read.only(t, "[relay]", {"networks", "senders", "messages_per_hour", "recipients_per_hour", "bare_lf", "checked"});
  if (const toml::array* listed = t["networks"].as_array()) {
    for (const toml::node& one : *listed)
      if (one.value_or(std::string()).ends_with("/0"))
        read.error(one, "the whole world in networks would make this an open relay");
  }
  read.networks(t, "networks", config.relay_from);
  read.networks(t, "bare_lf", config.bare_lf_from);
  read.networks(t, "checked", config.checked_devices);
  read.number(t, "messages_per_hour", 0, 1'000'000, config.relay.limits.messages_per_hour);
  read.number(t, "recipients_per_hour", 0, 1'000'000, config.relay.limits.recipients_per_hour);
  std::vector<std::string>& senders = config.relay.senders;
  read.texts(t, "senders", senders);
  for (std::string& sender : senders) {
    if (sender == "<>") continue;
    const auto address = mail::parse_address(sender);
    const auto domain = mail::normalize_domain(sender);
    if (sender.contains('@') ? !address : !domain)
      read.error(*t.get("senders"), fmt::format("\"{}\" in senders is neither an address nor a domain, nor \"<>\"",
                                                printable(sender, 60)));
    else
      sender = sender.contains('@') ? address->to_string() : *domain;
  }
}

void read_submission(Reader& read, const toml::table& root, Config& config) {
  const toml::table& t = section(read, root, "submission");
  read.only(t, "[submission]", {"bare_lf", "keep_bcc"});
  read.choice<bool>(t, "bare_lf", {{"mend", true}, {"refuse", false}}, config.mend_bare_lf);
  read.flag(t, "keep_bcc", config.keep_bcc);
}

void read_origin(Reader& read, const toml::table& server, Config& config) {
  read.duration(server, "new_domain_grace", std::chrono::seconds(0), config.new_domain_grace);
  read.text(server, "origin", config.origin);
  const toml::node* node = server.get("origin");
  if (node == nullptr) return void(config.origin = config.hostname);
  auto name = mail::normalize_domain(config.origin);
  if (!name)
    read.error(*node, "origin is not a domain name: " + name.error().message);
  else
    config.origin = *name;
}

} // namespace paquebot::app
