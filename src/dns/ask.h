#pragma once

#include "base/result.h"
#include "base/task.h"
#include "dns/message.h"
#include "net/endpoint.h"

#include <chrono>
#include <string>

namespace paquebot::dns {

/// A question for one resolver itself, past libunbound and all caches: to find out about the resolver.
struct DirectQuestion {
  net::Endpoint server;
  std::string name; ///< "." is the root
  std::uint16_t type = 0;
  bool edns = true;
  bool dnssec = true;
};

/// Asks over UDP, a second time after half of `time`, and over TCP when the reply is truncated (the truncated one is
/// given when nothing comes of that). Runs on the caller's executor. What it learns may be forged by whoever can forge
/// what a resolver says: never take records from it. Errors: `timeout`, `refused` when nobody listens there,
/// `temporary` when this machine has no socket for it, `io`.
Task<Result<Reply>> ask_directly(DirectQuestion question, std::chrono::milliseconds time);

} // namespace paquebot::dns
