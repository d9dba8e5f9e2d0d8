#pragma once

#include "mail/address.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mail {

/// One element of an address list as programs on this machine write them.
struct LooseAddress {
  std::string text;               ///< as written, without the white space around it
  std::optional<Address> address; ///< nothing: it can't be read as an address
};

/// Reads an address list (RFC 5322 section 3.4) element by element, so that one that can't be read does not stand in
/// the way of the others. Commas and semicolons outside of quotes, comments and angle brackets part the elements; a
/// quote or bracket that is never closed counts as any other character; the name of a group is dropped. Of an element
/// with an addr-spec in angle brackets the brackets count, whatever stands around them ("Ann [Support]
/// <ann@example.org>"). An address without a domain gets `default_domain`. `value` may be folded; at most `most`
/// elements are read, and the text behind them is one more that can't be.
std::vector<LooseAddress> read_loosely(std::string_view value, std::string_view default_domain,
                                       std::size_t most = 10'000);

/// The same list with "@domain" behind every address that has no domain, as sendmail does; all else stays, octet for
/// octet.
std::string qualify_addresses(std::string_view value, std::string_view domain);

} // namespace paquebot::mail
