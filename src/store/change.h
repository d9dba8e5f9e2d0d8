#pragma once

#include "store/types.h"

#include <cstdint>
#include <string>

namespace paquebot::store {

/// Something durable has changed, by whichever node.
struct Change {
  enum class Kind : std::uint8_t {
    queue,         ///< work waits that nobody looks after yet: after an operator's order
    destination,   ///< `key` as a whole failed, or works again
    directory,     ///< a domain, an account, an address or a key; `id`: only what holds for this account
    account_ended, ///< `id`: who knew its password is to be put out: it is removed, disabled, or has another password
    suspicion,     ///< an account (`id`; 0: some) is marked, or is no more
    setting,       ///< `key`
    mailbox,       ///< mail came into `id`, or left it
    certificate,   ///< of the name `key`, or how it is got, or how the name is proven
    node,          ///< another node began or ended
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
