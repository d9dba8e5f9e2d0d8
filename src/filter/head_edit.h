#pragma once

#include "filter/filter.h"

namespace paquebot::filter {

/// Makes a filter's changes. Linear in fields and changes. `no_space` when the header block becomes larger than
/// mail::kMaxHead; `invalid` when it gets too many fields. The head is as it was then.
Result<> edit(mail::Head& head, const std::vector<HeadChange>& changes);

} // namespace paquebot::filter
