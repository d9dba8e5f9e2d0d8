#include "control/dispatch.h"

#include "base/text.h"
#include "control/schema.h"
#include "http/credentials.h"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace paquebot::control {
namespace {

/// One path that is being changed; a second change waits for its turn at the client.
class Changing {
public:
  Changing(Context& context, std::string path) : context_(context), path_(std::move(path)) {
    const std::lock_guard lock(context_.desk.mutex);
    begun_ = context_.desk.changing.insert(path_).second;
  }
  ~Changing() {
    if (!begun_) return;
    const std::lock_guard lock(context_.desk.mutex);
    context_.desk.changing.erase(path_);
  }
  Changing(const Changing&) = delete;
  Changing& operator=(const Changing&) = delete;
  bool begun() const { return begun_; }

private:
  Context& context_;
  std::string path_;
  bool begun_ = false;
};

std::string path_of(const Target& target) {
  std::string path;
  for (const std::string& segment : target.segments) path += "/" + to_lower(segment);
  return path;
}

Problem changed_meanwhile() {
  Problem problem(Errc::conflict, "it is not what the ETag was made of any more", "read it again, and change that");
  problem.status = 412;
  problem.word = "changed";
  return problem;
}

Problem being_changed() {
  Problem problem(Errc::conflict, "somebody else is changing it at this moment", "try again");
  problem.retry = 1;
  return problem;
}

Problem not_logged_in() {
  Problem problem(Errc::permission, "this takes a login",
                  "show a token (Authorization: Bearer), a name and password, or log in at /console/");
  problem.status = 401;
  problem.word = "login_required";
  return problem;
}

bool quotes(const std::string& detail, const json::value& value) {
  const auto quoted = [&](const json::value& one) {
    return one.is_string() && !one.as_string().empty() &&
           detail.contains("\"" + printable(std::string_view(one.as_string()), 256) + "\"");
  };
  return value.is_array() ? std::ranges::any_of(value.as_array(), quoted) : quoted(value);
}

/// A problem that quotes what one member of the request says, and no other one says too, is that member's.
void name_quoted_field(Problem& problem, const json::object& request) {
  if (problem.code != Errc::invalid || !problem.field.empty()) return;
  std::string_view found;
  for (const auto& [name, value] : request) {
    if (!quotes(problem.message, value)) continue;
    if (!found.empty()) return;
    found = name;
  }
  problem.field = found;
}

} // namespace

Dispatch::Dispatch(Context& context, Request request, Asker asker)
    : context_(context), request_(std::move(request)), asker_(std::move(asker)) {}

Task<Response> Dispatch::run() {
  if (const auto found = find_row(); !found) {
    Response response = problem_response(found.error());
    if (!match_.methods.empty()) response.fields.push_back({"Allow", match_.methods});
    co_return response;
  }
  Answer answer = co_await attempt();
  if (!answer) name_quoted_field(answer.error(), body_);
  co_await write_down(answer);
  if (!answer) co_return problem_response(answer.error());
  Response response{200, to_text(*answer), {{"Content-Type", "application/json"}}};
  std::ranges::move(*fields_, std::back_inserter(response.fields));
  if (const std::string tag = tag_of(*match_.action, *answer); !tag.empty()) response.fields.push_back({"ETag", tag});
  co_return response;
}

Found<> Dispatch::find_row() {
  auto target = parse_target(request_.target);
  if (!target) return std::unexpected(Problem(target.error()));
  target_ = std::move(*target);
  match_ = match_action(request_.method, target_.segments);
  if (match_.action != nullptr) return {};
  if (match_.methods.empty()) return refuse(Errc::not_found, "there is no such path", "docs/api.md lists them all");
  Problem problem(Errc::unsupported, "this path does not take that method", "it takes " + match_.methods);
  problem.status = 405;
  return std::unexpected(problem);
}

Task<Response> Dispatch::check() {
  if (const auto found = find_row(); !found) co_return problem_response(found.error());
  if (const auto may = co_await admit(); !may) co_return problem_response(may.error());
  co_return Response{200, {}, {}};
}

Found<> Dispatch::check_role() const {
  const Action& action = *match_.action;
  if (asker_.grants.role == Role::nobody && action.least > Role::nobody) return std::unexpected(not_logged_in());
  if (!asker_.has_scope(action.scope)) {
    Problem problem(Errc::permission, "the token may not do this: it lacks the scope " + std::string(action.scope));
    problem.word = "scope";
    return std::unexpected(problem);
  }
  if (asker_.grants.role < action.least)
    return refuse(Errc::permission, "this is for whoever is " + std::string(name_of(action.least)) + " or more",
                  asker_.token != 0 ? "a token that is limited to domains reaches only what is theirs" : "");
  return check_token_use();
}

/// What a token can't do whatever its scopes.
Found<> Dispatch::check_token_use() const {
  const Action& action = *match_.action;
  if (asker_.token == 0) return {};
  if (action.method != "DELETE" && (action.gives == Gives::right || action.gives == Gives::token))
    return refuse(Errc::permission, "a token can't give rights, tokens or hooks", "log in with a password");
  if (action.gives == Gives::entrance)
    return refuse(Errc::permission, "a token can't change how somebody logs in", "log in with a password");
  return {};
}

Found<> Dispatch::check_form() {
  const Action& action = *match_.action;
  Schema query = Schema::parse(action.query);
  if (is_paged(action)) query = Schema::parse(std::string(action.query) + " limit?:number after?:text");
  if (auto good = query.check(target_.query); !good) return good;
  const Schema schema = Schema::parse(action.request);
  if (schema.octets() || (!action.other.empty() && request_.content_type == action.other)) return {};
  auto body = parse_object(request_.body, "the request");
  if (!body) return std::unexpected(body.error());
  if (const auto once = names_once(request_.body, "the request"); !once) return std::unexpected(once.error());
  body_ = std::move(*body);
  return schema.check(body_);
}

std::optional<std::string> Dispatch::named(std::string_view name) const {
  if (name.empty()) return {};
  const auto names = path_names(*match_.action);
  if (const auto at = std::ranges::find(names, name); at != names.end())
    return match_.names[static_cast<std::size_t>(at - names.begin())];
  if (const auto at = target_.query.find(std::string(name)); at != target_.query.end()) return at->second;
  const auto* member = body_.if_contains(name);
  if (member != nullptr && member->is_string()) return std::string(member->as_string());
  return {};
}

Call Dispatch::call() const {
  Call call;
  call.names = match_.names;
  call.query = target_.query;
  call.body = request_.body;
  call.who = asker_.name;
  call.content_type = request_.content_type;
  call.idempotency_key = request_.idempotency_key;
  call.asker = asker_;
  call.fields = fields_;
  return call;
}

/// What is to be changed is what the client has seen.
Task<Found<>> Dispatch::check_tag() {
  const Action* show = match_action("GET", target_.segments).action;
  if (show == nullptr || show->tagged.empty()) co_return refuse(Errc::invalid, "what this changes has no ETag");
  Call reading = call();
  reading.query.clear();
  reading.body.clear();
  Context& context = context_;
  Task<Answer> running = show->run(context, std::move(reading));
  const Answer now = co_await std::move(running);
  if (!now) co_return std::unexpected(now.error());
  if (!http::matches_tag(request_.if_match, tag_of(*show, *now), http::TagMatch::strong))
    co_return std::unexpected(changed_meanwhile());
  co_return Found<>();
}

Task<Answer> Dispatch::perform() {
  const Action& action = *match_.action;
  if (is_kept()) entry_.emplace(context_, asker_, order(nullptr));
  Context& context = entry_ ? entry_->context() : context_;
  Call asked = call();
  Task<Answer> running = action.run(context, std::move(asked));
  Answer answer = co_await std::move(running);
  if (!answer) co_return answer;
  keep_to(asker_.grants, action, *answer);
  const Call again = call();
  if (const auto cut = cut_page(action, again, *answer); !cut) co_return std::unexpected(cut.error());
  co_return answer;
}

Task<Found<>> Dispatch::admit() {
  if (const auto may = check_role(); !may) co_return std::unexpected(may.error());
  if (const auto good = check_form(); !good) co_return std::unexpected(good.error());
  auto reached = co_await check_object();
  co_return reached;
}

Task<Answer> Dispatch::attempt() {
  if (const auto may = co_await admit(); !may) co_return std::unexpected(may.error());
  const bool conditional = request_.method != "GET" && !request_.if_match.empty();
  if (request_.method != "PATCH" && !conditional) {
    Answer answer = co_await perform();
    co_return answer;
  }
  const Changing changing(context_, path_of(target_));
  if (!changing.begun()) co_return std::unexpected(request_.if_match.empty() ? being_changed() : changed_meanwhile());
  if (!request_.if_match.empty())
    if (const auto same = co_await check_tag(); !same) co_return std::unexpected(same.error());
  Answer answer = co_await perform();
  co_return answer;
}

/// What the order is about: what stands under the names that the action says, in the request or else in the answer.
std::string Dispatch::subject(const Answer* answer) const {
  std::string all;
  for (const std::string_view name : split(match_.action->subject, ' ')) {
    std::string one = named(name).value_or("");
    if (one.empty() && get_bool(json::value(body_), name)) one = name;
    if (one.empty() && answer != nullptr && *answer) one = get_text(**answer, name);
    if (!one.empty()) all += (all.empty() ? "" : " ") + one;
  }
  return all;
}

/// What nobody has tried to become somebody is for its function to write down.
bool Dispatch::is_kept() const {
  return request_.method != "GET" && asker_.grants.role != Role::nobody && match_.action->audit == Audit::yes;
}

/// As it is written down; the body as a whole is not in it, since it may hold a password. Without an answer: before it
/// is carried out.
Order Dispatch::order(const Answer* answer) const {
  const bool whole = answer == nullptr ? !match_.action->steps : answer->has_value();
  return {.who = asker_.name,
          .action = std::string(match_.action->id),
          .from = asker_.from,
          .method = request_.method,
          .target = request_.target,
          .subject = subject(answer),
          .outcome = whole               ? "done"
                     : answer == nullptr ? "begun"
                                         : answer->error().message};
}

Task<void> Dispatch::write_down(const Answer& answer) {
  if (request_.method == "GET" || asker_.grants.role == Role::nobody) co_return;
  Order done = order(&answer);
  if (entry_) {
    assert((match_.action->steps || entry_->changes() <= 1) && "its entry says that it is done before it is");
    co_await entry_->end(std::move(done));
    co_return;
  }
  const Audit audit = match_.action->audit;
  Asker asker = asker_;
  Context& context = context_;
  co_await note_order(context, std::move(asker), std::move(done), audit);
}

} // namespace paquebot::control
