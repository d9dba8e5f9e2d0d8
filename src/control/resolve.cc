#include "control/handlers.h"

namespace paquebot::control {
namespace {

const char* name_of(store::Handling handling) {
  switch (handling) {
    case store::Handling::mailbox: return "mailbox";
    case store::Handling::remote: return "remote";
    case store::Handling::expanded: return "expanded";
    case store::Handling::held:
    case store::Handling::failed: break;
  }
  return "held";
}

const char* problem_of(const directory::Resolution& found) {
  using Kind = directory::Resolution::Kind;
  switch (found.kind) {
    case Kind::not_ours: return "";
    case Kind::found: return found.mailbox_full ? "the mailbox is full" : "";
    case Kind::not_yet: return "there is no such user here yet; the domain is new, so mail for it is put off";
    case Kind::unknown: return "there is no such user here";
    case Kind::too_large: return "this address expands to too many others";
    case Kind::loop: return "the aliases of this address go round in a loop";
  }
  return "";
}

} // namespace

Task<Answer> resolve_address(Context& context, Call call) {
  auto address = mail::parse_address(call.names[0]);
  if (!address) co_return fail(Errc::invalid, "this is not an address: " + address.error().message);
  const std::string text = address->to_string();
  const auto found = co_await context.directory.resolve_local(std::move(*address));
  if (!found) co_return std::unexpected(found.error());
  json::array ways;
  for (const directory::Node& node : found->nodes) {
    json::object way{{"address", node.address}, {"how", name_of(node.handling)}};
    if (!node.reason.empty()) way["why"] = node.reason;
    if (node.account != 0) {
      const auto account = co_await context.store.directory().get_account(node.account);
      if (!account) co_return std::unexpected(account.error());
      way["account"] = account->login;
    }
    ways.push_back(std::move(way));
  }
  if (found->kind == directory::Resolution::Kind::not_ours)
    ways.push_back(json::object{{"address", text}, {"how", "remote"}});
  json::object answer{{"address", text}, {"leads_to", std::move(ways)}};
  if (const std::string problem = problem_of(*found); !problem.empty()) answer["problem"] = problem;
  co_return answer;
}

} // namespace paquebot::control
