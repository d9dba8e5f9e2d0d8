#pragma once

#include "base/clock.h"
#include "intake/notice.h"
#include "mail/head.h"
#include "store/types.h"

#include <string>

namespace paquebot::intake {

/// Whether a message that comes back has the form of what programs write about a message: a report (RFC 6522) or an
/// answer that says that nobody wrote it (RFC 3834 section 5).
bool is_answer_by_form(const mail::Head& head);

/// What the sender of a forwarded message gets instead of something that has not: that it came, from where (an IP address; may be
/// empty) and about what, and nothing of what it said. `formed`: it has, and is kept back since it tells to where the message was
/// sent on.
Notice compose_return_notice(const std::string& hostname, const store::Forwarded& about, const std::string& client,
                             const std::string& id, WallTime now, bool formed = false);

} // namespace paquebot::intake
