#pragma once

#include "dns/resolver.h"

#include <optional>
#include <string_view>

namespace paquebot::dns {

/// A type that only people are told of (RFC 8659): the text is "0 issue ca.example.net", as it came.
inline constexpr Type kCaa{257};

/// Decodes one resource record's data, uncompressed, as RFC 1035 section 3.3, RFC 3596, RFC 2782 and RFC 6698 lay
/// it out. Nothing when it is malformed, too long, or holds a host name that could not be written as text (a label
/// with a dot, a backslash, a space or a control character).
std::optional<Record> parse_rdata(Type type, std::string_view data);

/// Whether a name can be asked: labels of 1 to 63 printable octets without a backslash, at most 253 in all,
/// without the final dot.
bool is_query_name(std::string_view name);
/// The same for a name in which a blank and a backslash stand as "\032" and "\092", as escape_name() writes them.
bool is_escaped_query_name(std::string_view name);
std::string escape_name(std::string_view name);

/// A time to live that is sane: at most a day. RFC 2181 section 8: with the highest bit set it counts as zero.
std::uint32_t bounded_ttl(std::int64_t seconds);
/// The same for negative answers: 5 to 300 seconds (RFC 2308 section 5 leaves the bounds to us).
std::uint32_t bounded_negative_ttl(std::int64_t seconds);

/// "mx", "MX" and so on.
std::optional<Type> parse_type(std::string_view word);
std::string_view type_name(Type type);

} // namespace paquebot::dns
