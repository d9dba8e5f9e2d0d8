#include "control/schema.h"

#include "base/text.h"
#include "mail/timestamp.h"

#include <algorithm>
#include <stdexcept>

namespace paquebot::control {
namespace {

bool is_list(std::string_view type) { return type.starts_with('[') && type.ends_with(']'); }
std::string_view item_of(std::string_view type) { return type.substr(1, type.size() - 2); }
bool is_shape(std::string_view type) { return !type.empty() && type.front() >= 'A' && type.front() <= 'Z'; }
bool takes_null(std::string_view type) { return type.ends_with("|null"); }
std::string_view without_null(std::string_view type) {
  return takes_null(type) ? type.substr(0, type.size() - std::string_view("|null").size()) : type;
}

const Shape& shape_of(std::string_view name) {
  const auto found = std::ranges::find(shapes(), name, &Shape::name);
  if (found == shapes().end()) throw std::logic_error("no shape of JSON is called " + std::string(name));
  return *found;
}

const Schema& schema_of_shape(std::string_view name) {
  static const auto all = [] {
    std::map<std::string, Schema, std::less<>> made;
    for (const Shape& shape : shapes()) made.emplace(shape.name, Schema::parse(shape.schema));
    return made;
  }();
  const auto found = all.find(name);
  if (found == all.end()) throw std::logic_error("no shape of JSON is called " + std::string(name));
  return found->second;
}

/// "a text": what a value of the type is, for who gave another one; empty: it is right.
std::string wrong(std::string_view type, const json::value& value);

std::string wrong_number(const json::value& value, bool negative_too) {
  boost::system::error_code error;
  const auto number = value.is_number() ? value.to_number<std::int64_t>(error) : 0;
  const bool good = value.is_number() && !value.is_double() && !error && (negative_too || number >= 0);
  if (good) return {};
  return negative_too ? "a whole number" : "a whole number from 0";
}

std::string wrong_list(std::string_view item, const json::value& value) {
  const auto* array = value.if_array();
  const bool good =
      array != nullptr && std::ranges::all_of(*array, [&](const json::value& one) { return wrong(item, one).empty(); });
  if (good) return {};
  return item == "text" ? "a list of texts" : "a list";
}

std::string wrong_word(std::string_view words, const json::value& value) {
  const auto known = split(words, '/');
  if (value.is_string() && std::ranges::find(known, std::string_view(value.as_string())) != known.end()) return {};
  std::string all;
  for (const auto word : known) all += (all.empty() ? "" : ", ") + std::string(word);
  return "one of " + all;
}

std::string wrong(std::string_view type, const json::value& value) {
  if (takes_null(type)) return value.is_null() ? "" : wrong(without_null(type), value);
  if (is_list(type)) return wrong_list(item_of(type), value);
  if (type == "any") return {};
  if (type == "text") return value.is_string() ? "" : "a text";
  if (type == "bool") return value.is_bool() ? "" : "true or false";
  if (type == "number" || type == "integer") return wrong_number(value, type == "integer");
  if (type == "time") {
    const bool good = value.is_null() || (value.is_string() && mail::parse_timestamp(value.as_string()));
    return good ? "" : "a time like 2026-11-30T09:41:07Z";
  }
  if (type == "object") return value.is_object() ? "" : "an object";
  if (type.find('/') != type.npos) return wrong_word(type, value);
  return schema_of_shape(type).mismatch(value);
}

/// The same for a value of a query.
std::string wrong_text(std::string_view type, const std::string& value) {
  if (type == "flag") return value == "1" ? "" : "1, or not there";
  if (type == "number") return parse_u64(value) ? "" : "a whole number from 0";
  return wrong(type, json::value(json::string(value)));
}

std::unexpected<Problem> unknown_field(std::string_view name) {
  return refuse(Errc::invalid, "unknown field \"" + printable(name, 64) + "\"", {}, printable(name, 64));
}

std::unexpected<Problem> missing_field(const std::string& name) {
  return refuse(Errc::invalid, "\"" + name + "\" is missing", {}, name);
}

/// Where in `value` it is not of the type: "accounts.0.login: …".
std::string find_mismatch(std::string_view type, const json::value& value, const std::string& place) {
  if (takes_null(type) && value.is_null()) return {};
  type = without_null(type);
  if (is_list(type) && value.is_array()) {
    std::size_t number = 0;
    for (const auto& one : value.as_array()) {
      std::string found = find_mismatch(item_of(type), one, place + "." + std::to_string(number++));
      if (!found.empty()) return found;
    }
    return {};
  }
  if (is_shape(type)) {
    const std::string found = schema_of_shape(type).mismatch(value);
    return found.empty() ? found : place + "." + found;
  }
  const std::string what = wrong(type, value);
  return what.empty() ? what : place + ": is not " + what;
}

} // namespace

Schema Schema::parse(std::string_view text) {
  Schema schema;
  for (const std::string_view part : split(text, ' ')) {
    if (part.empty()) continue;
    if (part == "octets") {
      schema.octets_ = true;
      continue;
    }
    if (part.starts_with('=')) {
      const Schema base = parse(shape_of(part.substr(1)).schema);
      schema.fields_.insert(schema.fields_.end(), base.fields_.begin(), base.fields_.end());
      continue;
    }
    const auto colon = part.find(':');
    if (colon == part.npos || colon == 0 || colon + 1 == part.size())
      throw std::logic_error("no field of a schema: " + std::string(part));
    std::string_view name = part.substr(0, colon);
    const bool optional = name.ends_with('?') || name == "*";
    if (name.ends_with('?')) name.remove_suffix(1);
    schema.fields_.push_back({std::string(name), std::string(part.substr(colon + 1)), optional});
  }
  return schema;
}

const SchemaField* Schema::find(std::string_view name) const {
  const auto found = std::ranges::find(fields_, name, &SchemaField::name);
  if (found != fields_.end()) return &*found;
  const auto any = std::ranges::find(fields_, "*", &SchemaField::name);
  return any == fields_.end() ? nullptr : &*any;
}

Found<> Schema::check(const json::object& object) const {
  for (const auto& [key, value] : object) {
    const SchemaField* field = find(key);
    if (field == nullptr) return unknown_field(key);
    // null is a field that was left out, unless null says something.
    if (value.is_null() && field->optional) continue;
    const std::string what = wrong(field->type, value);
    if (!what.empty())
      return refuse(Errc::invalid, "\"" + std::string(key) + "\" must be " + what, {}, std::string(key));
  }
  for (const SchemaField& field : fields_)
    if (!field.optional && object.if_contains(field.name) == nullptr) return missing_field(field.name);
  return {};
}

Found<> Schema::check(const std::map<std::string, std::string>& query) const {
  for (const auto& [name, value] : query) {
    const SchemaField* field = name.empty() ? nullptr : find(name);
    if (field == nullptr)
      return refuse(Errc::invalid, "the query has \"" + printable(name, 64) + "\", which this path does not know",
                    "docs/api.md tells what each path takes", printable(name, 64));
    const std::string what = wrong_text(field->type, value);
    if (!what.empty()) return refuse(Errc::invalid, "\"" + name + "\" must be " + what, {}, name);
  }
  for (const SchemaField& field : fields_)
    if (!field.optional && !query.contains(field.name)) return missing_field(field.name);
  return {};
}

std::string Schema::mismatch(const json::value& answer) const {
  const auto* object = answer.if_object();
  if (object == nullptr) return "it is no object";
  for (const auto& [key, value] : *object) {
    const SchemaField* field = find(key);
    if (field == nullptr) return std::string(key) + ": is not in the schema";
    std::string found = find_mismatch(field->type, value, std::string(key));
    if (!found.empty()) return found;
  }
  for (const SchemaField& field : fields_)
    if (!field.optional && object->if_contains(field.name) == nullptr) return field.name + ": is missing";
  return {};
}

json::object json_schema_of(std::string_view type) {
  if (takes_null(type))
    return {{"anyOf", json::array{json_schema_of(without_null(type)), json::object{{"type", "null"}}}}};
  if (is_list(type)) return {{"type", "array"}, {"items", json_schema_of(item_of(type))}};
  if (type == "any") return {};
  if (type == "text") return {{"type", "string"}};
  if (type == "bool") return {{"type", "boolean"}};
  if (type == "number") return {{"type", "integer"}, {"minimum", 0}};
  if (type == "integer") return {{"type", "integer"}};
  if (type == "flag") return {{"type", "string"}, {"enum", json::array{"1"}}};
  if (type == "object") return {{"type", "object"}};
  if (type == "time") return {{"type", json::array{"string", "null"}}, {"format", "date-time"}};
  if (is_shape(type)) return {{"$ref", "#/components/schemas/" + std::string(type)}};
  json::array words;
  for (const auto word : split(type, '/')) words.emplace_back(json::string(word));
  return {{"type", "string"}, {"enum", std::move(words)}};
}

json::object Schema::to_json_schema() const {
  json::object properties;
  json::array required;
  json::object out{{"type", "object"}};
  for (const SchemaField& field : fields_) {
    if (field.name == "*") {
      out["additionalProperties"] = json_schema_of(field.type);
      continue;
    }
    properties[field.name] = json_schema_of(field.type);
    if (!field.optional) required.emplace_back(field.name);
  }
  if (!properties.empty()) out["properties"] = std::move(properties);
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

} // namespace paquebot::control
