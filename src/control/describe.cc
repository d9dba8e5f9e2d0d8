#include "control/describe.h"

#include "base/text.h"
#include "control/handlers.h"
#include "control/schema.h"
#include "control/web_session.h"

namespace paquebot::control {
namespace {

/// "domains" of "/v1/domains/{domain}/dns".
std::string tag_of_path(const Action& action) {
  const auto parts = split(action.path, '/');
  return parts.size() > 2 ? std::string(parts[2].substr(0, parts[2].find('.'))) : std::string();
}

std::string query_of(const Action& action) {
  std::string query(action.query);
  if (is_paged(action)) query += std::string(query.empty() ? "" : " ") + "limit?:number after?:text";
  return query;
}

json::object parameter(const std::string& name, std::string_view where, std::string_view type, bool required) {
  return {{"name", name}, {"in", where}, {"required", required}, {"schema", json_schema_of(type)}};
}

json::array parameters(const Action& action) {
  json::array all;
  for (const std::string& name : path_names(action)) all.push_back(parameter(name, "path", "text", true));
  const Schema query = Schema::parse(query_of(action));
  for (const SchemaField& field : query.fields())
    all.push_back(parameter(field.name, "query", field.type, !field.optional));
  if (action.method == "PATCH") all.push_back(parameter("If-Match", "header", "text", false));
  return all;
}

json::object content(std::string_view media, json::object schema) {
  return {{media, json::object{{"schema", std::move(schema)}}}};
}

json::object responses(const Action& action) {
  json::object done{{"description", "done"},
                    {"content", content("application/json", Schema::parse(action.answer).to_json_schema())}};
  if (!action.tagged.empty())
    done["headers"] = json::object{{"ETag", json::object{{"schema", json::object{{"type", "string"}}}}}};
  json::object problem{{"description", "why not"},
                       {"content", content("application/problem+json", json_schema_of("Problem"))}};
  return {{"200", std::move(done)}, {"default", std::move(problem)}};
}

/// Whether who got no answer may simply ask again.
bool is_idempotent(const Action& action) {
  return action.idempotent || action.method == "GET" || action.method == "DELETE";
}

json::object operation(const Action& action) {
  json::object out{{"operationId", action.id},
                   {"summary", action.summary},
                   {"tags", json::array{json::string(tag_of_path(action))}},
                   {"x-who", who_may(action)},
                   {"x-idempotent", is_idempotent(action)}};
  if (!action.scope.empty()) out["x-scope"] = action.scope;
  if (auto all = parameters(action); !all.empty()) out["parameters"] = std::move(all);
  const Schema request = Schema::parse(action.request);
  if (request.octets())
    out["requestBody"] =
        json::object{{"required", true},
                     {"content", content("application/octet-stream", {{"type", "string"}, {"format", "binary"}})}};
  else if (!request.empty())
    out["requestBody"] =
        json::object{{"required", true}, {"content", content("application/json", request.to_json_schema())}};
  out["responses"] = responses(action);
  if (action.least == Role::nobody) out["security"] = json::array();
  return out;
}

json::object components() {
  json::object schemas;
  for (const Shape& shape : shapes()) {
    json::object schema = Schema::parse(shape.schema).to_json_schema();
    schema["description"] = shape.text;
    schemas[shape.name] = std::move(schema);
  }
  json::object problem =
      Schema::parse("type:text title:text status:number detail:text code:text field?:text advice?:text")
          .to_json_schema();
  problem["description"] = "why something was not done (RFC 9457)";
  schemas["Problem"] = std::move(problem);
  return {{"schemas", std::move(schemas)},
          {"securitySchemes",
           json::object{{"token", json::object{{"type", "http"}, {"scheme", "bearer"}}},
                        {"password", json::object{{"type", "http"}, {"scheme", "basic"}}},
                        {"session", json::object{{"type", "apiKey"}, {"in", "cookie"}, {"name", kSessionCookie}}}}}};
}

std::string lower(std::string_view method) { return to_lower(method); }

/// A schema as a table's cell: "`login` `password`? …".
std::string cell_of(std::string_view notation) {
  if (notation.empty()) return {};
  std::string cell;
  for (const std::string_view part : split(notation, ' ')) {
    if (!cell.empty()) cell += ' ';
    if (part.starts_with('='))
      cell += "**" + std::string(part.substr(1)) + "**";
    else if (part == "octets")
      cell += "octets, no JSON";
    else
      cell += "`" + std::string(part) + "`";
  }
  // A bar would end the cell.
  std::string safe;
  for (const char c : cell) safe += c == '|' ? std::string("\\|") : std::string(1, c);
  return safe;
}

std::string row_of(const Action& action) {
  std::string row = "| " + std::string(action.method) + " " + std::string(action.path) + " | `" +
                    std::string(action.id) + "` | " + std::string(action.summary) + " | " + who_may(action) + " | " +
                    (action.scope.empty() ? "" : "`" + std::string(action.scope) + "`") + " | ";
  std::string takes = cell_of(query_of(action));
  if (!takes.empty()) takes = "?" + takes;
  if (const std::string body = cell_of(action.request); !body.empty()) takes += (takes.empty() ? "" : "; ") + body;
  return row + takes + " | " + cell_of(action.answer) + " |\n";
}

void add_fields(std::string& out, std::string_view title, const Schema& schema) {
  if (schema.empty()) return;
  out += std::string(title) + ":\n";
  if (schema.octets()) out += "  the body as it is, no JSON\n";
  for (const SchemaField& field : schema.fields())
    out += "  " + (field.name == "*" ? std::string("NAME") : field.name) + "  " + field.type +
           (field.optional ? ", may be missing" : "") + "\n";
}

} // namespace

std::string who_may(const Action& action) {
  std::string who(name_of(action.least));
  if (action.least == Role::account && action.object.whose != Whose::open) who += " (its own)";
  return who;
}

json::object openapi() {
  json::object paths;
  for (const Action& action : actions()) {
    json::value& path = paths[action.path];
    if (!path.is_object()) path = json::object();
    path.as_object()[lower(action.method)] = operation(action);
  }
  return {{"openapi", "3.1.0"},
          {"info", json::object{{"title", "Paquebot"},
                                {"version", "1"},
                                {"summary", "Everything that can be asked of this mail server"}}},
          {"servers", json::array{json::object{{"url", "/"}}}},
          {"security", json::array{json::object{{"token", json::array()}}, json::object{{"password", json::array()}},
                                   json::object{{"session", json::array()}}}},
          {"paths", std::move(paths)},
          {"components", components()}};
}

std::string reference() {
  std::string out = "## Actions\n\n| method and path | id | what it does | who may | scope | takes | answers |\n"
                    "|---|---|---|---|---|---|---|\n";
  for (const Action& action : actions()) out += row_of(action);
  out += "\n## Shapes\n\n| shape | what it is | fields |\n|---|---|---|\n";
  for (const Shape& shape : shapes())
    out +=
        "| **" + std::string(shape.name) + "** | " + std::string(shape.text) + " | " + cell_of(shape.schema) + " |\n";
  out += "\n## Scopes\n\n| scope | what a token with it may do |\n|---|---|\n";
  for (const Scope& scope : scopes())
    out += "| `" + std::string(scope.name) + "` | " + std::string(scope.text) + " |\n";
  return out;
}

std::string help_of(const Action& action) {
  std::string out = std::string(action.id) + ": " + std::string(action.summary) + ".\n\n" + std::string(action.method) +
                    " " + std::string(action.path) + "\nWho may: " + who_may(action) + "\n";
  if (!action.scope.empty()) out += "Scope of a token: " + std::string(action.scope) + "\n";
  out += is_idempotent(action) ? "Doing it once more changes nothing.\n\n" : "\n";
  std::string names;
  for (const std::string& name : path_names(action)) names += (names.empty() ? "" : " ") + name + ":text";
  add_fields(out, "Names", Schema::parse(names));
  add_fields(out, "Query", Schema::parse(query_of(action)));
  add_fields(out, "Request", Schema::parse(action.request));
  add_fields(out, "Answer", Schema::parse(action.answer));
  return out;
}

Task<Answer> describe_api(Context&, Call) { co_return openapi(); }

} // namespace paquebot::control
