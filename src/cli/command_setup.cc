#include "base/units.h"
#include "cli/setup.h"

namespace paquebot::cli {

using namespace std::chrono_literals;

int setup(Session& session, const Arguments& arguments) {
  SetupWishes wishes;
  wishes.address = arguments.text("ADDRESS");
  wishes.hostname = arguments.text("--hostname");
  wishes.addresses = arguments.list("--address");
  wishes.resolvers = arguments.list("--resolver");
  wishes.smarthost = arguments.text("--smarthost");
  wishes.smarthost_user = arguments.text("--smarthost-user");
  wishes.smarthost_password_file = arguments.text("--smarthost-password-file");
  wishes.password = password_source(arguments, {}, true);
  wishes.agree_tos = arguments.has("--agree-tos");
  wishes.acme_directory = arguments.text("--acme-directory");
  wishes.acme_ca_file = arguments.text("--acme-ca-file");
  wishes.yes = arguments.has("--yes");
  wishes.start = !arguments.has("--no-start");
  wishes.wait = 30min;
  if (arguments.has("--wait")) {
    const auto time = parse_seconds(arguments.text("--wait"));
    if (!time || *time <= 0 || *time > 7 * 24 * 3600)
      return session.report({Errc::invalid, "--wait takes a time of up to 7 days, such as 90s, 15m or 2h"});
    wishes.wait = std::chrono::seconds(*time);
  }
  if (arguments.has("--no-wait")) wishes.wait = 0s;
  const auto world = real_world(wishes.resolvers);
  return run_setup(session, std::move(wishes), *world);
}

} // namespace paquebot::cli
