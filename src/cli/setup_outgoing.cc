#include "cli/setup_outgoing.h"

#include "base/text.h"
#include "cli/client_driver.h"
#include "cli/quiet_terminal.h"
#include "directory/directory.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <istream>
#include <ostream>

namespace paquebot::cli {
namespace {

/// Large enough to be there, and three so that one that is away proves nothing.
constexpr std::array<const char*, 3> kLargeProviders{"gmail.com", "outlook.com", "yahoo.com"};
constexpr std::uint16_t kMailPort = 25;
constexpr std::size_t kMostTyped = 4096;

/// An address of the best server for mail to a domain; empty when the DNS does not say.
std::string address_of_mx(SetupWorld& world, const std::string& domain) {
  const auto exchanges = world.ask(domain, dns::Type::mx);
  if (!exchanges || exchanges->records.empty()) return {};
  const auto best = std::ranges::min_element(exchanges->records, {}, &dns::Record::preference);
  const auto addresses = world.ask(best->text, dns::Type::a);
  return !addresses || addresses->records.empty() ? std::string() : addresses->records.front().text;
}

/// Asks for the rest of what a provider's server needs, and tries it.
Result<Smarthost> try_smarthost(SetupPerson& person, SetupWorld& world, Smarthost wanted) {
  auto where = parse_server(wanted.server);
  if (!where) return std::unexpected(where.error());
  if (where->port == 0) wanted.server += wanted.user.empty() ? ":25" : ":587";
  person.say() << "Trying " << printable(wanted.server, 300) << " ... " << std::flush;
  if (auto done = world.try_login(wanted.server, wanted.user, wanted.password); !done) {
    person.say() << "no.\n";
    return std::unexpected(done.error());
  }
  person.say() << "it works.\n";
  return wanted;
}

/// Until one works, or nothing is typed.
Smarthost ask_for_smarthost(SetupPerson& person, SetupWorld& world) {
  for (;;) {
    Smarthost wanted;
    wanted.server = person.ask("The server of your provider (host:port; nothing: decide later)", "");
    if (wanted.server.empty()) return {};
    wanted.user = person.ask("Your user name there (nothing: it wants none)", "");
    if (!wanted.user.empty()) {
      const QuietTerminal terminal;
      if (!terminal.usable()) return {};
      wanted.password = terminal.ask("Your password there", kMostTyped);
    }
    auto works = try_smarthost(person, world, std::move(wanted));
    if (works) return std::move(*works);
    person.say() << printable(works.error().message, 1024) << '\n';
  }
}

} // namespace

void SetupPerson::head(const std::string& words) { out_ << "\n== " << words << '\n'; }

std::string SetupPerson::ask(const std::string& question, const std::string& usual) {
  if (yes_) return usual;
  out_ << question << (usual.empty() ? "" : " [" + usual + "]") << ": " << std::flush;
  std::string line;
  if (!std::getline(session_.in(), line)) return usual;
  line = std::string(trim(line)).substr(0, kMostTyped);
  return line.empty() ? usual : line;
}

Result<SetupPerson::Password> SetupPerson::choose_password(const std::string& question, const PasswordSource& source) {
  const char* variable = std::getenv("PAQUEBOT_PASSWORD");
  if (source.generate || !source.file.empty() || (variable != nullptr && *variable != 0)) {
    auto given = read_password(source, session_);
    if (!given) return std::unexpected(given.error());
    return Password{std::move(*given), source.generate};
  }
  if (!yes_) {
    const QuietTerminal terminal;
    std::string typed = terminal.usable() ? terminal.ask(question + " (nothing: make one)", kMostTyped) : std::string();
    if (!typed.empty() && terminal.ask("The same again", kMostTyped) != typed)
      return fail(Errc::invalid, "the two passwords differ");
    if (!typed.empty()) return Password{std::move(typed), false};
  }
  return Password{directory::make_password(), true};
}

WayOut try_port_25(SetupWorld& world) {
  bool tried = false;
  for (const char* provider : kLargeProviders) {
    const std::string address = address_of_mx(world, provider);
    if (address.empty()) continue;
    if (world.greet(address, kMailPort)) return WayOut::open;
    tried = true;
  }
  return tried ? WayOut::blocked : WayOut::unknown;
}

Result<Smarthost> choose_way_out(SetupPerson& person, SetupWorld& world, Session& session, const SetupWishes& wishes) {
  person.head("Sending");
  if (!wishes.smarthost.empty()) {
    Smarthost wanted{wishes.smarthost, wishes.smarthost_user, {}};
    if (!wanted.user.empty()) {
      auto password =
          read_password({.file = wishes.smarthost_password_file, .prompt = "Password at " + wanted.server}, session);
      if (!password) return std::unexpected(password.error());
      wanted.password = std::move(*password);
    }
    return try_smarthost(person, world, std::move(wanted));
  }
  person.say() << "Can this machine send to other servers (port 25)? " << std::flush;
  switch (try_port_25(world)) {
    case WayOut::open: person.say() << "Yes.\n"; return Smarthost{};
    case WayOut::unknown: person.say() << "Unknown: the DNS told no server to try.\n"; return Smarthost{};
    case WayOut::blocked: break;
  }
  person.say() << "No: port 25 is blocked on the way, not here.\n"
                  "Ask who runs the network to open it for you; or send through the server of a provider.\n";
  if (person.may_be_asked()) return ask_for_smarthost(person, world);
  return Smarthost{};
}

} // namespace paquebot::cli
