#include "cli/setup_certificate.h"

#include "base/text.h"
#include "cli/output.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kCertificateLook = 1s;
/// A server that orders has begun by then; and what failed then is no passing thing.
constexpr auto kBegins = 15s;

/// What the server tells of the one for that name; null: it orders none.
json::value ordered_certificate(Session& session, const std::string& hostname) {
  const auto answer = session.call("GET", "/v1/certificates");
  if (!answer) return {};
  for (const auto& one : control::get_list(*answer, "certificates"))
    if (control::get_text(one, "name") == hostname) return one;
  return {};
}

std::string nothing_came(const json::value& certificate, const std::string& name, const Session& session) {
  if (certificate.is_null())
    return "let a certificate be ordered, which the server does not do: [acme] with agree_tos = true, and a listener "
           "with role = \"http\" in " +
           session.config;
  const std::string why = printable(control::get_text(certificate, "error"), 500);
  return "see why there is no certificate for " + name + " yet: paquebot tls status" +
         (why.empty() ? "" : " (" + why + ")");
}

bool is_there(const json::value& certificate) {
  const std::string state = control::get_text(certificate, "state");
  return state == "valid" || state == "late";
}

/// One name; what the server tells of it at the end.
json::value await_one(SetupPerson& person, SetupWorld& world, Session& session, const std::string& name,
                      std::chrono::steady_clock::time_point until) {
  const auto began = world.now();
  bool again = false, told = false;
  for (;;) {
    json::value certificate = ordered_certificate(session, name);
    const auto passed = world.now() - began;
    if (is_there(certificate)) {
      person.say() << name << ": it is there, good until " << time_text(control::get_time(certificate, "not_after"))
                   << ".\n"
                   << std::flush;
      return certificate;
    }
    // Begun before the records were there, it waits now for its next turn.
    if (!again && control::get_time(certificate, "again_at") != 0 && !control::get_bool(certificate, "ordered")) {
      again = true;
      (void)session.call("POST", "/v1/certificates/" + control::path_encode(name) + "/renew");
    }
    if (const std::string error = control::get_text(certificate, "error");
        !told && !error.empty() && passed > kBegins) {
      told = true;
      person.say() << name << ": not yet: " << printable(error, 500) << '\n' << std::flush;
    }
    const bool nothing_begins = certificate.is_null() && passed > kBegins;
    if (nothing_begins || world.now() + kCertificateLook >= until) return certificate;
    world.pause(kCertificateLook);
  }
}

} // namespace

std::string await_certificates(SetupPerson& person, SetupWorld& world, Session& session,
                               const std::vector<std::string>& names, bool wanted, std::chrono::seconds most) {
  if (!wanted && ordered_certificate(session, names.front()).is_null()) return {};
  person.head("Certificates");
  const auto until = world.now() + most;
  std::string left;
  for (const std::string& name : names) {
    const json::value certificate = await_one(person, world, session, name, until);
    if (left.empty() && !is_there(certificate)) left = nothing_came(certificate, name, session);
    if (certificate.is_null()) break; // nobody orders here
  }
  return left;
}

} // namespace paquebot::cli
