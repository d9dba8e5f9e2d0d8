#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

std::string domain_path(const std::string& name) { return "/v1/domains/" + control::path_encode(name); }

} // namespace

int domain_add(Session& session, const Arguments& arguments) {
  json::object wanted{{"name", arguments.text("DOMAIN")}};
  if (arguments.has("--alias-of")) wanted["alias_of"] = arguments.text("--alias-of");
  const auto answer = session.call("POST", "/v1/domains", control::to_text(wanted));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  const std::string name = control::get_text(*answer, "name");
  if (const std::string problem = control::get_text(*answer, "problem"); !problem.empty())
    session.err() << "paquebot: its mail will not be signed: " << problem << "\n  paquebot dkim create " << name
                  << '\n';
  if (const std::string of = control::get_text(*answer, "alias_of"); !of.empty()) {
    session.out() << name << " is a domain of this server now, with the addresses of " << of << ".\n"
                  << "Its records in the DNS, so that mail arrives and what it sends is believed:\n"
                  << "  paquebot domain dns " << name << '\n';
    return kOk;
  }
  session.out() << name
                << " is a domain of this server now. Its first account will get its mail for postmaster and abuse:\n"
                << "  paquebot account add you@" << name << '\n'
                << "At first, mail for an address that nobody has yet is put off, not refused: for an hour, unless\n"
                << "server.new_domain_grace says otherwise.\n"
                << "Its records in the DNS, so that mail arrives and what it sends is believed:\n"
                << "  paquebot domain dns " << name << '\n';
  return kOk;
}

int domain_list(Session& session, const Arguments&) {
  const auto answer = session.call_list("/v1/domains", "domains");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"DOMAIN", "OWNER (postmaster, abuse)"});
  for (const auto& domain : control::get_list(*answer, "domains")) {
    const std::string owner = control::get_text(domain, "owner");
    const std::string of = control::get_text(domain, "alias_of");
    table.add({control::get_text(domain, "display_name"), !of.empty()     ? "an alias of " + of
                                                          : owner.empty() ? "nobody yet"
                                                                          : owner});
  }
  table.print_or(session.out(), "There are no domains yet. Add one: paquebot domain add example.org");
  return kOk;
}

int domain_owner(Session& session, const Arguments& arguments) {
  const std::string body = control::to_text(json::object{{"owner", arguments.text("LOGIN")}});
  const auto answer = session.call("PATCH", domain_path(arguments.text("DOMAIN")), body);
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    session.out() << control::get_text(*answer, "owner") << " gets the mail for postmaster and abuse of "
                  << control::get_text(*answer, "name") << " now.\n";
  }
  return kOk;
}

int domain_remove(Session& session, const Arguments& arguments) {
  const auto answer = session.call("DELETE", domain_path(arguments.text("DOMAIN")));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    session.out() << control::get_text(*answer, "removed") << " is no domain of this server any more.\n";
  }
  return kOk;
}

} // namespace paquebot::cli
