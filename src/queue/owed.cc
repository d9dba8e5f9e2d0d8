#include "queue/owed.h"

namespace paquebot::queue {
namespace {

store::Owed decide(const mail::Sender& sender, std::uint8_t notify, std::uint8_t wanted, bool by_default,
                   store::Owed owed) {
  if (sender.reverse_path.empty()) return store::Owed::none; // RFC 5321 section 4.5.5
  bool yes = notify == mail::kNotifyUnspecified ? by_default : (notify & wanted) != 0;
  return yes ? owed : store::Owed::none;
}

} // namespace

// RFC 3461 section 5.2.6: (a) FAILURE, (b) not without it, (c) without NOTIFY.
store::Owed owed_on_failure(const mail::Sender& sender, std::uint8_t notify) {
  return decide(sender, notify, mail::kNotifyFailure, true, store::Owed::failure);
}

// Section 5.2.5: (c) never where NOTIFY lacks DELAY.
store::Owed owed_on_delay(const mail::Sender& sender, std::uint8_t notify) {
  return decide(sender, notify, mail::kNotifyDelay, true, store::Owed::delay);
}

// Sections 5.2.2 (b), (e) and 5.2.3: SUCCESS alone.
store::Owed owed_on_success(const mail::Sender& sender, std::uint8_t notify) {
  return decide(sender, notify, mail::kNotifySuccess, false, store::Owed::success);
}

store::Owed owed_on_relay(const mail::Sender& sender, std::uint8_t notify) {
  const bool never = (notify & mail::kNotifyNever) != 0;
  return sender.reverse_path.empty() || never ? store::Owed::none : store::Owed::success;
}

} // namespace paquebot::queue
