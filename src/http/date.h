#pragma once

#include "http/message.h"

#include <chrono>

namespace paquebot::http {

/// IMF-fixdate (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". Years 1970 to 9999.
std::string http_date(std::int64_t unix_seconds);
/// Any of the three forms of section 5.6.7, as seconds since 1970 UTC; the name of the day is not compared. A year of
/// two digits is the one that is at most 50 years ahead of `unix_now`. Nothing for what is no date, and for those
/// before 1970.
std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t unix_now);

/// How long to wait as Retry-After says (RFC 9110 section 10.2.3), seconds or a date, from `unix_now` on; zero for what
/// is past, never more than `most`. Nothing without the field, and when it is malformed.
std::optional<std::chrono::seconds> retry_after(const Fields& fields, std::int64_t unix_now, std::chrono::seconds most);

/// The type of Content-Type in lower case, without its parameters: "application/json". Empty when there is none, and
/// when there are several fields.
std::string media_type(const Fields& fields);

} // namespace paquebot::http
