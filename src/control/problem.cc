#include "control/problem.h"

#include "control/control.h"

#include <algorithm>
#include <array>

namespace paquebot::control {
namespace {

struct Kind {
  Errc code;
  unsigned status;
  std::string_view name;
};
constexpr auto kKinds = std::to_array<Kind>({
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
});

const Kind& kind_of(Errc code) {
  const auto found = std::ranges::find(kKinds, code, &Kind::code);
  return found == kKinds.end() ? kKinds[4] : *found;
}

} // namespace

Response problem_response(const Problem& problem) {
  const Kind& kind = kind_of(problem.code);
  const unsigned status = problem.status != 0 ? problem.status : kind.status;
  json::object body{{"type", "about:blank"},
                    {"title", http::reason_of(status)},
                    {"status", status},
                    {"detail", problem.message},
                    {"code", problem.word.empty() ? kind.name : std::string_view(problem.word)}};
  if (!problem.field.empty()) body["field"] = problem.field;
  if (!problem.advice.empty()) body["advice"] = problem.advice;
  Response response{status, to_text(body), {{"Content-Type", "application/problem+json"}}};
  if (problem.retry != 0) response.fields.push_back({"Retry-After", std::to_string(problem.retry)});
  if (status == 401) response.fields.push_back({"WWW-Authenticate", "Bearer, Basic realm=\"Paquebot\""});
  return response;
}

Response error_response(const Error& error) { return problem_response(Problem(error)); }

Error error_of(const Response& response) {
  const auto body = parse_json(response.body, "the answer");
  const std::string word = body ? get_text(*body, "code") : std::string();
  if (word.empty()) {
    return {Errc::io,
            "the server gave an answer that can't be read (HTTP status " + std::to_string(response.status) + ")"};
  }
  std::string text = get_text(*body, "detail");
  if (const std::string advice = get_text(*body, "advice"); !advice.empty()) text += ": " + advice;
  auto kind = std::ranges::find(kKinds, word, &Kind::name);
  if (kind == kKinds.end()) kind = std::ranges::find(kKinds, response.status, &Kind::status);
  if (kind != kKinds.end()) return {kind->code, std::move(text)};
  return {response.status < 500 ? Errc::refused : Errc::io, std::move(text)};
}

} // namespace paquebot::control
