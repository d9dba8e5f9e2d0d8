#pragma once

#include "intake/content.h"
#include "intake/passage.h"
#include "intake/return_notice.h"

#include <optional>
#include <string>

namespace paquebot::intake {

/// A step of Incoming, for what comes back to a return address of ours about a message that was forwarded: it counts,
/// and what is no report goes on as a notice of ours (docs/policy.md).
class ReturnCheck {
public:
  /// Both must outlive it.
  ReturnCheck(Passage& message, Content& content) : message_(message), content_(content) {}
  /// A reply: the message at hand is done with, and its body is gone. Nothing: it goes on as it is.
  Task<std::optional<mail::Reply>> run();

private:
  bool is_held() const;
  Task<void> note_own();
  Task<std::string> begin_of_content();
  Task<std::optional<KeptBack>> keeps_back();
  queue::Draft notice(KeptBack why);

  Passage& message_;
  Content& content_;
};

} // namespace paquebot::intake
