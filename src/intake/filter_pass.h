#pragma once

#include "intake/content.h"
#include "intake/passage.h"

namespace paquebot::intake {

/// A step of Incoming: shows the message to the content filters and makes what they ask for. What they refuse is left
/// in Passage::failure.
class FilterPass {
public:
  /// Both must outlive it.
  FilterPass(Passage& message, Content& content) : message_(message), content_(content) {}
  /// Nothing without filters.
  Task<void> run();

private:
  Passage& message_;
  Content& content_;
};

} // namespace paquebot::intake
