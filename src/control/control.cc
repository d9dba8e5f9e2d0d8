#include "control/control.h"

#include "base/log.h"
#include "base/text.h"
#include "control/routes.h"

#include <exception>

namespace paquebot::control {
namespace {

struct Kind {
  Errc code;
  unsigned status;
  std::string_view name;
};
constexpr Kind kKinds[] = {
    {Errc::invalid, 400, "invalid"},
    {Errc::not_found, 404, "not_found"},
    {Errc::conflict, 409, "conflict"},
    {Errc::no_space, 507, "no_space"},
    {Errc::io, 500, "io"},
    {Errc::timeout, 504, "timeout"},
    {Errc::closed, 503, "closed"},
    {Errc::refused, 403, "refused"},
    {Errc::permission, 403, "permission"},
    {Errc::temporary, 503, "temporary"},
    {Errc::unsupported, 501, "unsupported"},
};

Response problem(unsigned status, std::string_view name, std::string_view message) {
  json::object error{{"code", name}, {"message", message}};
  return {status, to_text(json::object{{"error", std::move(error)}})};
}

/// What the {} of `pattern` stand for, or nothing when the path is another one.
std::optional<std::vector<std::string>> match(std::string_view pattern, const std::vector<std::string>& segments) {
  const auto parts = split(pattern.substr(1), '/');
  if (parts.size() != segments.size()) return {};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == "{}") {
      names.push_back(segments[i]);
    } else if (parts[i] != segments[i]) {
      return {};
    }
  }
  return names;
}

struct Found {
  const Route* route = nullptr;
  std::vector<std::string> names;
  bool path_known = false;
};

Found find_route(std::string_view method, const Target& target) {
  Found found;
  for (const auto& route : routes()) {
    auto names = match(route.path, target.segments);
    if (!names) continue;
    found.path_known = true;
    if (route.method != method) continue;
    found.route = &route;
    found.names = std::move(*names);
    return found;
  }
  return found;
}

/// One log line for a change; the body is not in it, since it may hold a password.
void record(const Request& request, const Answer& answer) {
  std::string subject;
  for (const char* name : {"login", "name", "address", "path"}) {
    if (answer && subject.empty()) subject = get_text(*answer, name);
  }
  // Imports and steps of a backup come by the thousand.
  const bool bulk = request.target.starts_with("/v1/uploads") || request.target.starts_with("/v1/backups/") ||
                    request.target.find("/messages") != std::string::npos;
  log::write(bulk ? log::Level::debug : log::Level::info, "control",
             {{"who", request.who},
              {"method", request.method},
              {"target", request.target},
              {"subject", subject},
              {"outcome", answer ? std::string_view("done") : std::string_view(answer.error().message)}});
}

} // namespace

Response error_response(const Error& error) {
  for (const auto& kind : kKinds) {
    if (kind.code == error.code) return problem(kind.status, kind.name, error.message);
  }
  return problem(500, "io", error.message);
}

Error error_of(const Response& response) {
  const auto body = parse_json(response.body, "the answer");
  if (!body || !body->is_object() || !body->as_object().contains("error")) {
    return {Errc::io,
            "the server gave an answer that can't be read (HTTP status " + std::to_string(response.status) + ")"};
  }
  const auto& error = body->as_object().at("error");
  const std::string name = get_text(error, "code");
  for (const auto& kind : kKinds) {
    if (kind.name == name) return {kind.code, get_text(error, "message")};
  }
  return {Errc::io, get_text(error, "message")};
}

Control::Control(store::Store& store, directory::Directory& directory, Hooks hooks)
    : context_(new Context{store, directory, std::move(hooks), {}, UlidSource()}) {}
Control::~Control() = default;

Task<Response> Control::run(Request request) {
  auto target = parse_target(request.target);
  if (!target) co_return error_response(target.error());
  auto found = find_route(request.method, *target);
  if (found.route == nullptr) {
    if (found.path_known) co_return problem(405, "unsupported", "this path does not take that method (docs/api.md)");
    co_return problem(404, "not_found", "there is no such path (docs/api.md)");
  }
  Call call{std::move(found.names), std::move(target->query), std::move(request.body), request.who};
  const auto function = found.route->run;
  auto& context = *context_;
  const auto answer = co_await function(context, std::move(call));
  if (request.method != "GET") record(request, answer);
  if (!answer) co_return error_response(answer.error());
  co_return Response{200, to_text(*answer)};
}

Task<Response> Control::handle(Request request) {
  std::string what;
  try {
    co_return co_await run(std::move(request));
  } catch (const std::exception& e) {
    what = e.what();
  }
  log::error("control-failed", {{"what", what}});
  co_return problem(500, "io", "an internal error; the server's log has more");
}

} // namespace paquebot::control
