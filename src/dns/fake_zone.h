#pragma once

#include "dns/resolver.h"

#include <map>
#include <mutex>
#include <utility>

namespace paquebot::dns {

/// A resolver with its own little world, for tests. Thread-safe; answers at once. Follows CNAME. A name that has no
/// record, and no name below it, is nxdomain; one that has others is no_data.
class FakeZone final : public Resolver {
public:
  /// One record a line, names without the final dot ("." is the root), ";" begins a comment line:
  ///
  ///     example.test      MX    10 mx.example.test
  ///     mx.example.test   A     127.0.0.1
  ///     example.test      TXT   "v=spf1 mx" " -all"
  ///     _25._tcp.mx.example.test  TLSA  3 1 1 0123abcd
  ///     _pop3._tcp.example.test   SRV   0 1 110 mail.example.test
  ///     example.test      CAA   0 issue "ca.example.net"
  ///     broken.test       SERVFAIL
  ///     forged.test       BOGUS
  ///     silent.test       TIMEOUT
  ///     any.test          OWNFAULT   (our own resolver is to blame)
  ///     signed.test       SECURE
  ///
  /// SECURE marks all answers for the name as DNSSEC-validated. SOA and TRUNCATE lines, which mean something to
  /// tests/support/dns_server.py only, are passed over. Throws std::invalid_argument with the line on anything else.
  static std::shared_ptr<FakeZone> parse(std::string_view text);

  void add(const std::string& name, Type type, Record record);
  /// Every question for this name ends so; Status::ok takes it back.
  void fail(const std::string& name, Status status, const std::string& why = "made to fail", bool bogus = false,
            bool own_fault = false);
  void secure(const std::string& name);
  /// Forgets all of a name.
  void remove(const std::string& name);

  Task<std::shared_ptr<const Answer>> query(std::string name, Type type) override;

  /// How many questions came, in all, or for one name and type.
  std::size_t questions() const;
  std::size_t questions(const std::string& name, Type type) const;

private:
  struct Name {
    std::map<Type, std::vector<Record>> records;
    Status failure = Status::ok;
    std::string why;
    bool bogus = false;
    bool own_fault = false;
    bool secure = false;
  };
  Answer look_up(std::string name, Type type) const;
  bool has_names_below(const std::string& name) const;
  void add_line(std::string_view line);

  mutable std::mutex mutex_;
  std::map<std::string, Name> names_;
  std::map<std::pair<std::string, Type>, std::size_t> asked_;
};

} // namespace paquebot::dns
