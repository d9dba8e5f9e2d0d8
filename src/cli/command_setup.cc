#include "base/text.h"
#include "base/units.h"
#include "cli/setup.h"
#include "dns/servers.h"

#include <fstream>

namespace paquebot::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostAnchor = 16384;

/// The records in a file, without what is a comment there.
Result<std::string> read_anchor(const std::string& path) {
  std::ifstream file(path);
  std::string text(kMostAnchor, 0);
  if (!file) return fail(Errc::not_found, path + " can't be read");
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  std::string records;
  for (const auto line : split(text, '\n'))
    if (const auto record = trim(line); !record.empty() && !record.starts_with(';'))
      records.append(record).push_back('\n');
  if (dns::anchored_zones(records).empty())
    return fail(Errc::invalid,
                path + " has no DS or DNSKEY record of a zone, such as \"corp.example. IN DS 20326 8 2 E06D…\"");
  return records;
}

} // namespace

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
  wishes.acme_allow = arguments.list("--acme-allow");
  if (arguments.has("--trust-anchor")) {
    auto anchor = read_anchor(arguments.text("--trust-anchor"));
    if (!anchor) return session.report(anchor.error());
    wishes.trust_anchor = std::move(*anchor);
  }
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
