#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

std::string path_of(const Arguments& arguments, std::string_view rest) {
  return "/v1/domains/" + control::path_encode(arguments.text("DOMAIN")) + std::string(rest);
}

std::string forced(const Arguments& arguments) { return arguments.has("--force") ? "?force=1" : ""; }

/// A record as it goes into a zone file, what it is for above it.
void print_record(std::ostream& out, const json::value& record) {
  out << "; " << control::get_text(record, "purpose") << '\n' << control::get_text(record, "zone") << '\n';
}

void print_keys(std::ostream& out, const json::value& answer) {
  for (const auto& key : control::get_list(answer, "keys"))
    if (key.is_object() && key.as_object().contains("record")) print_record(out, key.at("record"));
}

json::value part_of(const json::value& answer, const char* name) {
  const auto* part = answer.is_object() ? answer.as_object().if_contains(name) : nullptr;
  return part == nullptr ? json::value() : *part;
}

int print_json(Session& session, const json::value& answer) {
  session.out() << control::to_pretty_text(answer);
  return kOk;
}

int begin_rotation(Session& session, const Arguments& arguments) {
  const auto answer = session.call("POST", path_of(arguments, "/dkim/rotate"));
  if (!answer) return session.report(answer.error());
  if (session.json) return print_json(session, *answer);
  const std::string name = control::get_text(*answer, "name");
  auto& out = session.out();
  out << "; New keys of " << name << ", which sign nothing yet. Add these records to its zone:\n";
  print_keys(out, *answer);
  out << "; The old records stay. When the new ones are there (give other servers' memory an hour):\n;   paquebot dkim "
         "rotate "
      << name << " --activate\n";
  return kOk;
}

int end_rotation(Session& session, const Arguments& arguments) {
  const auto answer = session.call("POST", path_of(arguments, "/dkim/activate") + forced(arguments));
  if (!answer) return session.report(answer.error());
  if (session.json) return print_json(session, *answer);
  const std::string name = control::get_text(*answer, "name");
  auto& out = session.out();
  out << "Mail of " << name << " is signed with the new keys now:\n";
  for (const auto& key : control::get_list(*answer, "keys"))
    out << "  " << control::get_text(key, "selector") << "  " << control::get_text(key, "state") << '\n';
  out << "Leave the old records in the DNS for at least 7 days: mail that the old keys signed may still be on its "
         "way.\n"
         "Then delete them:\n  paquebot dkim retire "
      << name << '\n';
  return kOk;
}

} // namespace

int domain_dns(Session& session, const Arguments& arguments) {
  const auto answer = session.call("GET", path_of(arguments, "/dns"));
  if (!answer) return session.report(answer.error());
  if (session.json) return print_json(session, *answer);
  const std::string name = control::get_text(*answer, "name");
  const std::string host = control::get_text(*answer, "hostname");
  auto& out = session.out();
  out << "; The records of " << name << ". Below each comment is what goes into the zone.\n"
      << "; The server's own name must lead to its address, and the address back to the name (PTR: at whoever gave\n"
      << "; you the address):\n"
      << ";   " << host << ". IN A 192.0.2.1\n;   " << host << ". IN AAAA 2001:db8::1\n";
  bool signs = false;
  for (const auto& record : control::get_list(*answer, "records")) {
    print_record(out, record);
    signs = signs || control::get_text(record, "name").find("._domainkey.") != std::string::npos;
  }
  if (!signs) out << "; There are no DKIM keys, so nothing is signed. Make some: paquebot dkim create " << name << '\n';
  out << "; Mail that leaves through a provider's server ([[route]]) needs what the provider says in front of -all, "
         "like\n"
         ";   include:spf.provider.example\n"
         "; Other servers send mail of this domain too? Begin with ~all and p=none until their mail passes.\n";
  return kOk;
}

int dkim_create(Session& session, const Arguments& arguments) {
  const auto answer = session.call("POST", path_of(arguments, "/dkim"));
  if (!answer) return session.report(answer.error());
  if (session.json) return print_json(session, *answer);
  session.out() << "; Mail of " << control::get_text(*answer, "name")
                << " is signed with these keys now. Add their records to its zone:\n";
  print_keys(session.out(), *answer);
  return kOk;
}

int dkim_list(Session& session, const Arguments& arguments) {
  std::string target = "/v1/dkim";
  if (arguments.has("DOMAIN")) target += "?domain=" + control::percent_encode(arguments.text("DOMAIN"));
  const auto answer = session.call("GET", target);
  if (!answer) return session.report(answer.error());
  if (session.json) return print_json(session, *answer);
  Table table({"DOMAIN", "SELECTOR", "ALGORITHM", "BITS", "STATE", "SINCE"});
  table.align_right(3);
  for (const auto& key : control::get_list(*answer, "keys")) {
    const auto bits = control::get_number(key, "bits");
    table.add({control::get_text(key, "domain"), control::get_text(key, "selector"),
               control::get_text(key, "algorithm"), bits == 0 ? "unreadable" : std::to_string(bits),
               control::get_text(key, "state"), time_text(control::get_time(key, "changed"))});
  }
  table.print_or(session.out(), "There are no DKIM keys. Make some: paquebot dkim create DOMAIN");
  return kOk;
}

int dkim_dns(Session& session, const Arguments& arguments) {
  const auto answer = session.call("GET", "/v1/dkim?domain=" + control::percent_encode(arguments.text("DOMAIN")));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    json::array records;
    for (const auto& key : control::get_list(*answer, "keys")) records.push_back(part_of(key, "record"));
    return print_json(session, json::object{{"name", part_of(*answer, "name")}, {"records", std::move(records)}});
  }
  print_keys(session.out(), *answer);
  if (control::get_list(*answer, "keys").empty())
    session.out() << "; There are no DKIM keys. Make some: paquebot dkim create " << control::get_text(*answer, "name")
                  << '\n';
  return kOk;
}

int dkim_rotate(Session& session, const Arguments& arguments) {
  if (arguments.has("--activate")) return end_rotation(session, arguments);
  if (!arguments.has("--force")) return begin_rotation(session, arguments);
  session.err() << "paquebot: --force goes with --activate: the DNS is not asked for the records\n";
  return kUsage;
}

int dkim_retire(Session& session, const Arguments& arguments) {
  const std::string selector = arguments.text("SELECTOR");
  const std::string rest = selector.empty() ? "/dkim" : "/dkim/" + control::path_encode(selector);
  const auto answer = session.call("DELETE", path_of(arguments, rest) + forced(arguments));
  if (!answer) return session.report(answer.error());
  if (session.json) return print_json(session, *answer);
  session.out() << "The keys are deleted. Take their records out of the zone:\n";
  for (const auto& record : control::get_list(*answer, "records"))
    if (record.is_string()) session.out() << "  " << std::string_view(record.as_string()) << '\n';
  return kOk;
}

} // namespace paquebot::cli
