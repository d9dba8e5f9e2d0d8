#pragma once

#include "base/result.h"
#include "mail/address.h"
#include "mail/status.h"

#include <string>
#include <string_view>

/// What filters say, in forms that may go on: their words are as hostile as a stranger's.
namespace paquebot::filter {

/// One address, in angle brackets or without; empty for "" and "<>". `invalid` when malformed.
Result<mail::Address> read_address(std::string_view text);
/// A reply such as "550 5.7.1 no", of one or more lines ("550-5.7.1 no" LF "550 5.7.1 really"), "%%" for "%". The code
/// is 4xx or 5xx, text is printable ASCII. `invalid` for anything else.
Result<mail::Reply> read_reply(std::string_view text);
/// The text of a reply of ours: printable ASCII in one line, at most 400 octets.
std::string reply_text(std::string_view said);
/// A name that a header field may have (RFC 5322 section 2.2), at most 76 octets.
bool is_field_name(std::string_view name);
/// The value of a header field: line ends become CRLF, white space at its beginning is dropped. What may not stand in a
/// field is made harmless by mail::Head.
std::string field_value(std::string_view said);

mail::Reply refused(std::string_view filter);
mail::Reply deferred(std::string_view filter);

} // namespace paquebot::filter
