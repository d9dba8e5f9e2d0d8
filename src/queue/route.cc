#include "queue/route.h"

namespace paquebot::queue {

RouteTable::RouteTable(std::vector<Route> routes) : routes_(std::move(routes)) {}

const Route* RouteTable::find(std::string_view domain) const {
  const Route* best = nullptr;
  std::size_t best_length = 0;
  for (const Route& route : routes_) {
    if (route.to == domain) return &route;
    bool matches = route.to == "*" || (route.to.starts_with('.') && domain.ends_with(route.to));
    if (matches && (!best || route.to.size() > best_length)) {
      best = &route;
      best_length = route.to.size();
    }
  }
  return best;
}

const Route* RouteTable::by_name(std::string_view name) const {
  for (const Route& route : routes_)
    if (route.name == name) return &route;
  return nullptr;
}

const Route* RouteTable::store_of(std::string_view domain) const {
  for (const Route& route : routes_)
    if (route.lmtp && route.to == domain) return &route;
  return nullptr;
}

std::string RouteTable::destination(std::string_view domain) const {
  const Route* route = find(domain);
  return route ? "route:" + route->name : std::string(domain);
}

std::vector<std::string> RouteTable::changed_since(const RouteTable& before) const {
  std::vector<std::string> changed;
  for (const Route& route : routes_) {
    const Route* old = before.by_name(route.name);
    if (!old || *old != route) changed.push_back("route:" + route.name);
  }
  return changed;
}

} // namespace paquebot::queue
