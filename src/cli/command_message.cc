#include "base/text.h"
#include "cli/message_check.h"
#include "cli/verbs.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <ostream>
#include <sstream>

namespace paquebot::cli {
namespace {

constexpr std::size_t kMostContent = std::size_t{256} << 20;

/// One message, and how it came.
struct Case {
  std::string file; ///< empty: SPF alone is asked for
  Result<MessageWay> way;
};

Result<MessageWay> read_way(std::string_view ip, std::string_view helo, std::string_view sender) {
  MessageWay way;
  if (!ip.empty()) {
    const auto parsed = mailauth::parse_ip(ip);
    if (!parsed) return fail(Errc::invalid, "\"" + printable(ip, 100) + "\" is no IP address");
    way.client = *parsed;
  }
  way.helo = helo;
  if (sender.empty() || sender == "<>") return way;
  const auto address = mail::parse_address(sender);
  if (!address)
    return fail(Errc::invalid,
                "the sender \"" + printable(sender, 300) + "\" is no address: " + address.error().message);
  way.sender = *address;
  return way;
}

Result<std::string> read_all(std::istream& in, const std::string& name) {
  std::string text;
  char piece[65536];
  while (in.read(piece, sizeof piece) || in.gcount() > 0) {
    text.append(piece, static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMostContent) return fail(Errc::invalid, name + " is larger than 256 MiB");
  }
  if (in.bad()) return fail(Errc::io, name + " can't be read to its end");
  return text;
}

Result<std::string> read_named(Session& session, const std::string& name) {
  if (name == "-") return read_all(session.in(), "standard input");
  std::ifstream file(name, std::ios::binary);
  if (!file) return session.failure(kNoInput, name + " can't be read: " + std::strerror(errno));
  return read_all(file, name);
}

/// Lines "IP<TAB>HELO<TAB>SENDER<TAB>FILE". One that says nothing of use leaves the others.
std::vector<Case> read_list(std::string_view text, const std::string& name) {
  std::vector<Case> cases;
  std::size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    auto parts = split(line, '\t');
    parts.resize(4);
    auto way = read_way(parts[0], parts[1], parts[2]);
    if (!way) way = fail(Errc::invalid, name + ":" + std::to_string(number) + ": " + way.error().message);
    cases.push_back({std::string(parts[3]), std::move(way)});
  }
  return cases;
}

Result<std::vector<Case>> cases_of(Session& session, const Arguments& arguments) {
  std::vector<Case> cases;
  const auto way = read_way(arguments.text("--ip"), arguments.text("--helo"), arguments.text("--mail-from"));
  if (!way) return std::unexpected(way.error());
  for (const auto& file : arguments.list("FILE")) cases.push_back({file, *way});
  const std::string list = arguments.text("--list");
  if (list.empty() && cases.empty()) cases.push_back({"-", *way});
  if (list.empty()) return cases;
  const auto text = read_named(session, list);
  if (!text) return std::unexpected(text.error());
  std::vector<Case> listed = read_list(*text, list);
  cases.insert(cases.end(), std::make_move_iterator(listed.begin()), std::make_move_iterator(listed.end()));
  return cases;
}

/// As the configuration says; without one, as a new server has it.
Result<MessageChecker> make_checker(Session& session, const Arguments& arguments) {
  const auto place = session.place();
  if (!place && place.error().code != Errc::not_found) return std::unexpected(place.error());
  dns::Options dns;
  intake::AuthenticationOptions options;
  if (place) {
    dns.resolvers = place->resolvers;
    dns.trust_anchor = place->trust_anchor;
    dns.dnssec = place->dnssec;
    if (place->authentication) options = *place->authentication;
  }
  if (const std::string resolver = arguments.text("--resolver"); !resolver.empty()) {
    dns.resolvers = {resolver};
    dns.dnssec = dns::Dnssec::off;
  }
  return MessageChecker::make(dns, std::move(options), place ? place->hostname : "localhost");
}

Result<json::object> check_one(Session& session, MessageChecker& checker, const Case& one) {
  if (!one.way) return std::unexpected(one.way.error());
  if (one.file.empty()) return checker.spf(*one.way);
  auto content = read_named(session, one.file);
  if (!content) return std::unexpected(content.error());
  return checker.message(*one.way, with_network_line_ends(std::move(*content)));
}

void print_line(std::ostream& out, std::string_view what, const json::value& found) {
  std::string line = "  " + std::string(what) + control::get_text(found, "result");
  std::string domain = control::get_text(found, "domain") + control::get_text(found, "author");
  if (!domain.empty()) line += " (" + domain + ")";
  if (const std::string words = control::get_text(found, "words"); !words.empty()) line += ": " + words;
  out << printable(line, 1000) << '\n';
}

void print(std::ostream& out, const std::string& name, const json::value& found) {
  const std::string action = control::get_text(found, "action");
  const std::string words = control::get_text(found, "words");
  if (!name.empty()) out << printable(name, 1000) << (action.empty() ? "" : ": " + action);
  if (!words.empty()) out << ": " << printable(words, 1000);
  if (!name.empty()) out << '\n';
  const auto& members = found.as_object();
  for (const auto& [key, label] : {std::pair{"spf", "SPF    "}, {"helo", "HELO   "}})
    if (const auto* part = members.if_contains(key)) print_line(out, label, *part);
  for (const auto& signature : control::get_list(found, "dkim")) print_line(out, "DKIM   ", signature);
  for (const auto& [key, label] : {std::pair{"dmarc", "DMARC  "}, {"arc", "ARC    "}})
    if (const auto* part = members.if_contains(key)) print_line(out, label, *part);
}

} // namespace

int message_check(Session& session, const Arguments& arguments) {
  auto cases = cases_of(session, arguments);
  if (!cases) return session.report(cases.error());
  auto checker = make_checker(session, arguments);
  if (!checker) return session.report(checker.error());
  json::array all;
  int code = kOk, trouble = kOk;
  for (const Case& one : *cases) {
    auto found = check_one(session, *checker, one);
    if (!found) {
      // What is wrong with one keeps nobody from what there is to say of the others.
      if (const int what = session.report(found.error()); trouble == kOk) trouble = what;
      all.emplace_back(json::object{{"file", one.file}, {"error", found.error().message}});
      continue;
    }
    if (const auto* action = found->if_contains("action"); action && *action == "refuse") code = kRefused;
    if (!session.json) print(session.out(), one.file, *found);
    (*found)["file"] = one.file;
    all.emplace_back(std::move(*found));
  }
  if (session.json) session.out() << control::to_pretty_text(json::object{{"messages", std::move(all)}});
  return trouble != kOk ? trouble : code;
}

} // namespace paquebot::cli
