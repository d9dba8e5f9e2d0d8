#pragma once

#include "base/result.h"

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The only door to JSON: text from outside goes through the library's writer and parser, never through hands.
namespace paquebot::control {

namespace json = boost::json;

/// How deep values may lie in each other.
inline constexpr unsigned kJsonDepth = 32;

/// Depth is bounded by kJsonDepth, size by the caller. `what` names the text in the error.
Result<json::value> parse_json(std::string_view text, std::string_view what);
/// As parse_json, and it must be an object; empty text is an empty object.
Result<json::object> parse_object(std::string_view text, std::string_view what);
/// `invalid` when an object in it has a name twice: which of the two counts, programs see differently. `text` is JSON.
Result<> names_once(std::string_view text, std::string_view what);
/// One line without spaces. Octets that are not UTF-8 (addresses and replies from outside may hold any) become "?"; C1
/// controls and characters that turn the direction of writing are escaped, so that a terminal shows them as they are.
std::string to_text(const json::value& value);
/// For people: indented by two spaces, ends in a line feed.
std::string to_pretty_text(const json::value& value);

// Fields of a request. `invalid` names the field when it is of another type.
Result<std::optional<std::string>> text_field(const json::object& object, std::string_view name);
Result<std::optional<bool>> bool_field(const json::object& object, std::string_view name);
/// Whole numbers from 0.
Result<std::optional<std::uint64_t>> number_field(const json::object& object, std::string_view name);
/// A list of texts; absent: empty.
Result<std::vector<std::string>> texts_field(const json::object& object, std::string_view name);
/// `invalid` when the object has a field that is not in `known`: a misspelt option must not be passed over in silence.
Result<> only_fields(const json::object& object, std::initializer_list<std::string_view> known);

/// A time as the API tells it, "2026-11-30T09:41:07.000Z"; null for never or none: what is not from 1 to the year 9999.
json::value time_value(std::int64_t millis);

// Fields of a response: tolerant, with a value for what is absent or of another type.
std::string get_text(const json::value& value, std::string_view name);
std::int64_t get_number(const json::value& value, std::string_view name);
/// Milliseconds since 1970 of a time; 0 for null and what is none.
std::int64_t get_time(const json::value& value, std::string_view name);
bool get_bool(const json::value& value, std::string_view name);
/// The list of that name; an empty one when there is none.
const json::array& get_list(const json::value& value, std::string_view name);

} // namespace paquebot::control
