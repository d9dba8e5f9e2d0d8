#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/handlers.h"
#include "doctor/house.h"

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

/// For the doctor, who asks when that was last done. A store that can't be written has worse to tell; without a server
/// nothing of it is changed.
Task<void> keep_mark(Context& context, std::string_view what, std::string value) {
  if (!context.hooks.status) co_return;
  std::string key(what);
  const auto kept = co_await context.store.upkeep().set_setting(std::move(key), std::move(value));
  if (!kept) log::warning("doctor-not-kept", {{"why", kept.error().message}});
}

/// What verify has found in its steps so far, this one with it.
Task<std::uint64_t> count_found(Context& context, std::size_t more, bool first) {
  std::string key(doctor::kVerifyFound);
  const auto kept = co_await context.store.upkeep().get_setting(std::move(key));
  const std::uint64_t before = kept ? parse_u64(*kept).value_or(0) : 0;
  const std::uint64_t found = (first ? 0 : before) + more;
  if (found == before) co_return found;
  const std::string_view what = doctor::kVerifyFound;
  std::string value = found == 0 ? std::string() : std::to_string(found);
  co_await keep_mark(context, what, std::move(value));
  co_return found;
}

} // namespace

Task<Answer> verify(Context& context, Call call) {
  store::VerifyPoint from{call.ask("from")};
  const auto step = co_await context.store.upkeep().verify_step(std::move(from));
  if (!step && step.error().code == Errc::invalid)
    co_return fail(Errc::invalid, "\"from\" must be what the last answer said under \"next\"");
  if (!step) co_return std::unexpected(step.error());
  json::object out{{"findings", present_findings(step->findings)}, {"done", step->done}, {"total", step->total}};
  const std::size_t more = step->findings.size();
  const bool first = call.ask("from").empty();
  const std::uint64_t found = co_await count_found(context, more, first);
  if (step->next) {
    out["next"] = step->next->place;
    co_return out;
  }
  std::string now = std::to_string(millis(system_clock().wall()));
  if (found > 0) now += " " + std::to_string(found);
  const std::string_view last = doctor::kVerifySetting;
  co_await keep_mark(context, last, std::move(now));
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
  if (step->finished) {
    std::string now = std::to_string(millis(system_clock().wall()));
    const std::string_view last = doctor::kBackupSetting;
    co_await keep_mark(context, last, std::move(now));
  }
  co_return present_step(*step);
}

} // namespace paquebot::control
