// [client_setup], [mta_sts]: what users' programs and other servers are told of this one.

#include "app/config_checks.h"
#include "app/settings.h"

namespace paquebot::app {
namespace {

using namespace std::chrono_literals;
using Mode = setup::MtaStsMode;

Result<std::string> optional_name(const std::string& text) { return text.empty() ? text : domain_name(text); }

Result<std::string> mx_pattern(const std::string& text) {
  auto name = setup::read_mx_pattern(text);
  if (name.empty()) return fail(Errc::invalid, "is neither a host name nor one behind \"*.\"");
  return name;
}

} // namespace

const Section<Config> kClientSetupSettings = {
    .name = "client_setup",
    .settings =
        {
            {.key = "host",
             .value = text(AT(Config, snapshot.setup.host), "", optional_name),
             .otherwise = "`server.hostname`",
             .text = R"(the name that users' programs are told to connect to. The certificate must have it)"},
        },
};

const Section<Config> kMtaStsSettings = {
    .name = "mta_sts",
    .settings =
        {
            {.key = "mode",
             .value = word(
                 AT(Config, snapshot.setup.mta_sts.mode), Mode::testing,
                 {{"off", Mode::off}, {"none", Mode::none}, {"testing", Mode::testing}, {"enforce", Mode::enforce}}),
             .text =
                 R"(`"testing"`: others report what fails and send all the same. `"enforce"`: they send to hosts of the policy only,
             with a certificate that is valid, or not at all. `"none"` takes back a policy that others may have in memory: leave
             it for `max_age`, then `"off"`, which has no policy)"},
            {.key = "max_age",
             .value = duration(AT(Config, snapshot.setup.mta_sts.max_age), std::chrono::seconds(7 * 24h), 1h,
                               std::chrono::seconds(31557600)),
             .text = "how long others keep a policy in memory: some weeks with `\"enforce\"`"},
            {.key = "mx",
             .value = texts(AT(Config, snapshot.setup.mta_sts.mx), {}, mx_pattern),
             .text = "hosts that take mail of our domains beside this server, such as `\"mx2.example.net\"` or "
                     "`\"*.example.net\"`"},
        },
};

} // namespace paquebot::app
