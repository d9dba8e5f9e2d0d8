#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

void print_tls_keys(std::ostream& out, const json::value& certificate) {
  const bool is_signed = control::get_bool(certificate, "signed_zone");
  for (const auto& key : control::get_list(certificate, "keys")) {
    if (!is_signed || !key.is_object() || !key.as_object().contains("record")) continue;
    const auto& record = key.at("record");
    // At the margin: what begins with a space belongs to the name before it in a zone file (RFC 1035 section 5.1).
    out << "; " << control::get_text(record, "purpose") << '\n' << control::get_text(record, "zone") << '\n';
  }
}

void print_ordered(std::ostream& out, const json::value& certificate) {
  const std::string state = control::get_text(certificate, "state");
  const auto end = control::get_time(certificate, "not_after"), renewal = control::get_time(certificate, "renew_at"),
             again = control::get_time(certificate, "again_at"), rotates = control::get_time(certificate, "rotates_at");
  const std::string error = control::get_text(certificate, "error");
  out << control::get_text(certificate, "name") << ": " << state;
  if (end != 0) out << ", until " << time_text(end);
  if (renewal != 0) out << ", renewed at " << time_text(renewal);
  out << '\n';
  if (!error.empty()) out << "  the last attempt: " << error << '\n';
  if (again != 0) out << "  it is tried again at " << time_text(again) << '\n';
  if (control::get_bool(certificate, "rotation_wanted"))
    out << "  the next key takes over "
        << (rotates != 0 ? "at " + time_text(rotates)
                         : std::string("when both keys' TLSA records have been in the DNS for two times to live"))
        << '\n';
  print_tls_keys(out, certificate);
}

int tell_certificates(Session& session, const Result<json::value>& answer) {
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  const auto& list = control::get_list(*answer, "certificates");
  for (const auto& certificate : list) print_ordered(session.out(), certificate);
  if (list.empty())
    session.out() << "No certificate is ordered: it needs acme.agree_tos = true, and a name that leads here.\n";
  return kOk;
}

std::string certificate_path(const Arguments& arguments, std::string_view rest) {
  return "/v1/certificates/" + control::path_encode(arguments.text("NAME")) + std::string(rest);
}

void print_policy(std::ostream& out, const json::value& policy) {
  const std::string mode = control::get_text(policy, "mode"), why = control::get_text(policy, "why");
  const auto fetched = control::get_time(policy, "fetched");
  if (mode.empty()) {
    out << "  MTA-STS: none" << (why.empty() ? "" : ": ") << printable(why) << '\n';
    return;
  }
  out << "  MTA-STS: " << mode << ", id " << printable(control::get_text(policy, "id"));
  if (fetched != 0) out << ", fetched " << time_text(fetched);
  out << ", kept for " << control::get_number(policy, "max_age") << " s; hosts:";
  for (const auto& host : control::get_list(policy, "mx")) out << ' ' << printable(std::string_view(host.as_string()));
  out << '\n';
  if (control::get_bool(policy, "trouble")) out << "    the last fetch failed: " << printable(why) << '\n';
}

void print_tls_host(std::ostream& out, const json::value& host) {
  const std::string dane = control::get_text(host, "dane"), asked = control::get_text(host, "asked_by");
  out << "  " << printable(control::get_text(host, "host")) << " (" << control::get_number(host, "preference") << ")\n";
  if (!dane.empty()) out << "    TLSA records: " << printable(dane) << '\n';
  if (!control::get_bool(host, "named")) out << "    the policy of MTA-STS (testing) does not name it\n";
  out << "    "
      << (asked.empty() ? "TLS if it offers it, without conditions" : "protection is required: " + printable(asked))
      << "\n    now: " << printable(control::get_text(host, "told"), 1000) << '\n';
}

} // namespace

int tls_explain(Session& session, const Arguments& arguments) {
  const std::string target =
      "/v1/tls/" + control::path_encode(arguments.text("DOMAIN")) + (arguments.has("--refresh") ? "?refresh=1" : "");
  const auto told = session.call("GET", target);
  if (!told) return session.report(told.error());
  std::ostream& out = session.out();
  if (session.json) {
    out << control::to_pretty_text(*told);
    return kOk;
  }
  const std::string route = control::get_text(*told, "route"), failure = control::get_text(*told, "failure");
  out << "mail to " << printable(control::get_text(*told, "domain")) << ":\n";
  if (!route.empty()) {
    out << "  goes by the route " << printable(route) << ", whose tls and verify count\n";
    return kOk;
  }
  out << "  its mail hosts are " << (control::get_bool(*told, "signed_mx") ? "" : "not ") << "vouched for by DNSSEC\n";
  print_policy(out, told->at("policy"));
  if (!failure.empty()) out << "  can't be sent now: " << printable(failure, 1000) << '\n';
  for (const auto& host : control::get_list(*told, "hosts")) print_tls_host(out, host);
  return kOk;
}

int tls_status(Session& session, const Arguments&) {
  return tell_certificates(session, session.call("GET", "/v1/certificates"));
}

int tls_renew(Session& session, const Arguments& arguments) {
  return tell_certificates(session, session.call("POST", certificate_path(arguments, "/renew")));
}

int tls_rotate(Session& session, const Arguments& arguments) {
  return tell_certificates(session, session.call("POST", certificate_path(arguments, "/rotate")));
}

} // namespace paquebot::cli
