#include "service/attempt_note.h"

#include "base/clock.h"

namespace paquebot::service {

void note_attempt(const LoginMeans& parts, const net::Stream& stream, const std::string& client,
                  std::string_view protocol, policy::Attempt::What what, const std::string& why) {
  if (parts.attempts == nullptr) return;
  policy::Attempt attempt;
  attempt.what = what;
  attempt.at = millis(system_clock().wall());
  attempt.client = client;
  attempt.port = stream.local().port;
  attempt.protocol = protocol;
  attempt.why = why;
  parts.attempts->add(std::move(attempt));
}

} // namespace paquebot::service
