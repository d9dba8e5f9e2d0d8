#pragma once

#include "intake/passage.h"

namespace paquebot::intake {

/// A step of Incoming, for what own users submit: in From and Sender are their own addresses only, or the message is
/// sent on (Passage::resent).
class AuthorCheck {
public:
  /// `message` must outlive it.
  explicit AuthorCheck(Passage& message) : message_(message) {}
  Task<void> run();

private:
  Passage& message_;
};

} // namespace paquebot::intake
