#pragma once

#include "mail/status.h"
#include "queue/site.h"

#include <span>

namespace paquebot::delivery {

/// What a reply says of the limits of who gave it, to whoever comes: by its class (mail/bounce_class.h), for which only
/// what was said counts. `connections` and `used_up` are found out otherwise, by what other connections do.
queue::Signal signal_of(const mail::Reply& reply);

/// What a transaction's replies say, to each recipient in its order. That our address is blocked is believed at once
/// where it is said before anything of the message could matter; of the message's own refusals two without one that was
/// taken have to say so, since one may be meant otherwise.
struct Heard {
  queue::Signal signal = queue::Signal::none;
  const mail::Reply* reply = nullptr; ///< that says it
  bool sure = false;
};
Heard heard_of(std::span<const mail::Reply> replies, bool before_recipients);

} // namespace paquebot::delivery
