#include "base/text.h"
#include "control/handlers.h"

namespace paquebot::control {
namespace {

json::array present_findings(const std::vector<store::Finding>& findings) {
  json::array out;
  for (const auto& finding : findings)
    out.push_back(json::object{{"rule", finding.rule}, {"what", finding.what}, {"advice", finding.advice}});
  return out;
}

json::object present_step(const store::BackupStep& step) {
  return {{"done", step.done},
          {"total", step.total},
          {"finished", step.finished},
          {"findings", present_findings(step.findings)}};
}

} // namespace

Task<Answer> verify(Context& context, Call call) {
  store::VerifyPoint from{call.ask("from")};
  const auto step = co_await context.store.upkeep().verify_step(std::move(from));
  if (!step && step.error().code == Errc::invalid)
    co_return fail(Errc::invalid, "\"from\" must be what the last answer said under \"next\"");
  if (!step) co_return std::unexpected(step.error());
  json::object out{{"findings", present_findings(step->findings)}, {"done", step->done}, {"total", step->total}};
  if (step->next) out["next"] = step->next->place;
  co_return out;
}

Task<Answer> begin_backup(Context& context, Call call) {
  const auto object = parse_object(call.body, "the request");
  if (!object) co_return std::unexpected(object.error());
  if (auto known = only_fields(*object, {"path"}); !known) co_return std::unexpected(known.error());
  const auto path = text_field(*object, "path");
  if (!path) co_return std::unexpected(path.error());
  std::string file = path->value_or("");
  const auto begun = co_await context.store.upkeep().begin_backup(file);
  if (!begun) co_return std::unexpected(begun.error());
  json::object out = present_step(*begun);
  out["path"] = file;
  out["backup"] = std::to_string(begun->ticket);
  co_return out;
}

Task<Answer> go_on_with_backup(Context& context, Call call) {
  const auto object = parse_object(call.body, "the request");
  if (!object) co_return std::unexpected(object.error());
  if (auto known = only_fields(*object, {"backup"}); !known) co_return std::unexpected(known.error());
  const auto name = text_field(*object, "backup");
  if (!name) co_return std::unexpected(name.error());
  const auto ticket = parse_u64(name->value_or(""));
  if (!ticket) co_return fail(Errc::invalid, "\"backup\" has to be what POST /v1/backups gave under that name");
  const auto step = co_await context.store.upkeep().go_on_with_backup(*ticket);
  if (!step) co_return std::unexpected(step.error());
  co_return present_step(*step);
}

} // namespace paquebot::control
