// [hooks]: where URLs that are told of events may lead.

#include "app/settings.h"

namespace paquebot::app {

const Section<Config> kHooksSettings = {
    .name = "hooks",
    .settings =
        {
            {.key = "private_networks",
             .value = networks(AT(Config, snapshot.hooks.also), {}),
             .text = R"(addresses that hooks may lead to although they are not of the public Internet, as
             `["192.168.7.0/24"]`. All others that are private, of this machine, or of no known kind are refused after
             the name was looked up: whoever may make a hook could ask this network's machines otherwise)"},
            {.key = "plain_http",
             .value = flag(AT(Config, snapshot.hooks.plain), false),
             .text = "hooks may lead to `http:` as well, where anybody in between reads what they are told"},
        },
};

} // namespace paquebot::app
