// Hooks that are paused, or fail.

#include "base/text.h"
#include "doctor/checks.h"
#include "doctor/house.h"

#include <fmt/format.h>

namespace paquebot::doctor {

std::vector<Finding> judge_hooks(const std::vector<store::Hook>& hooks) {
  std::vector<Finding> findings;
  for (const store::Hook& hook : hooks) {
    const bool paused = hook.state == store::Hook::State::paused;
    if (!paused && hook.failures == 0) continue;
    Finding one;
    one.level = Level::warning;
    one.about = std::to_string(hook.id);
    const std::string where = printable(hook.url, 200), why = printable(hook.last_error, 300);
    if (paused) {
      one.seen = fmt::format("The hook {} to {} is paused{}.", hook.id, where, why.empty() ? "" : ": " + why);
      one.means = "It is told nothing of what happens; what is older than three days it will never be told.";
      one.advice = fmt::format("paquebot hook test {0}, then paquebot hook resume {0}", hook.id);
    } else {
      one.level = Level::note;
      one.seen = fmt::format("The hook {} to {} has not taken what it was told {} times in a row: {}.", hook.id, where,
                             hook.failures, why);
      one.advice = fmt::format("paquebot hook show {}", hook.id);
    }
    findings.push_back(std::move(one));
  }
  if (findings.empty())
    findings.push_back({.level = Level::good, .seen = hooks.empty() ? "There are no hooks." : "No hook fails."});
  return findings;
}

Task<std::vector<Finding>> check_hooks(Patient& patient) {
  std::vector<Finding> findings;
  if (patient.world.store == nullptr) co_return findings;
  store::Feed& feed = patient.world.store->feed();
  const auto hooks = co_await feed.list_hooks(std::nullopt);
  if (hooks)
    findings = judge_hooks(*hooks);
  else
    findings.push_back(
        {.level = Level::wrong, .seen = "Hooks can't be read: " + printable(hooks.error().message, 300)});
  co_return findings;
}

} // namespace paquebot::doctor
