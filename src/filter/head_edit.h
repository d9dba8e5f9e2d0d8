#pragma once

#include "filter/filter.h"

namespace paquebot::filter {

/// Octets of a header block after changes: the server's own fields come on top, and the whole has mail::kMaxHead.
inline constexpr std::size_t kMaxEdited = mail::kMaxHead - (64u << 10);

/// Makes a filter's changes. Linear in fields and changes. `no_space` when the header block becomes larger than
/// kMaxEdited; `invalid` when it gets too many fields. The head is as it was then.
Result<> edit(mail::Head& head, const std::vector<HeadChange>& changes);

} // namespace paquebot::filter
