#include "control/json.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/visible.h"
#include "mail/timestamp.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace paquebot::control {
namespace {

unsigned code_point(std::string_view character) {
  unsigned code = static_cast<unsigned char>(character[0]);
  if (character.size() > 1) code &= 0x7FU >> character.size();
  for (const char c : character.substr(1)) code = code << 6U | (static_cast<unsigned char>(c) & 0x3FU);
  return code;
}

/// Serialised JSON for a reader who may be a terminal: octets that are no UTF-8 as "?", since JSON is UTF-8 (RFC 8259
/// section 8.1), C1 controls, DEL and characters that turn the direction of writing as \uNNNN, which any parser reads
/// as the same text. The writer has escaped C0 controls, so whatever is above them stands inside a string; a line feed
/// is between two values.
std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t plain = plain_length(text);
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    if (length == 0)
      out += '?';
    else if (visible_length(text) == 0 && character != "\n")
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", code_point(character));
    else
      out += character;
    text.remove_prefix(character.size());
  }
  return out;
}

void indent(std::string& out, std::size_t depth) {
  out += '\n';
  out.append(2 * depth, ' ');
}

void write_pretty(std::string& out, const json::value& value, std::size_t depth);

void write_items(std::string& out, const json::array& array, std::size_t depth) {
  for (std::size_t i = 0; i < array.size(); ++i) {
    out += i == 0 ? "" : ",";
    indent(out, depth + 1);
    write_pretty(out, array[i], depth + 1);
  }
}

void write_members(std::string& out, const json::object& object, std::size_t depth) {
  bool first = true;
  for (const auto& [key, member] : object) {
    out += first ? "" : ",";
    first = false;
    indent(out, depth + 1);
    out += json::serialize(json::string(key)) + ": ";
    write_pretty(out, member, depth + 1);
  }
}

void write_pretty(std::string& out, const json::value& value, std::size_t depth) {
  if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    out += '[';
    write_items(out, *array, depth);
    indent(out, depth);
    out += ']';
  } else if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += '{';
    write_members(out, *object, depth);
    indent(out, depth);
    out += '}';
  } else {
    out += json::serialize(value);
  }
}

std::unexpected<Error> wrong_type(std::string_view name, std::string_view type) {
  return fail(Errc::invalid, "\"" + std::string(name) + "\" must be " + std::string(type));
}

const json::value* find(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(name);
}

} // namespace

Result<json::value> parse_json(std::string_view text, std::string_view what) {
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, {.max_depth = kJsonDepth});
  if (error) return fail(Errc::invalid, std::string(what) + " is not JSON: " + error.message());
  return value;
}

Result<json::object> parse_object(std::string_view text, std::string_view what) {
  if (text.empty()) return json::object();
  auto value = parse_json(text, what);
  if (!value) return std::unexpected(value.error());
  if (!value->is_object()) return fail(Errc::invalid, std::string(what) + " is not a JSON object");
  return std::move(value->as_object());
}

std::string to_text(const json::value& value) {
  std::string text = json::serialize(value);
  return plain_length(text) == text.size() ? text : clean(text);
}

std::string to_pretty_text(const json::value& value) {
  std::string out;
  write_pretty(out, value, 0);
  out += '\n';
  return clean(out);
}

Result<std::optional<std::string>> text_field(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_string()) return wrong_type(name, "a text");
  return std::string(value->as_string());
}

Result<std::optional<bool>> bool_field(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_bool()) return wrong_type(name, "true or false");
  return value->as_bool();
}

Result<std::optional<std::uint64_t>> number_field(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  // Bounded by what the store keeps: a signed 64-bit number.
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  if (error || number < 0 || value->is_double()) return wrong_type(name, "a whole number from 0");
  return static_cast<std::uint64_t>(number);
}

Result<std::vector<std::string>> texts_field(const json::object& object, std::string_view name) {
  std::vector<std::string> texts;
  const auto* value = object.if_contains(name);
  if (value == nullptr) return texts;
  if (!value->is_array()) return wrong_type(name, "a list of texts");
  for (const auto& item : value->as_array()) {
    if (!item.is_string()) return wrong_type(name, "a list of texts");
    texts.emplace_back(item.as_string());
  }
  return texts;
}

Result<> only_fields(const json::object& object, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object) {
    if (std::ranges::find(known, std::string_view(key)) == known.end()) {
      return fail(Errc::invalid, "unknown field \"" + printable(key, 64) + "\"");
    }
  }
  return {};
}

json::value time_value(std::int64_t ms) {
  constexpr std::int64_t kLast = 253'402'300'799'999; // of the year 9999: later is never
  if (ms <= 0 || ms > kLast) return nullptr;
  return json::string(log::time_of(from_millis(ms)));
}

std::string get_text(const json::value& value, std::string_view name) {
  const auto* member = find(value, name);
  return member != nullptr && member->is_string() ? std::string(member->as_string()) : std::string();
}

std::int64_t get_number(const json::value& value, std::string_view name) {
  const auto* member = find(value, name);
  if (member == nullptr) return 0;
  boost::system::error_code error;
  const auto number = member->to_number<std::int64_t>(error);
  return error ? 0 : number;
}

std::int64_t get_time(const json::value& value, std::string_view name) {
  const auto* member = find(value, name);
  if (member == nullptr || !member->is_string()) return 0;
  const auto time = mail::parse_timestamp(member->as_string());
  return time ? millis(*time) : 0;
}

bool get_bool(const json::value& value, std::string_view name) {
  const auto* member = find(value, name);
  return member != nullptr && member->is_bool() && member->as_bool();
}

const json::array& get_list(const json::value& value, std::string_view name) {
  static const json::array empty;
  const auto* member = find(value, name);
  return member != nullptr && member->is_array() ? member->as_array() : empty;
}

} // namespace paquebot::control
