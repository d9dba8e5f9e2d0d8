#include "mail/envelope.h"

namespace paquebot::mail {

void set_times(Sender& sender, WallTime now) {
  if (sender.deliver_by.mode != DeliverBy::Mode::none)
    sender.deliver_by.at = millis(now) + sender.deliver_by.seconds * 1000;
  if (sender.hold.kind == Hold::Kind::interval) sender.hold.until = millis(now) + sender.hold.seconds * 1000;
}

} // namespace paquebot::mail
