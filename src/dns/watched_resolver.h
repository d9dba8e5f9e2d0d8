#pragma once

#include "dns/upstream.h"

#include <memory>

namespace paquebot::dns {

/// Two resolvers of the same kind that don't stand in each other's way: each has a libunbound of its own, with its own
/// sockets, bounds and memory of who is slow.
struct Resolvers {
  std::shared_ptr<Resolver> deliveries; ///< what we need to know ourselves
  std::shared_ptr<Resolver> strangers;  ///< what mail of strangers makes us ask
  std::shared_ptr<Upstream> upstream;   ///< what is known of those whom they ask
};

/// Makes both. What fails is asked about: an answer that does not validate, whether signatures come through at all
/// (Upstream), and then it is asked for without validation where that is right; and with `deliveries` a question
/// without an answer, whether that is the fault of our own resolver (Answer::own_fault). `executor` as with
/// make_resolver(). Errors likewise. `at_once`: of what strangers make us ask.
Result<Resolvers> make_resolvers(boost::asio::any_io_executor executor, Options options, std::size_t strangers_at_once,
                                 const Clock& clock);

} // namespace paquebot::dns
