// The whole table, and how a request finds its row.

#include "base/text.h"
#include "control/action.h"
#include "control/action_tables.h"
#include "control/submission.h"

#include <algorithm>

namespace paquebot::control {
namespace {

/// The usual bound of a request; whole messages, and pieces of them, may be larger.
constexpr std::size_t kUsualBody = 512u << 10;

bool is_name(std::string_view part) { return part.starts_with('{') && part.ends_with('}'); }

/// What the braces of `pattern` stand for, or nothing when the path is another one.
std::optional<std::vector<std::string>> match(std::string_view pattern, const std::vector<std::string>& segments) {
  const auto parts = split(pattern.substr(1), '/');
  if (parts.size() != segments.size()) return {};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (is_name(parts[i]))
      names.push_back(segments[i]);
    else if (parts[i] != segments[i])
      return {};
  }
  return names;
}

} // namespace

std::span<const Action> actions() {
  static const std::vector<Action> all = [] {
    std::vector<Action> table;
    for (const auto part : {server_actions(), rights_actions(), access_actions(), certificate_actions(),
                            domain_actions(), account_actions(), alias_actions(), queue_actions(), list_actions(),
                            mail_actions(), page_actions(), send_actions()})
      table.insert(table.end(), part.begin(), part.end());
    return table;
  }();
  return all;
}

const Action* find_action(std::string_view id) {
  const auto found = std::ranges::find(actions(), id, &Action::id);
  return found == actions().end() ? nullptr : &*found;
}

std::size_t most_body(const Action& action) {
  if (action.id == "message.send") return kMostSent;
  return action.request == "octets" ? kMaxBody : kUsualBody;
}

Match match_action(std::string_view method, const std::vector<std::string>& segments) {
  Match found;
  std::string methods;
  for (const Action& action : actions()) {
    auto names = match(action.path, segments);
    if (!names) continue;
    if (action.method == method) return {&action, std::move(*names), {}};
    if (methods.find(action.method) == methods.npos)
      methods += (methods.empty() ? "" : ", ") + std::string(action.method);
  }
  found.methods = std::move(methods);
  return found;
}

std::vector<std::string> path_names(const Action& action) {
  std::vector<std::string> names;
  for (const std::string_view part : split(action.path, '/'))
    if (is_name(part)) names.emplace_back(part.substr(1, part.size() - 2));
  return names;
}

} // namespace paquebot::control
