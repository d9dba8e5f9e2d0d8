#pragma once

#include "intake/binary.h"
#include "mail/status.h"

#include <optional>
#include <string>
#include <string_view>

namespace paquebot::intake {

/// A step of Incoming, for content that came with BODY=BINARYMIME: what is kept of it is lines. What stays binary is
/// converted all the same, to be sure that it can be, for a peer without BINARYMIME or a report.
class Conversion {
public:
  /// Call before anything else, and not at all for content that is lines. `stays`: the message stays as it came, since
  /// nobody among its recipients has a mailbox here.
  void begin(bool stays);
  bool on() const { return lines_.has_value(); }
  bool stays_binary() const { return stays_; }
  /// What is to be kept of this piece; valid until the next call, and as long as `chunk`. Errors as those of
  /// BinaryToLines; then no further use.
  Result<std::string_view> feed(std::string_view chunk);
  /// Likewise what it still holds back; with stays_binary() nothing.
  Result<std::string_view> finish();

private:
  std::optional<BinaryToLines> lines_;
  bool stays_ = false;
  std::string out_;
};

/// The reply for its errors (RFC 3030 section 3: a message that can't be carried on is not accepted).
mail::Reply not_convertible(const Error& why);

} // namespace paquebot::intake
