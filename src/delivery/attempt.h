#pragma once

#include "delivery/connector.h"
#include "mail/told.h"
#include "queue/cause.h"

#include <string>
#include <vector>

namespace paquebot::delivery {

/// One attempt for the recipients of one transaction, over one connection or several.
struct Attempt {
  Tried tried;
  unsigned sessions = 0;
  unsigned used_up = 0;    ///< a connection had carried so many messages when it took no more; 0: none did
  bool rests = false;      ///< the last host rests now
  bool surplus = false;    ///< each of its connections was refused before anything was judged over it
  bool host_spoke = false; ///< the last host answered MAIL
  /// What the last host said of each that is left; empty: none was reached, or it was about the connection.
  std::vector<mail::Told> last;
};

/// How reaching a place ended. Of a job: with `refused` and `failed` it is settled, and with `failed` the destination
/// waits. `no_room`: it has to wait for others, unattempted.
enum class Way { open, refused, failed, no_room };

/// The same, and why there is no connection.
struct Reach {
  Way way = Way::failed;
  mail::Told failure;
  queue::Cause cause = queue::Cause::none;
  std::string full{}; ///< of Reached
};

} // namespace paquebot::delivery
