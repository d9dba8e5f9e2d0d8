#pragma once

#include "base/result.h"
#include "cli/sink_options.h"
#include "dns/resolver.h"
#include "doctor/world.h"
#include "setup/facts.h"
#include "store/sending_limits.h"

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::intake {
struct AuthenticationOptions;
}

namespace paquebot::cli {

/// What the process says at its end: sysexits.h where it has a word for it. docs/paquebot.1 and --help list them.
enum Exit : int {
  kOk = 0,
  kRefused = 1,       ///< understood, but not done: refused, not there, or there already
  kFindings = 2,      ///< done, but the store that was copied is not sound: see what was found
  kUsage = 64,        ///< the command line is wrong
  kBadData = 65,      ///< an address, id, file or other input is malformed
  kNoInput = 66,      ///< an input file can't be read, or there is nothing in it to take
  kNoUser = 67,       ///< sendmail -bv: mail for an address could not be delivered
  kUnavailable = 69,  ///< the server does not answer
  kBug = 70,          ///< an error of this program
  kCantCreate = 73,   ///< a file can't be written
  kIo = 74,           ///< a disk or the store failed
  kTemporary = 75,    ///< may work later
  kPermission = 77,   ///< not allowed: another user (root) may be
  kConfiguration = 78 ///< the configuration file is missing or wrong
};

/// A listener of the server's that this machine can reach.
struct NearListener {
  std::string address;    ///< "127.0.0.1:587"; empty: there is none
  bool tls_first = false; ///< it expects TLS from the first octet
};

/// Where the configuration file says that the server and its parts are.
struct ServerPlace {
  std::string data_dir;
  std::string control_socket;
  std::string drop_dir;
  std::string hostname;
  std::string user;                        ///< that the server runs as; empty: whoever starts it
  NearListener submission;                 ///< for `send`
  NearListener pop3;                       ///< for `fetch`
  store::Limits account_limits;            ///< what accounts may send that have no limits of their own
  std::vector<std::string> resolvers = {}; ///< [dns]
  std::string trust_anchor = {};           ///< [dns]
  dns::Dnssec dnssec = dns::Dnssec::automatic;
  std::shared_ptr<const intake::AuthenticationOptions> authentication = nullptr; ///< [authentication]
  std::string origin = {};        ///< for names without a domain in what sendmail takes; empty: `hostname`
  std::uint64_t message_size = 0; ///< octets of a message at most; 0: any
  setup::Facts setup = {};        ///< what users' programs are told
  doctor::Options doctor = {};    ///< [doctor]
  bool signs = true;              ///< [dkim]
  bool search_index = true;       ///< [search]
  std::optional<doctor::Smarthost> smarthost = {}; ///< that all mail goes through
  std::string database = {}; ///< the URL of the one that is the store; empty: the store is in data_dir
  std::string source_ipv4 = {}, source_ipv6 = {}; ///< [delivery]: local addresses of connections; empty: any
};

/// What a check of the configuration found, each a sentence or a line "file:line: …".
struct CheckReport {
  std::vector<std::string> errors;   ///< the server would not start, or not do what it is for
  std::vector<std::string> warnings; ///< it would; they should be looked at
  std::string summary;               ///< of what the file says; empty when it can't be told
};

/// What the command line needs of the program around it.
struct Environment {
  std::string version;
  /// Reads what is needed of a configuration file, and no more: users without rights call it as well.
  std::function<Result<ServerPlace>(const std::string& config)> locate;
  /// Runs the server; returns its exit code.
  std::function<int(const std::string& config)> serve;
  /// Runs the sink (docs/testing.md); returns its exit code.
  std::function<int(const SinkOptions&)> sink;
  /// Checks a configuration file, and whether this machine can do what it says.
  std::function<CheckReport(const std::string& config)> check;
  /// A configuration file that says what holds without one.
  std::function<std::string()> defaults;
  /// Every key of the configuration and what is told of it: Markdown, or JSON.
  std::function<std::string(bool json)> reference;
};

/// The person or script at the other end.
struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool terminal = false; ///< `out` and `err` go to one
};

inline constexpr const char* kDefaultConfig = "/etc/paquebot/paquebot.toml";

/// The whole command line, arguments as main() gets them, the program's name first: "sendmail", "mailq" and
/// "newaliases" choose that personality. Never throws.
int run(const std::vector<std::string>& arguments, const Environment& environment, Console& console);
/// The same on standard input and output.
int run(int argc, char** argv, const Environment& environment);

/// The exit code for an error.
Exit exit_code(const Error& error);

} // namespace paquebot::cli
