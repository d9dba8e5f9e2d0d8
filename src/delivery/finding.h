#pragma once

#include "mail/status.h"
#include "smtp/client_session.h"

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

namespace paquebot::delivery {

/// How one transaction over a connection went.
struct Transmission {
  std::span<const mail::Reply> replies;   ///< for each recipient
  std::span<const smtp::Settled> settled; ///< what each of them answers
  smtp::Breakage breakage = smtp::Breakage::none;
  bool in_doubt = false;             ///< the final reply was awaited and did not come
  bool content_begun = false;        ///< the peer was given content
  bool reused = false;               ///< the connection was used before
  unsigned carried = 0;              ///< messages that were judged over it before
  std::chrono::milliseconds took{0}; ///< from MAIL on
  std::uint64_t size = 0;            ///< octets of the content
};

/// What that shows of the session, beside what was said of each recipient.
struct Finding {
  enum class Session : std::uint8_t {
    judged,    ///< the peer said what it thinks of the message
    used_up,   ///< the connection takes no further message, whatever it is: a new one does (421, or the peer had closed
               ///< it)
    elsewhere, ///< this host takes no mail now (4xx to MAIL): another one may (RFC 5321 section 5.1)
    broken,    ///< it ended the session before it judged the message: another one may be better
  };
  Session session = Session::judged;
  bool slow = false;    ///< it took its time beyond what its recipients and the content explain: 20 s
  unsigned strikes = 0; ///< as in HostBook::broke_off()
  mail::Reply broken;   ///< how it ended
  std::vector<bool>
      again; ///< recipients of whom nothing was said that counts: they go on at once over another connection
  std::vector<bool> next; ///< recipients beyond the peer's number for a transaction: they go in the next one
};

/// Pure. Nobody is tried again at once whose message may have been taken.
Finding find(const Transmission& sent);

} // namespace paquebot::delivery
