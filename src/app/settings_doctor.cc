// [doctor]: what is looked at, and who is told.

#include "app/settings.h"
#include "base/text.h"
#include "mail/address.h"
#include "net/endpoint.h"

namespace paquebot::app {
namespace {

/// "example.org", "mx.example.org:25" or "192.0.2.1:25".
Result<std::string> host_or_port(const std::string& text) {
  if (net::parse_endpoint(text)) return text;
  const auto colon = text.rfind(':');
  const auto port = colon == std::string::npos ? std::optional<std::uint64_t>(25) : parse_u64(text.substr(colon + 1));
  auto name = mail::normalize_domain(text.substr(0, colon));
  if (!name || !port || *port == 0 || *port > 65535)
    return fail(Errc::invalid, "is neither a domain, nor \"host:port\"");
  return colon == std::string::npos ? *name : *name + text.substr(colon);
}

Result<std::string> list_name(const std::string& text) {
  auto name = mail::normalize_domain(text);
  if (!name) return fail(Errc::invalid, "is no domain name: " + name.error().message);
  return name;
}

Result<std::string> time_host(const std::string& text) { return text.empty() ? text : host_or_port(text); }

Result<std::string> whole_address(const std::string& text) {
  if (text.empty()) return text;
  const auto address = mail::parse_address(text, false);
  if (address && !address->domain.empty() && !address->is_literal()) return text;
  return fail(Errc::invalid, "is not an address; write \"you@example.org\"");
}

} // namespace

const Section<Config> kDoctorSettings = {
    .name = "doctor",
    .settings =
        {
            {.key = "daily",
             .value = flag(AT(Config, snapshot.doctor.daily), true),
             .text = R"(run all checks of `paquebot doctor` once a day, the first time a quarter of an hour after the
             start. What became worse, and what is good again, is logged and written to `report_to`, once)"},
            {.key = "report_to",
             .value = text(AT(Config, snapshot.doctor.report_to), "", whole_address),
             .otherwise = "postmaster of the first domain",
             .text = "who gets that mail"},
            {.key = "providers",
             .value =
                 texts(AT(Config, snapshot.doctor.providers), {"gmail.com", "outlook.com", "yahoo.com"}, host_or_port),
             .text =
                 R"(whose mail servers are greeted to see whether port 25 is open to the outside, one after the other
             until one answers: domains, or `"host:port"`. `[]`: nobody is)"},
            {.key = "lists",
             .value = texts(AT(Config, snapshot.doctor.lists), {"zen.spamhaus.org", "bl.spamcop.net"}, list_name),
             .text = "block lists that our own addresses are looked for in. `[]`: none is asked"},
            {.key = "time_server",
             .value = text(AT(Config, snapshot.doctor.time_server), "", time_host),
             .otherwise = "nobody: what the system says of its clock counts",
             .text = R"(a server of NTP that the clock is compared with: `"time.example.org"`)"},
        },
};

} // namespace paquebot::app
