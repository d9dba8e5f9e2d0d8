#pragma once

#include "base/result.h"
#include "base/task.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::dns {

enum class Type : std::uint16_t {
  a = 1,
  cname = 5,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  srv = 33,
  dnskey = 48,
  tlsa = 52
};

/// How a question ended. `no_data`: the name exists, not with this type. `servfail` covers time-outs,
/// lame servers and bogus DNSSEC; it is temporary (RFC 5321 section 5.1).
enum class Status : std::uint8_t { ok, no_data, nxdomain, servfail };

/// One resource record's data, decoded: which fields are used depends on the type.
struct Record {
  std::string text; ///< a, aaaa: address; mx, cname, ptr, srv: lower-case host without the final dot; txt: strings
                    ///< joined; dnskey, tlsa: raw octets
  std::uint16_t preference = 0; ///< mx preference, srv priority
  std::uint16_t weight = 0;     ///< srv
  std::uint16_t port = 0;       ///< srv
};

struct Answer {
  Status status = Status::servfail;
  bool secure = false; ///< DNSSEC-validated
  bool bogus = false;
  /// With servfail: the name and its servers are not to blame, but our own resolver, this machine, or how much is
  /// asked.
  bool own_fault = false;
  std::uint32_t ttl = 0;       ///< seconds when it was asked, already bounded
  std::vector<Record> records; ///< at most 256
  std::string why;             ///< for people, when status is servfail
  std::string canonical;       ///< where aliases led, lower case without the final dot; empty: the name is none
};

/// Asks the DNS. Thread-safe; coroutines resume on their own executor. Answers are shared and immutable.
class Resolver {
public:
  virtual ~Resolver() = default;
  /// `name`: A-label domain without the final dot (escape_name()), or "." for the root. Never fails otherwise than by
  /// Answer::status; bounded in time.
  virtual Task<std::shared_ptr<const Answer>> query(std::string name, Type type) = 0;
  /// The answer, where query() would give it without asking anybody; else nothing. Thread-safe.
  virtual std::shared_ptr<const Answer> known(const std::string& /*name*/, Type /*type*/) { return nullptr; }
  /// The process ends: all questions under way, and all that come, end with servfail. Thread-safe.
  virtual void give_up() {}
};

/// Whether answers must be validated. `automatic`: as long as the resolvers pass signatures on (upstream.h).
enum class Dnssec : std::uint8_t { automatic, required, off };

struct Options {
  std::vector<std::string> resolvers; ///< "127.0.0.1:5353", "[::1]:53"; empty: the system's (/etc/resolv.conf)
  std::string trust_anchor; ///< "" the built-in root anchors, "none" no DNSSEC, else the text of DS/DNSKEY records
  Dnssec dnssec = Dnssec::automatic;

  bool validates() const { return dnssec != Dnssec::off && trust_anchor != "none"; }
  std::chrono::milliseconds timeout{10000};
  std::size_t at_once = 4000; ///< questions that are waited for at a time, at least 1
  std::size_t cache_entries = 20000;
  std::size_t cache_octets = 16u << 20;
};

/// The resolver on libunbound, asynchronous, behind a TTL-bound cache of our own (also of negative answers).
/// A time to live of 0 is not cached; negative answers live 5 to 300 seconds, failures 5. Identical questions
/// under way are asked once. Options::at_once are under way at a time; those behind wait for their turn within their
/// own time, and while any wait, an answer has to come within 2 seconds; beyond 8000 all end with servfail at once.
/// Returns when libunbound's thread runs, after milliseconds. `executor`, which waits for
/// libunbound's descriptor, must be run by one thread and exist until the resolver is destroyed. With `resolvers`
/// given, they are asked for everything, also for the zones that libunbound would answer itself (test, localhost,
/// 127.in-addr.arpa, private addresses). A query's coroutine that never gets its answer because the executor stopped
/// is not destroyed: end sessions first, then contexts. `invalid` for options that make no sense, `temporary` when this
/// process may open no more files.
Result<std::shared_ptr<Resolver>> make_resolver(boost::asio::any_io_executor executor, Options options);

} // namespace paquebot::dns
