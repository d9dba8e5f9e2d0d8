#include "control/describe.h"

#include "base/text.h"
#include "control/handlers.h"
#include "control/schema.h"
#include "control/web_session.h"

#include <algorithm>
#include <set>

namespace paquebot::control {
namespace {

/// "domains" of "/v1/domains/{domain}/dns".
std::string tag_of_path(const Action& action) {
  const auto parts = split(action.path, '/');
  return parts.size() > 2 ? std::string(parts[2].substr(0, parts[2].find('.'))) : std::string();
}

json::object parameter(const std::string& name, std::string_view where, std::string_view type, bool required) {
  return {{"name", name}, {"in", where}, {"required", required}, {"schema", json_schema_of(type)}};
}

/// Whether its If-Match is looked at: what it changes can be seen at the same path, with an ETag.
bool takes_tag(const Action& action) {
  return action.method != "GET" && std::ranges::any_of(actions(), [&](const Action& one) {
           return one.method == "GET" && one.path == action.path && !one.tagged.empty();
         });
}

json::array parameters(const Action& action) {
  json::array all;
  for (const std::string& name : path_names(action)) all.push_back(parameter(name, "path", "text", true));
  const Schema query = Schema::parse(whole_query(action));
  for (const SchemaField& field : query.fields())
    all.push_back(parameter(field.name, "query", field.type, !field.optional));
  if (takes_tag(action)) all.push_back(parameter("If-Match", "header", "text", false));
  if (action.id == "message.send") all.push_back(parameter("Idempotency-Key", "header", "text", false));
  if (action.id == "event.list") all.push_back(parameter("Last-Event-ID", "header", "text", false));
  return all;
}

json::object content(std::string_view media, json::object schema) {
  return {{media, json::object{{"schema", std::move(schema)}}}};
}

json::object reference_to(std::string_view kind, std::string_view name) {
  return {{"$ref", "#/components/" + std::string(kind) + "/" + std::string(name)}};
}

/// An answer that is a shape and nothing more is told as that.
json::object answer_schema(const Action& action) {
  const bool shape = action.answer.starts_with('=') && action.answer.find(' ') == action.answer.npos;
  return shape ? json_schema_of(action.answer.substr(1)) : Schema::parse(action.answer).to_json_schema();
}

/// Which problems may come, by status.
json::object responses(const Action& action) {
  json::object done{{"description", "done"}, {"content", content("application/json", answer_schema(action))}};
  if (!action.tagged.empty()) done["headers"] = json::object{{"ETag", reference_to("headers", "ETag")}};
  json::object all{{"200", std::move(done)}};
  const auto problem = [&all](const char* status, std::string_view name) {
    all[status] = reference_to("responses", name);
  };
  problem("400", "Invalid");
  problem("401", "LoginRequired");
  problem("403", "Permission");
  if (!path_names(action).empty() || !action.object.by.empty()) problem("404", "NotFound");
  if (action.method != "GET") problem("409", "Conflict");
  if (takes_tag(action)) problem("412", "Changed");
  if (!action.request.empty()) problem("413", "TooLarge");
  problem("429", "SlowDown");
  problem("503", "NotNow");
  problem("default", "Problem");
  return all;
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
  if (!action.other.empty())
    out["requestBody"].as_object()["content"].as_object()[action.other] =
        json::object{{"schema", json::object{{"type", "string"}, {"format", "binary"}}}};
  out["responses"] = responses(action);
  if (action.least == Role::nobody) out["security"] = json::array();
  return out;
}

json::object problem_response_of(std::string_view description, json::object headers = {}) {
  json::object out{{"description", description},
                   {"content", content("application/problem+json", json_schema_of("Problem"))}};
  if (!headers.empty()) out["headers"] = std::move(headers);
  return out;
}

json::object problem_responses() {
  return {
      {"Invalid", problem_response_of("the request is wrong; `field` names what of it")},
      {"LoginRequired", problem_response_of("nobody has logged in, or the login is wrong",
                                            {{"WWW-Authenticate", reference_to("headers", "WWW-Authenticate")}})},
      {"Permission", problem_response_of("this is not for who asks, or the token lacks the scope")},
      {"NotFound", problem_response_of("there is no such thing within the reach of who asks")},
      {"Conflict", problem_response_of("it is there already, is in use, or somebody else is changing it")},
      {"Changed", problem_response_of("If-Match does not hold: somebody has changed it")},
      {"TooLarge", problem_response_of("the request is too large")},
      {"SlowDown", problem_response_of("too many tries", {{"Retry-After", reference_to("headers", "Retry-After")}})},
      {"NotNow", problem_response_of("try again later, or the server does not run")},
      {"Problem", problem_response_of("why not")}};
}

json::object header_of(std::string_view description, std::string_view type) {
  return {{"description", description}, {"schema", json_schema_of(type)}};
}

json::object problem_schema() {
  json::object problem =
      Schema::parse("type:text title:text status:number detail:text code:text field?:text advice?:text")
          .to_json_schema();
  problem["description"] = "why something was not done (RFC 9457)";
  return problem;
}

json::object components() {
  json::object schemas;
  for (const Shape& shape : shapes()) {
    json::object schema = Schema::parse(shape.schema).to_json_schema();
    schema["description"] = shape.text;
    schemas[shape.name] = std::move(schema);
  }
  schemas["Problem"] = problem_schema();
  return {{"schemas", std::move(schemas)},
          {"responses", problem_responses()},
          {"headers", json::object{{"ETag", header_of("of what can be changed, for If-Match", "text")},
                                   {"Retry-After", header_of("seconds", "number")},
                                   {"WWW-Authenticate", header_of("how to log in", "text")}}},
          {"securitySchemes",
           json::object{{"token", json::object{{"type", "http"},
                                               {"scheme", "bearer"},
                                               {"description", "a token: `pq_` and 32 letters (POST /v1/tokens)"}}},
                        {"password", json::object{{"type", "http"},
                                                  {"scheme", "basic"},
                                                  {"description", "an account's login and its password"}}},
                        {"session", json::object{{"type", "apiKey"},
                                                 {"in", "cookie"},
                                                 {"name", kSessionCookie},
                                                 {"description", "of the console: who has logged in there"}}}}}};
}

/// What the groups of paths are about.
json::array tags() {
  std::set<std::string> names;
  for (const Action& action : actions()) names.insert(tag_of_path(action));
  json::array all;
  for (const std::string& name : names)
    all.push_back(json::object{{"name", name}, {"description", "everything below /v1/" + name}});
  return all;
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
  std::string takes = cell_of(whole_query(action));
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

std::string whole_query(const Action& action) {
  std::string query(action.query);
  if (is_paged(action)) query += std::string(query.empty() ? "" : " ") + "limit?:number after?:text";
  return query;
}

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
                                {"summary", "Everything that can be asked of this mail server"},
                                {"license", json::object{{"name", "MIT"}, {"identifier", "MIT"}}}}},
          {"servers", json::array{json::object{{"url", "/"}}}},
          {"security", json::array{json::object{{"token", json::array()}}, json::object{{"password", json::array()}},
                                   json::object{{"session", json::array()}}}},
          {"tags", tags()},
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
  add_fields(out, "Query", Schema::parse(whole_query(action)));
  add_fields(out, "Request", Schema::parse(action.request));
  add_fields(out, "Answer", Schema::parse(action.answer));
  return out;
}

Task<Answer> describe_api(Context&, Call) { co_return openapi(); }

} // namespace paquebot::control
