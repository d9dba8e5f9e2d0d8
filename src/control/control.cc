#include "control/control.h"

#include "base/log.h"
#include "base/text.h"
#include "control/routes.h"
#include "queue/queue.h"

#include <algorithm>
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
    {Errc::epoch_ended, 503, "epoch_ended"},
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

/// `invalid` when the query has a name that the route does not understand: nothing must hide there, and no wish be
/// passed over.
Result<> check_query(const Route& route, const Target& target) {
  for (const auto& [name, value] : target.query) {
    const auto known = split(route.query, ' ');
    if (name.empty() || std::ranges::find(known, name) == known.end())
      return fail(Errc::invalid,
                  "the query has \"" + printable(name, 64) + "\", which this path does not know (docs/api.md)");
  }
  return {};
}

/// What the order is about: a name in its path, else the field of its body or its answer that names something.
std::string subject_of(const std::vector<std::string>& names, const std::string& body, const Answer& answer) {
  std::string all;
  const auto add = [&](const std::string& text) {
    if (!text.empty()) all += (all.empty() ? "" : " ") + text;
  };
  for (const std::string& name : names) add(name);
  const auto object = parse_object(body, "the request");
  if (object)
    for (const char* name : {"login", "name", "address", "what", "destination", "id", "path", "label"})
      if (const auto* field = object->if_contains(name); field != nullptr && field->is_string())
        add(std::string(field->as_string()));
  if (object && get_bool(json::value(*object), "all")) add("all");
  if (!all.empty() || !answer) return all;
  for (const char* name : {"login", "name", "address", "path", "removed"})
    if (all.empty()) all = get_text(*answer, name);
  return all;
}

/// One log line for a change; the body as a whole is not in it, since it may hold a password.
void write_down(const Hooks& hooks, const Order& order, Audit audit) {
  if (hooks.record && audit == Audit::yes) return hooks.record(order);
  log::write(audit == Audit::bulk ? log::Level::debug : log::Level::info, "control",
             {{"who", order.who},
              {"method", order.method},
              {"target", order.target},
              {"subject", order.subject},
              {"outcome", order.outcome}});
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
    : context_(new Context{store, directory, std::move(hooks), {}, UlidSource()}) {
  if (context_->hooks.accept) return;
  const auto own = std::make_shared<queue::Queue>(store, system_clock(), queue::Options());
  context_->hooks.accept = [own](queue::Draft draft) { return own->accept(std::move(draft)); };
}
Control::~Control() = default;

Task<Response> Control::run(Request request) {
  const auto target = parse_target(request.target);
  if (!target) co_return error_response(target.error());
  auto found = find_route(request.method, *target);
  if (found.route == nullptr) {
    if (found.path_known) co_return problem(405, "unsupported", "this path does not take that method (docs/api.md)");
    co_return problem(404, "not_found", "there is no such path (docs/api.md)");
  }
  const Route& route = *found.route;
  const bool recorded = request.method != "GET";
  const bool bulk = route.audit == Audit::bulk; // the body is a piece of mail then
  const std::string body = recorded && !bulk ? request.body : std::string();
  const std::vector<std::string> names = found.names;
  Answer answer;
  if (const auto known = check_query(route, *target); !known) {
    answer = std::unexpected(known.error());
  } else {
    Call call{std::move(found.names), target->query, std::move(request.body), request.who};
    auto& context = *context_;
    Task<Answer> running = route.run(context, std::move(call));
    answer = co_await std::move(running);
  }
  if (recorded) {
    const Order order{request.who, request.method, request.target, subject_of(names, body, answer),
                      answer ? std::string("done") : answer.error().message};
    write_down(context_->hooks, order, route.audit);
  }
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
