#pragma once

#include "store/types.h"

#include <cstdint>
#include <string>

namespace paquebot::store {

/// Something durable has changed, by whichever node. Of a store that several nodes work on, what others did is told
/// within a second. When one of them died nobody knows what it had not told yet: then of each kind but account_ended
/// all is told of, with neither `key` nor `id`.
struct Change {
  enum class Kind : std::uint8_t {
    queue,         ///< work waits that nobody looks after yet: after an operator's order
    destination,   ///< `key` as a whole failed, or works again
    directory,     ///< a domain, an account, an address or a key; `id`: only what holds for this account
    account_ended, ///< `id`: who knew its password is to be put out: it is removed, disabled, or has another password
    suspicion,     ///< an account (`id`; 0: some) is marked, or is no more
    setting,       ///< `key`
    mailbox,       ///< mail came into `id` (0: some), or left it
    certificate,   ///< of the name `key`, or how it is got, or how the name is proven
    node,          ///< a node began, ended, or is to begin no work any more
  };
  Kind kind = Kind::queue;
  std::string key{};
  Id id = 0;
};

/// Who wants to be told of changes, for as long as it lives. Letting go waits for a call that is under way; must not
/// outlive its store.
class Subscription {
public:
  Subscription() = default;
  virtual ~Subscription() = default;
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
};

} // namespace paquebot::store
