// Who reaches whom: port 25 to the outside, our ports from it, and the clock that others keep.

#include "base/text.h"
#include "doctor/checks.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::doctor {
namespace {

using namespace std::chrono_literals;
constexpr auto kGreetingWithin = 8000ms;
constexpr std::uint16_t kSmtpPort = 25, kNtpPort = 123;

/// "example.org" (its first MX), "host:25", or an address with a port: where to greet.
struct Target {
  std::string name;
  std::vector<net::Endpoint> ends;
  std::string why; ///< there are none
};

Task<Target> find_target(Patient& patient, std::string provider) {
  Target target{.name = provider, .ends = {}, .why = {}};
  std::uint16_t port = kSmtpPort;
  std::string host = provider;
  if (const auto end = net::parse_endpoint(provider)) {
    target.ends.push_back(*end);
    co_return target;
  }
  Asker& zone = patient.zone;
  if (const auto colon = provider.rfind(':'); colon != std::string::npos) {
    const auto number = parse_u64(std::string_view(provider).substr(colon + 1));
    port = static_cast<std::uint16_t>(number.value_or(0));
    host = provider.substr(0, colon);
  } else {
    std::string name = provider;
    const auto answer = co_await zone.query(std::move(name), dns::Type::mx);
    const auto first = std::ranges::min_element(answer->records, {}, &dns::Record::preference);
    if (first == answer->records.end() || first->text.empty()) {
      target.why = answer->status == dns::Status::servfail ? no_answer(provider, *answer) : provider + " has no MX";
      co_return target;
    }
    host = first->text;
  }
  target.name = host;
  std::string name = host;
  const Addresses found = co_await addresses_of(patient, std::move(name));
  for (const std::string& address : found.list)
    if (target.ends.size() < 2) target.ends.push_back({address, port});
  if (target.ends.empty()) target.why = host + " has no address";
  co_return target;
}

struct Greeted {
  bool heard = false;
  std::string line; ///< what it said, or why nothing was heard
};

Task<Greeted> greet_one(Patient& patient, net::Endpoint end) {
  const auto& greet = patient.world.greet;
  const auto most = std::chrono::milliseconds(kGreetingWithin);
  Task<Result<std::string>> call = greet(std::move(end), most);
  const Result<std::string> said = co_await std::move(call);
  Greeted greeted;
  greeted.heard = said.has_value();
  greeted.line = printable(said ? *said : said.error().message, 200);
  co_return greeted;
}

Finding blocked(const std::vector<std::string>& tried, const std::string& why) {
  return {.level = Level::wrong,
          .seen = "No server answers on port 25: " + joined(tried, 3) + " were tried (" + why + ").",
          .means = "Port 25 is blocked on the way, not here: mail to others waits.",
          .advice = "Ask your provider to open port 25 to the outside, or send through its server:\n"
                    "  [[route]]\n  name = \"provider\"\n  to = \"*\"\n  host = \"smtp.your.provider\"\n  port = 587\n"
                    "  user = \"…\"\n  password_file = \"…\""};
}

} // namespace

Task<std::vector<Finding>> check_port_out(Patient& patient) {
  std::vector<Finding> findings;
  const World& world = patient.world;
  std::vector<std::string> wanted = world.options.providers;
  const bool routed = world.machine.smarthost.has_value();
  if (routed) wanted = {world.machine.smarthost->host + ":" + std::to_string(world.machine.smarthost->port)};
  if (!world.greet || wanted.empty()) {
    findings.push_back(unseen(wanted.empty() ? "Nobody is greeted ([doctor] providers is empty)."
                                             : "Whether port 25 is open to the outside can't be tried from here.",
                              wanted.empty() ? "" : "Ask again while the server runs."));
    co_return findings;
  }
  std::vector<std::string> tried;
  std::string why, no_name;
  for (std::string& provider : wanted) {
    const Target target = co_await find_target(patient, std::move(provider));
    if (target.ends.empty()) no_name = target.why;
    for (const net::Endpoint& end : target.ends) {
      net::Endpoint to = end;
      const Greeted greeted = co_await greet_one(patient, std::move(to));
      if (greeted.heard) {
        findings.push_back({.level = Level::good,
                            .seen = printable(target.name, 260) + (routed ? ", which all mail goes through," : "") +
                                    " answers on port " + std::to_string(end.port) + ": \"" + greeted.line + "\"."});
        co_return findings;
      }
      tried.push_back(printable(target.name, 260) + " [" + end.address + "]");
      why = greeted.line;
    }
  }
  if (tried.empty())
    findings.push_back(unseen("Nobody could be greeted on port 25: " + printable(no_name, 300) + "."));
  else if (routed)
    findings.push_back(
        {.level = Level::wrong,
         .seen = "The server that all mail goes through does not answer: " + joined(tried, 3) + " (" + why + ").",
         .means = "Mail to others waits.",
         .advice = "Look at [[route]] \"" + printable(world.machine.smarthost->route, 60) + "\"."});
  else
    findings.push_back(blocked(tried, why));
  co_return findings;
}

namespace {

Finding judge_listener(const ListenerFacts& one, const Machine& machine, std::int64_t now) {
  Finding finding{.about = one.role + " on port " + std::to_string(one.bound.port)};
  const std::string port = "port " + std::to_string(one.bound.port) + " (" + one.role + ")";
  const bool closed = one.bound.address.starts_with("127.") || one.bound.address == "::1";
  if (closed) {
    finding.level = one.role == "mx" ? Level::warning : Level::note;
    finding.seen = "The listener on " + port + " hears " + one.bound.address + " alone.";
    finding.means = "Nobody outside of this machine reaches it.";
    if (one.role == "mx") finding.advice = "Give that [[listener]] an address such as \"[::]:25\".";
  } else if (one.outside > 0) {
    finding.level = Level::good;
    finding.seen = "Somebody outside reached " + port + " " + span_text(now - one.outside) + " ago.";
  } else {
    finding.seen = "Nobody from outside has come to " + port + " since the server started, " +
                   span_text(now - machine.started) + " ago: whether anybody can is not to be seen from inside.";
    finding.advice = "Try it from another network: nc -v " + machine.hostname + " " + std::to_string(one.bound.port);
  }
  return finding;
}

} // namespace

Task<std::vector<Finding>> check_ports_in(Patient& patient) {
  std::vector<Finding> findings;
  const Machine& machine = patient.world.machine;
  if (!machine.listeners) {
    findings.push_back(unseen("Who reaches the listeners is known to a running server only."));
    co_return findings;
  }
  const std::int64_t now = millis(patient.world.clock.wall());
  bool takes_mail = false;
  for (const ListenerFacts& one : *machine.listeners) {
    if (one.bound.is_local() || one.bound.address.empty() || one.role == "control" || one.role == "lmtp") continue;
    takes_mail = takes_mail || one.role == "mx";
    findings.push_back(judge_listener(one, machine, now));
  }
  if (!takes_mail)
    findings.push_back({.level = Level::warning,
                        .seen = "There is no listener with the role mx.",
                        .means = "No mail comes in from other servers.",
                        .advice = "Add a [[listener]] with role = \"mx\" and address = \"[::]:25\"."});
  co_return findings;
}

namespace {

Finding judge_error(std::chrono::milliseconds ahead, const std::string& server) {
  constexpr auto kBad = 60'000ms, kOff = 5000ms;
  const auto by = ahead < 0ms ? -ahead : ahead;
  const std::string words = span_text(by.count()) + (ahead < 0ms ? " slow" : " fast") + " by " + server;
  if (by >= kBad)
    return {.level = Level::wrong,
            .seen = "The clock is " + words + ".",
            .means = "Signatures, certificates and tokens fail.",
            .advice = "Set it, and let something keep it: apt install systemd-timesyncd."};
  if (by >= kOff)
    return {.level = Level::note, .seen = "The clock is " + words + ".", .advice = "Let something keep it in step."};
  return {.level = Level::good, .seen = "The clock agrees with " + server + "."};
}

Task<std::vector<net::Endpoint>> time_servers(Patient& patient, std::string server) {
  std::vector<net::Endpoint> ends;
  if (const auto end = net::parse_endpoint(server)) {
    ends.push_back(*end);
    co_return ends;
  }
  std::uint16_t port = kNtpPort;
  if (const auto colon = server.rfind(':'); colon != std::string::npos) {
    port = static_cast<std::uint16_t>(parse_u64(std::string_view(server).substr(colon + 1)).value_or(kNtpPort));
    server.resize(colon);
  }
  const Addresses found = co_await addresses_of(patient, std::move(server));
  for (const std::string& address : found.list)
    if (ends.size() < 2) ends.push_back({address, port});
  co_return ends;
}

} // namespace

Task<std::vector<Finding>> check_clock(Patient& patient) {
  std::vector<Finding> findings;
  const World& world = patient.world;
  const auto& clock = world.machine.clock;
  if (clock && !clock->trusted)
    findings.push_back({.level = Level::wrong,
                        .seen = "The clock is doubted: it stands days away from where it was.",
                        .means = "Until it is believed again nothing grows old: no mail expires, no report is sent.",
                        .advice = "Look at it, then: paquebot clock confirm"});
  if (const std::string& server = world.options.time_server; !server.empty() && world.clock_error) {
    std::string name = server;
    const auto ends = co_await time_servers(patient, std::move(name));
    for (const net::Endpoint& end : ends) {
      net::Endpoint to = end;
      Task<Result<std::chrono::milliseconds>> call = world.clock_error(std::move(to));
      const Result<std::chrono::milliseconds> ahead = co_await std::move(call);
      if (!ahead) continue;
      findings.push_back(judge_error(*ahead, printable(server, 260)));
      co_return findings;
    }
  }
  if (clock && clock->synchronised)
    findings.push_back({.level = Level::good, .seen = "The system keeps the clock in step with others."});
  else if (findings.empty())
    findings.push_back(unseen(clock ? "Nothing keeps the clock in step, as far as the system says; whether it is right "
                                      "can't be seen from here."
                                    : "Whether the clock is right can't be seen from here.",
                              "Let something keep it (apt install systemd-timesyncd), or name a server to compare it "
                              "with: [doctor] time_server."));
  co_return findings;
}

} // namespace paquebot::doctor
