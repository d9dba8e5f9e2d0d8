#include "control/typescript.h"

#include "base/text.h"
#include "control/action.h"
#include "control/describe.h"
#include "control/schema.h"

namespace paquebot::control {
namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string script_type(std::string_view type) {
  if (type.ends_with("|null")) return script_type(type.substr(0, type.size() - 5)) + " | null";
  if (type.starts_with('[')) {
    const std::string item = script_type(type.substr(1, type.size() - 2));
    return item.find(' ') == item.npos ? item + "[]" : "(" + item + ")[]";
  }
  if (type == "any") return "unknown";
  if (type == "text") return "string";
  if (type == "bool") return "boolean";
  if (type == "number" || type == "integer") return "number";
  if (type == "time") return "string | null";
  if (type == "flag") return "\"1\"";
  if (type == "object") return "{ [name: string]: unknown }";
  if (type.front() >= 'A' && type.front() <= 'Z') return std::string(type);
  std::string words;
  for (const auto word : split(type, '/')) words += (words.empty() ? "" : " | ") + quoted(word);
  return words;
}

/// The members, with a type for further names if there may be any. `given`: what is sent rather than read: a time that
/// is not null.
std::string members_of(const Schema& schema, bool given) {
  std::string members, others;
  for (const SchemaField& field : schema.fields()) {
    std::string type = given && field.type == "time" ? "string" : script_type(field.type);
    if (field.name == "*")
      others = std::move(type);
    else
      members += " " + field.name + (field.optional ? "?: " : ": ") + type + ";";
  }
  if (others.empty()) return "{" + members + " }";
  if (members.empty()) return "{ [name: string]: " + others + " }";
  return "{" + members + " } & { [name: string]: " + others + " }";
}

std::string value_of(const Action& action, std::string_view notation, bool given) {
  const Schema schema = Schema::parse(notation);
  if (schema.octets()) return "Blob | string";
  if (schema.empty()) return action.answer == notation ? "{}" : "undefined";
  return members_of(schema, given);
}

/// "=Account addresses:[text]" as "Account & { addresses: string[]; }".
std::string answer_type(const Action& action) {
  std::string shapes, own;
  for (const std::string_view part : split(action.answer, ' ')) {
    if (part.empty()) continue;
    if (part.starts_with('='))
      shapes += (shapes.empty() ? "" : " & ") + std::string(part.substr(1));
    else
      own += (own.empty() ? "" : " ") + std::string(part);
  }
  if (shapes.empty()) return value_of(action, action.answer, false);
  return own.empty() ? shapes : shapes + " & " + members_of(Schema::parse(own), false);
}

/// A query is text as a whole; numbers are written as such.
std::string query_type(const Action& action) {
  const std::string all = whole_query(action);
  return all.empty() ? "undefined" : members_of(Schema::parse(all), true);
}

std::string names_type(const Action& action) {
  std::string members;
  for (const std::string& name : path_names(action)) members += " " + name + ": string;";
  return members.empty() ? "undefined" : "{" + members + " }";
}

} // namespace

std::string typescript() {
  std::string out = "// What the API takes and answers: made by `paquebot api --types`, do not edit.\n\n"
                    "/** why something was not done (RFC 9457) */\nexport interface Problem { type: string; title: "
                    "string; status: number; detail: string; code: string; field?: string; advice?: string; }\n";
  for (const Shape& shape : shapes())
    out += "/** " + std::string(shape.text) + " */\nexport interface " + std::string(shape.name) + " " +
           members_of(Schema::parse(shape.schema), false) + "\n";
  out += "\n/** By the action's id: the names in its path, its query, its request and its answer. */\n"
         "export interface Actions {\n";
  for (const Action& action : actions())
    out += "  /** " + std::string(action.summary) + " */\n  " + quoted(action.id) + ": { names: " + names_type(action) +
           "; query: " + query_type(action) + "; request: " + value_of(action, action.request, true) +
           "; answer: " + answer_type(action) + " };\n";
  out +=
      "}\n\n/** Method, path and scope. */\nexport const actions: { readonly [Id in keyof Actions]: readonly [method: "
      "string, path: string, scope: string] } = {\n";
  for (const Action& action : actions())
    out += "  " + quoted(action.id) + ": [" + quoted(action.method) + ", " + quoted(action.path) + ", " +
           quoted(action.scope) + "],\n";
  return out + "};\n";
}

} // namespace paquebot::control
