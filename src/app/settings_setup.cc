// [client_setup], [mta_sts], [metrics]: what users' programs, other servers and monitors are told of this one.

#include "app/config_checks.h"
#include "app/settings.h"
#include "base/text.h"

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

/// Editors end files with a line feed.
void check_metrics(Reader& read, const Node& table, Config& config) {
  std::string& token = config.snapshot.watch.token;
  token = std::string(trim(token));
  if (!config.metrics_token_file.empty() && token.empty())
    read.error(table, "token_file",
               "the file is empty: write a long random text into it, such as openssl rand -hex 20");
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

const Section<Config> kMetricsSettings = {
    .name = "metrics",
    .settings =
        {
            {.key = "from",
             .value = networks(AT(Config, snapshot.watch.from), {"127.0.0.0/8", "::1"}),
             .text =
                 R"(the networks that may see `/metrics`, `/livez` and `/readyz` without a token. What a proxy hands on is not
             from the proxy's address)"},
            {.key = "token_file",
             .value = file(AT(Config, metrics_token_file), AT(Config, snapshot.watch.token)),
             .text = "a file with the token by which a monitor may see them from anywhere, over TLS (`Authorization: "
                     "Bearer`)"},
        },
    .check = check_metrics,
};

} // namespace paquebot::app
