#pragma once

#include "base/clock.h"
#include "intake/notice.h"
#include "mail/head.h"
#include "store/types.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace paquebot::intake {

/// What comes back about a message that was forwarded.
enum class Came : std::uint8_t {
  anything,  ///< it has not the form of what programs write about a message
  automatic, ///< an answer that says that nobody wrote it (RFC 3834 section 5), or calls itself a report (RFC 6522)
  report,    ///< a delivery report that can be read (RFC 3464)
};
/// `begin`: head and as much of the body as is to be looked at.
Came what_came(const mail::Head& head, std::string_view begin);

/// Why it does not go on as it is.
enum class KeptBack : std::uint8_t {
  formless, ///< it is no report
  doubted,  ///< an automatic answer to somebody who may never have written
  hidden,   ///< it may tell to where the message was sent on
};

/// In a few words, for the log.
std::string_view reason_of(KeptBack why);

/// What the sender of a forwarded message gets instead: that something came, from where (an IP address; may be empty)
/// and about what, and nothing of what it said.
Notice compose_return_notice(const std::string& hostname, const store::Forwarded& about, const std::string& client,
                             const std::string& id, WallTime now, KeptBack why);

} // namespace paquebot::intake
