#include "cli/setup.h"

#include "base/text.h"
#include "cli/output.h"
#include "cli/sendmail.h"
#include "cli/setup_certificate.h"
#include "cli/setup_file.h"
#include "cli/setup_outgoing.h"
#include "cli/setup_records.h"
#include "control/target.h"
#include "mail/address.h"
#include "net/endpoint.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <istream>
#include <ostream>
#include <sstream>

namespace paquebot::cli {
namespace {

using namespace std::chrono_literals;

/// Between two looks into the DNS, and at the first mail.
constexpr auto kLookAgain = 5s;
constexpr auto kArrives = 30s;
constexpr auto kCertificate = 3min;
constexpr int kSilence = 3;

/// One run, step by step. Each step leaves alone what is there.
class Setup {
public:
  Setup(Session& session, SetupWishes wishes, SetupWorld& world)
      : session_(session), wishes_(std::move(wishes)), world_(world),
        person_(session, wishes_.yes, session.json ? session.err() : session.out()) {}

  int run() {
    for (const auto step :
         {&Setup::read_address, &Setup::configure, &Setup::make_domain, &Setup::make_account, &Setup::tell_records,
          &Setup::start, &Setup::send_first_mail, &Setup::watch, &Setup::see_certificate, &Setup::examine})
      if (auto done = (this->*step)(); !done) return session_.report(done.error());
    return finish();
  }

private:
  Result<> read_address();
  Result<> configure();
  Result<> choose_hostname();
  Result<> choose_addresses();
  void choose_certificate();
  Result<> write_configuration();
  Result<> make_domain();
  Result<> make_account();
  Result<> tell_records();
  Result<> start();
  Result<> send_first_mail();
  Result<> watch();
  Result<> see_certificate();
  Result<> examine();
  int finish();
  bool look();
  bool server_runs();
  std::int64_t messages();
  std::ostream& say() { return person_.say(); }

  Session& session_;
  SetupWishes wishes_;
  SetupWorld& world_;
  SetupPerson person_;
  std::string login_, domain_, password_; ///< the password only if it was made here
  bool new_configuration_ = false;
  Smarthost smarthost_; ///< of a configuration that is written now
  std::vector<WantedRecord> records_;
  std::vector<RecordState> states_; ///< as last seen; empty: nobody has looked
  std::vector<std::string> left_;   ///< what the person has still to do
};

Result<> Setup::read_address() {
  const auto address = mail::parse_address(wishes_.address);
  if (!address)
    return fail(Errc::invalid, printable(wishes_.address, 320) + " is no address: write it as ann@example.org");
  login_ = wishes_.address;
  domain_ = wishes_.address.substr(wishes_.address.rfind('@') + 1);
  if (domain_.starts_with('['))
    return fail(Errc::invalid, "the first account needs a domain, not an address in brackets");
  const auto normal = mail::normalize_domain(domain_);
  if (!normal) return std::unexpected(normal.error());
  domain_ = *normal;
  say() << "A mail server for " << domain_ << ", with the account " << printable(login_) << ".\n";
  if (!wishes_.yes && !session_.terminal())
    return session_.failure(kUsage, "say --yes to set it up without being asked");
  return {};
}

Result<> Setup::configure() {
  std::error_code error;
  if (!std::filesystem::exists(session_.config, error)) {
    if (error) return fail(Errc::permission, session_.config + ": " + error.message() + ": run this as root");
    if (auto chosen = choose_hostname(); !chosen) return chosen;
    if (auto chosen = choose_addresses(); !chosen) return chosen;
    auto way = choose_way_out(person_, world_, session_, wishes_);
    if (!way) return std::unexpected(way.error());
    smarthost_ = std::move(*way);
    choose_certificate();
    return write_configuration();
  }
  const auto place = session_.place();
  if (!place) return std::unexpected(place.error());
  person_.head("Configuration");
  say() << session_.config << " is there already, and stays as it is. The server is " << place->hostname << ".\n";
  if (!wishes_.hostname.empty() && !iequals(wishes_.hostname, place->hostname))
    return fail(Errc::conflict, "--hostname says another name than " + session_.config + ": change that yourself");
  wishes_.hostname = place->hostname;
  return choose_addresses();
}

Result<> Setup::choose_hostname() {
  person_.head("The server");
  const std::string machine = world_.machine_name();
  const bool fits = machine.ends_with("." + domain_);
  if (wishes_.hostname.empty()) wishes_.hostname = person_.ask("Its name in the DNS", fits ? machine : "mx." + domain_);
  const auto normal = mail::normalize_domain(wishes_.hostname);
  if (!normal || !normal->contains('.'))
    return fail(Errc::invalid,
                printable(wishes_.hostname, 256) + " is no name for a server: write one such as mx." + domain_);
  wishes_.hostname = *normal;
  return {};
}

/// Behind a translation of addresses nobody knows but the person.
Result<> Setup::choose_addresses() {
  if (wishes_.addresses.empty()) {
    wishes_.addresses = public_addresses(world_.own_addresses());
    if (wishes_.addresses.empty())
      if (const std::string typed =
              person_.ask("Its public IP address (unknown here: this machine has private ones only)", "");
          !typed.empty())
        wishes_.addresses = {typed};
  }
  for (const std::string& one : wishes_.addresses)
    if (!net::is_ip_address(one)) return fail(Errc::invalid, printable(one, 64) + " is no IP address");
  say() << wishes_.hostname
        << (wishes_.addresses.empty() ? "" : fmt::format(", at {}", fmt::join(wishes_.addresses, " and "))) << '\n';
  if (wishes_.addresses.empty())
    left_.push_back("give " + wishes_.hostname +
                    " an A record with the public address of this machine, and the address a PTR "
                    "record with that name");
  return {};
}

/// RFC 8555 section 7.3.3: the terms are the operator's to agree to.
void Setup::choose_certificate() {
  person_.head("Certificate");
  if (!wishes_.agree_tos && person_.may_be_asked()) {
    say() << "Let's Encrypt gives certificates that programs trust, to who agrees to its terms:\n"
             "https://letsencrypt.org/repository/\n";
    wishes_.agree_tos = iequals(person_.ask("Do you agree? (yes or no)", "no").substr(0, 1), "y");
  }
  say() << (wishes_.agree_tos ? "One is ordered and renewed as soon as the name leads here.\n"
                              : "A self-signed one, which programs ask about (acme.agree_tos is false).\n");
}

Result<> Setup::write_configuration() {
  SetupFile file{.path = session_.config,
                 .hostname = wishes_.hostname,
                 .data_dir = {},
                 .resolvers = wishes_.resolvers,
                 .smarthost = smarthost_,
                 .agree_tos = wishes_.agree_tos,
                 .acme_directory = wishes_.acme_directory,
                 .acme_ca_file = wishes_.acme_ca_file,
                 .acme_allow = wishes_.acme_allow,
                 .trust_anchor = wishes_.trust_anchor};
  if (!session_.data_dir.empty())
    file.data_dir = std::filesystem::absolute(session_.data_dir).lexically_normal().string();
  if (auto written = write_setup_file(file); !written) return written;
  new_configuration_ = true;
  person_.head("Configuration");
  say() << session_.config << " is written.\n";
  return {};
}

Result<> Setup::make_domain() {
  const std::string path = "/v1/domains/" + control::path_encode(domain_) + "/dns";
  person_.head("Domain and account");
  if (const auto there = session_.call("GET", path)) {
    say() << domain_ << " is a domain of this server already.\n";
    return {};
  }
  const auto made = session_.call("POST", "/v1/domains", control::to_text(json::object{{"name", domain_}}));
  if (!made) return std::unexpected(made.error());
  if (const std::string problem = control::get_text(*made, "problem"); !problem.empty())
    left_.push_back("make keys, since none could be made now: paquebot dkim create " + domain_);
  say() << domain_ << " is a domain of this server now, with keys that sign its mail.\n";
  return {};
}

Result<> Setup::make_account() {
  const auto there = session_.call("GET", "/v1/accounts/" + control::path_encode(login_));
  if (there) {
    say() << printable(login_) << " is an account already; its password stays.\n";
    return {};
  }
  if (there.error().code != Errc::not_found) return std::unexpected(there.error());
  auto password = person_.choose_password("Password for " + printable(login_), wishes_.password);
  if (!password) return std::unexpected(password.error());
  const auto made = session_.call("POST", "/v1/accounts",
                                  control::to_text(json::object{{"login", login_}, {"password", password->text}}));
  if (!made) return std::unexpected(made.error());
  say() << printable(login_) << " is an account now, and gets the mail for postmaster and abuse too.\n";
  if (!password->made) return {};
  if (session_.json) {
    password_ = password->text;
    return {};
  }
  say() << "Its password, shown this once:  " << password->text << std::endl;
  if (session_.arrived()) return {};
  (void)session_.call("DELETE", "/v1/accounts/" + control::path_encode(login_));
  return fail(Errc::io, "the password could not be shown, so the account was not made");
}

Result<> Setup::tell_records() {
  const auto answer = session_.call("GET", "/v1/domains/" + control::path_encode(domain_) + "/dns");
  if (!answer) return std::unexpected(answer.error());
  records_ = wanted_records(*answer, wishes_.hostname, wishes_.addresses);
  if (!smarthost_.server.empty())
    left_.push_back(
        "put what your provider says (like include:spf.provider.example) in front of -all in the SPF record");
  if (session_.json) return {};
  person_.head("What belongs into the DNS: as lines of a zone file");
  print_zone(say(), records_);
  person_.head("The same for a form of the web (texts in one piece)");
  print_form(say(), records_);
  return {};
}

bool Setup::server_runs() {
  const auto way = session_.transport(true);
  return way && (*way)->live();
}

Result<> Setup::start() {
  person_.head("The service");
  const bool runs = server_runs();
  session_.leave(); // the store is the server's from here on
  const CheckReport report = runs ? CheckReport{} : session_.environment().check(session_.config);
  for (const std::string& warning : report.warnings) say() << "Note: " << printable(warning, 1024) << '\n';
  for (const std::string& error : report.errors) say() << "Wrong: " << printable(error, 1024) << '\n';
  if (runs) {
    say() << "It runs.\n";
  } else if (!report.errors.empty()) {
    left_.push_back("mend what is wrong (paquebot check tells when it is), then: systemctl enable --now paquebot");
  } else if (!wishes_.start) {
    say() << "It is not started (--no-start).\n";
  } else if (const auto started = world_.start_service(); started) {
    say() << "It runs, and starts at each boot.\n";
  } else if (started.error().code == Errc::unsupported) {
    say() << "There is no systemd here, which would start it.\n";
    left_.push_back("start the server, now and at each boot: paquebot serve");
  } else {
    left_.push_back("find out why the service did not start: " + started.error().message);
  }
  return {};
}

std::int64_t Setup::messages() {
  const auto account = session_.call("GET", "/v1/accounts/" + control::path_encode(login_));
  return account ? control::get_number(*account, "messages") : 0;
}

/// Through the drop directory, as programs of this machine send: it waits there for the server where it does not run.
Result<> Setup::send_first_mail() {
  const bool empty = messages() == 0, runs = server_runs();
  if (!runs) session_.leave();
  const auto place = session_.place();
  if (!empty || !place || !std::filesystem::exists(place->drop_dir))
    return {}; // the server makes that at its first start
  std::istringstream letter(
      fmt::format("From: Paquebot <postmaster@{0}>\nTo: <{1}>\nSubject: Your mail server carries mail\n\n"
                  "This is the first message in your mailbox. Your program reads it here:\n\n"
                  "{2}\nWhat others see of the domain is told by: paquebot domain dns {0}\n",
                  domain_, login_, program_settings(place->setup.clients, login_)));
  std::ostringstream said;
  Console console{letter, said, said, false};
  Session inner(session_.environment(), console);
  inner.config = session_.config;
  inner.data_dir = session_.data_dir;
  if (sendmail({"sendmail", "-i", "-f", "postmaster@" + domain_, "--", login_}, inner) != kOk) {
    left_.push_back("find out why programs of this machine can't send: " + printable(said.str(), 300));
    return {};
  }
  if (!runs) {
    say() << "A first mail to " << printable(login_) << " waits until it runs.\n";
    return {};
  }
  const auto until = world_.now() + kArrives;
  while (messages() == 0 && world_.now() < until) world_.pause(250ms);
  if (messages() > 0)
    say() << "A first mail is in the mailbox of " << printable(login_) << ".\n";
  else
    left_.push_back("see what became of the first mail: paquebot trace " + login_);
  return {};
}

/// True when all that can be looked for is there.
bool Setup::look() {
  std::vector<RecordState> now;
  int silent = 0; // one after the other: nobody answers, so the rest need not be asked either
  for (const WantedRecord& one : records_) {
    now.push_back(silent < kSilence ? look_for(world_, one) : RecordState::unknown);
    silent = now.back() == RecordState::unknown ? silent + 1 : 0;
  }
  const auto there = std::ranges::count(now, RecordState::right);
  if (now != states_) {
    say() << there << " of " << now.size() << " records are there.";
    for (std::size_t i = 0; i < now.size(); ++i)
      if (now[i] != RecordState::right)
        say() << fmt::format("\n  {:<8} {:<5} {}", name_of(now[i]), records_[i].type, records_[i].name);
    say() << std::endl;
  }
  states_ = std::move(now);
  return there == std::ssize(states_);
}

Result<> Setup::watch() {
  if (wishes_.wait == 0s) return {};
  person_.head("Looking into the DNS");
  say() << "For at most " << duration_text(std::chrono::milliseconds(wishes_.wait).count())
        << "; Ctrl-C ends it, and the same command goes on with it another time.\n";
  const auto until = world_.now() + wishes_.wait;
  while (!look() && world_.now() + kLookAgain < until) world_.pause(kLookAgain);
  return {};
}

/// As soon as the name leads here; before that nobody gives one.
Result<> Setup::see_certificate() {
  const auto names = names_that_lead_here(records_, states_);
  if (names.empty() || names.front() != wishes_.hostname || !server_runs()) return {};
  std::string left = await_certificates(person_, world_, session_, names, wishes_.agree_tos,
                                        std::min<std::chrono::seconds>(kCertificate, wishes_.wait));
  if (!left.empty()) left_.push_back(std::move(left));
  return {};
}

/// With the doctor's eyes, where this version has one.
Result<> Setup::examine() {
  const auto doctor = std::ranges::find(verbs(), "doctor", &Verb::name);
  if (doctor == verbs().end() || session_.json || wishes_.wait == 0s) return {};
  const bool runs = server_runs();
  session_.leave();
  if (!runs) return {};
  person_.head("What the doctor finds");
  Arguments about;
  about.set(std::string(doctor->positionals.front().name), {domain_});
  if (doctor->run(session_, about) != kOk)
    left_.push_back("do what the doctor says above; it looks again with: paquebot doctor " + domain_);
  return {};
}

int Setup::finish() {
  const auto missing = std::ssize(states_) - std::ranges::count(states_, RecordState::right);
  if (missing > 0)
    left_.push_back(fmt::format("put {} into the DNS (see above)",
                                missing == 1 ? "one more record" : fmt::format("{} more records", missing)));
  if (states_.empty())
    left_.push_back("put the records into the DNS; then: paquebot setup " + login_ + " looks for them");
  if (session_.json) {
    json::array left;
    for (const std::string& one : left_) left.emplace_back(one);
    json::object out{{"config", session_.config},
                     {"written", new_configuration_},
                     {"hostname", wishes_.hostname},
                     {"domain", domain_},
                     {"login", login_},
                     {"records", present_wanted(records_, states_)},
                     {"left", left}};
    if (!password_.empty()) out["password"] = password_;
    session_.out() << control::to_pretty_text(out);
    return left.empty() ? kOk : kFindings;
  }
  person_.head(left_.empty() ? "All is done" : "What is left to do");
  for (const std::string& one : left_) say() << "- " << printable(one, 1024) << '\n';
  if (const auto place = session_.place())
    say() << "Mail programs:\n" << program_settings(place->setup.clients, printable(login_));
  return left_.empty() ? kOk : kFindings;
}

} // namespace

int run_setup(Session& session, SetupWishes wishes, SetupWorld& world) {
  return Setup(session, std::move(wishes), world).run();
}

} // namespace paquebot::cli
