#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "dns/upstream.h"
#include "doctor/finding.h"
#include "net/endpoint.h"
#include "store/store.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::doctor {

/// What the configuration says to the doctor.
struct Options {
  /// Whose mail servers are greeted to see whether port 25 is open: domains, or "host:port" without a look-up of MX.
  std::vector<std::string> providers;
  std::vector<std::string> lists; ///< block lists that our addresses are looked for in
  std::string time_server;        ///< "host" or "host:port" of NTP that the clock is compared with; empty: none
  bool daily = true;              ///< the server runs all checks once a day and tells of what changed
  std::string report_to;          ///< who gets that mail; empty: postmaster of the first domain
};

/// A listener as it is now.
struct ListenerFacts {
  std::string role; ///< "mx", "submission", "lmtp", "pop3", …
  net::Endpoint bound;
  enum class Tls : std::uint8_t { none, starttls, implicit } tls = Tls::none;
  std::int64_t outside =
      0; ///< when somebody from a public address last connected, ms since 1970; 0: not since the start
};

/// The certificate that listeners show.
struct CertificateShown {
  std::string file; ///< empty: none of the configuration names; ordered, or self-signed
  std::string pem;  ///< with its chain
};

struct ClockFacts {
  bool trusted = true;       ///< ClockTrust
  bool synchronised = false; ///< the kernel says so
};

struct DiskFacts {
  std::uint64_t free = 0, size = 0;              ///< octets
  std::uint64_t free_inodes = 0, all_inodes = 0; ///< all_inodes 0: the file system does not count them
};

struct DescriptorFacts {
  std::uint64_t used = 0, most = 0;
};

struct FilterFacts {
  std::string name;
  std::string place; ///< "unix:/run/clamd.sock"
  bool needed;       ///< mail is put off while it is away
};

/// A server that all mail goes through.
struct Smarthost {
  std::string route; ///< its name in the configuration
  std::string host;
  std::uint16_t port = 587;
};

/// What is known of this machine and this server without waiting; nothing: it can't be seen from here.
struct Machine {
  std::string hostname;
  std::int64_t started = 0; ///< of the server, ms since 1970; 0: it is down
  bool signs = true;        ///< what our domains send is signed
  std::optional<dns::UpstreamState> resolver{};
  std::vector<std::string> sources{}; ///< addresses that connections to the outside come from, as the system says
  std::function<bool(const std::string& address)> is_own{}; ///< of this machine's interfaces; empty: can't be told
  std::optional<std::vector<ListenerFacts>> listeners{};
  std::optional<CertificateShown> certificate{};
  std::string authority{}; ///< the directory of the one that certificates are ordered of (RFC 8555); empty: none are
  std::optional<ClockFacts> clock{};
  std::optional<DiskFacts> disk{};
  std::optional<DescriptorFacts> descriptors{};
  std::optional<bool> sandbox{};
  std::optional<std::vector<FilterFacts>> filters{};
  std::optional<Smarthost> smarthost{};
};

/// What the checks look at, and nothing else: the server makes one of itself, the command line one of the store and the
/// machine, tests one of words. Functions that are empty, and what is null, can't be asked from here.
struct World {
  const Clock& clock;
  std::shared_ptr<dns::Resolver> zone; ///< null: nobody
  store::Store* store = nullptr;
  Options options;
  Machine machine;
  /// What programs and other servers find a domain's settings and policies by: SRV, CNAME and TXT records that belong
  /// into its zone. Empty: SRV alone, of the listeners.
  std::function<std::vector<Record>(const std::string& domain)> set_up{};
  /// Looks at the resolvers now, where nobody has done so yet; some seconds.
  std::function<Task<dns::UpstreamState>()> look_at_resolver{};
  /// Connects and reads the first line that the other says; ends within `most`.
  std::function<Task<Result<std::string>>(net::Endpoint to, std::chrono::milliseconds most)> greet{};
  /// Connects to a place as filters are named, and closes again.
  std::function<Task<Result<>>(std::string place, std::chrono::milliseconds most)> reach{};
  /// How much the machine's clock is ahead of that server's (NTP).
  std::function<Task<Result<std::chrono::milliseconds>>(net::Endpoint server)> clock_error{};
  /// Gets an https: URL with the certificate verified, without redirects; at most 64 KiB.
  std::function<Task<Result<std::string>>(std::string host, std::string path)> fetch{};
};

} // namespace paquebot::doctor
