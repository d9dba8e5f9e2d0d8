#pragma once

#include "mail/envelope.h"
#include "store/types.h"

namespace paquebot::queue {

/// Which report a step of a recipient makes us owe the sender (RFC 3461 section 6). Never one for the null reverse-path
/// (RFC 5321 section 6.1) or for NOTIFY=NEVER.
store::Owed owed_on_failure(const mail::Sender& sender, std::uint8_t notify);
/// When a message waits longer than the notice period. Without NOTIFY a delay report is our choice: yes.
store::Owed owed_on_delay(const mail::Sender& sender, std::uint8_t notify);
/// Delivered to a mailbox, or relayed to a peer that has no DSN.
store::Owed owed_on_success(const mail::Sender& sender, std::uint8_t notify);
/// Relayed where the sender's BY asks for a report of it (RFC 2852 section 4.1.4): to all but NOTIFY=NEVER.
store::Owed owed_on_relay(const mail::Sender& sender, std::uint8_t notify);

} // namespace paquebot::queue
