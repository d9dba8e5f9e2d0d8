#pragma once

#include "base/task.h"
#include "dns/resolver.h"

#include <chrono>
#include <map>
#include <memory>
#include <string>

namespace paquebot::delivery {

/// What the DNS says of the addresses of mail hosts within one attempt: each is asked for once, since one that is
/// silent takes its time again. For one coroutine.
class HostAnswers {
public:
  /// A family that is switched off is not asked for. `resolver` must outlive it.
  HostAnswers(dns::Resolver& resolver, bool ipv4, bool ipv6) : resolver_(resolver), ipv4_(ipv4), ipv6_(ipv6) {}

  struct Both {
    std::shared_ptr<const dns::Answer> four, six; ///< A and AAAA
  };
  Task<Both> look_up(std::string host);
  /// Another question about them; the time that it takes counts too.
  Task<std::shared_ptr<const dns::Answer>> ask(std::string name, dns::Type type);

  /// How long the DNS took, in all.
  std::chrono::steady_clock::duration taken() const { return taken_; }

private:
  dns::Resolver& resolver_;
  const bool ipv4_, ipv6_;
  std::map<std::string, Both> asked_;
  std::chrono::steady_clock::duration taken_{};
};

} // namespace paquebot::delivery
