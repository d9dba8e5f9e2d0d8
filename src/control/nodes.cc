// The servers that work on one store, and what that looks like.

#include "control/handlers.h"

#include <utility>

namespace paquebot::control {
namespace {

json::object present_node(const store::NodeFacts& node) {
  return {{"name", node.name},
          {"own", node.own},
          {"epoch", node.epoch},
          {"version", node.version},
          {"since", time_value(node.since)},
          {"silent_ms", node.silent_ms},
          {"drained", node.drained}};
}

} // namespace

Task<Answer> list_nodes(Context& context, Call) {
  const auto nodes = co_await context.store.upkeep().list_nodes();
  if (!nodes) co_return std::unexpected(nodes.error());
  json::array list;
  for (const store::NodeFacts& node : *nodes) list.push_back(present_node(node));
  co_return json::object{{"nodes", std::move(list)}};
}

Task<Answer> show_store(Context& context, Call) {
  const auto facts = co_await context.store.upkeep().describe();
  if (!facts) co_return std::unexpected(facts.error());
  json::array leases, copies;
  for (const auto& one : facts->leases)
    leases.push_back(json::object{{"work", one.name}, {"node", one.node}, {"left_ms", one.left_ms}});
  for (const auto& one : facts->copies)
    copies.push_back(
        json::object{{"name", one.name}, {"state", one.state}, {"wait", one.wait}, {"behind", one.behind}});
  co_return json::object{
      {"kind", facts->kind},       {"size", facts->size},         {"waiting", facts->waiting},
      {"in_hand", facts->in_hand}, {"held", facts->held},         {"oldest_due", time_value(facts->oldest_due)},
      {"locks", facts->locks},     {"leases", std::move(leases)}, {"copies", std::move(copies)}};
}

Task<Answer> drain_node(Context& context, Call call) {
  const auto object = parse_object(call.body, "the request");
  if (!object) co_return std::unexpected(object.error());
  std::string name = call.names[0];
  const bool wanted = get_bool(*object, "drained");
  const auto done = co_await context.store.upkeep().drain_node(std::move(name), wanted);
  if (!done) co_return std::unexpected(done.error());
  co_return json::object{{"name", call.names[0]}, {"drained", wanted}};
}

} // namespace paquebot::control
