#pragma once

#include "control/problem.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What requests and answers of actions hold, in a short notation that checks, OpenAPI and the documents are made from.
///
/// A schema is a list of fields with blanks between, `name:type`, or `name?:type` for one that may be missing. Types:
///
///   text number bool      as in JSON; numbers are whole, from 0
///   integer               a whole number that may be below 0
///   time                  "2026-11-30T09:41:07.000Z" (RFC 3339, UTC); in an answer null for never or none
///   flag                  1, in a query
///   any object            any JSON, any object
///   octets                no JSON at all, but a body as it is (alone, without a name)
///   Name                  a shape of shapes()
///   [type]                a list
///   type|null             also null
///   a/b/c                 one of these words
///
/// `=Name` takes over the fields of a shape, and `*:type` allows any further names.
namespace paquebot::control {

struct SchemaField {
  std::string name; ///< "*": any other
  std::string type;
  bool optional = false;
};

class Schema {
public:
  /// `text` is ours, in the notation above; wrong notation is a bug and ends the process (std::logic_error).
  static Schema parse(std::string_view text);

  bool empty() const { return fields_.empty() && !octets_; }
  bool octets() const { return octets_; }
  const std::vector<SchemaField>& fields() const { return fields_; }
  const SchemaField* find(std::string_view name) const;

  /// A request's object: unknown, missing and mistyped fields are `invalid`, with the field.
  Found<> check(const json::object& object) const;
  /// A query: the same for texts.
  Found<> check(const std::map<std::string, std::string>& query) const;
  /// What of an answer is not as said, as "accounts.0.login: …"; empty: all is. For tests.
  std::string mismatch(const json::value& answer) const;
  /// As JSON Schema (draft 2020-12, which OpenAPI 3.1 uses); shapes are references to "#/components/schemas/".
  json::object to_json_schema() const;

private:
  std::vector<SchemaField> fields_;
  bool octets_ = false;
};

/// Things that several answers have in them.
struct Shape {
  std::string_view name; ///< "Account"
  std::string_view text; ///< what it is, in a few words
  std::string_view schema;
};
const std::vector<Shape>& shapes();

/// The JSON Schema of a type of the notation.
json::object json_schema_of(std::string_view type);

} // namespace paquebot::control
