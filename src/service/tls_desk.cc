#include "service/tls_desk.h"

#include "base/log.h"
#include "control/json.h"
#include "delivery/explain.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <utility>

namespace paquebot::service {
namespace {

namespace json = control::json;

json::object policy_json(const delivery::StsFinding& found) {
  json::array mx;
  if (found.policy)
    for (const std::string& host : found.policy->mx) mx.emplace_back(host);
  return {{"mode", found.policy ? std::string(queue::to_string(found.policy->mode)) : std::string()},
          {"id", found.id},
          {"mx", std::move(mx)},
          {"max_age", found.policy ? found.policy->max_age.count() : 0},
          {"fetched", control::time_value(found.fetched)},
          {"trouble", found.trouble != delivery::StsTrouble::none},
          {"why", found.why}};
}

json::object explained_json(const delivery::Explained& told) {
  json::array hosts;
  for (const delivery::ExplainedHost& host : told.hosts)
    hosts.push_back(json::object{{"host", host.host},
                                 {"preference", host.preference},
                                 {"dane", host.dane},
                                 {"asked_by", host.asked_by},
                                 {"named", host.named},
                                 {"works", host.works},
                                 {"told", host.told}});
  return {{"domain", told.domain},
          {"route", told.route},
          {"signed_mx", told.signed_mx},
          {"failure", told.failure},
          {"policy", policy_json(told.policy)},
          {"hosts", std::move(hosts)}};
}

/// Where the connector lives.
Task<void> explain_there(Assembly& parts, std::string domain, bool refresh, Promised<json::object> answer) {
  json::object told{{"domain", domain},          {"route", ""},
                    {"signed_mx", false},        {"failure", "it broke off"},
                    {"policy", policy_json({})}, {"hosts", json::array()}};
  const auto options = parts.intake.queue.options();
  const queue::RouteTable& routes = options->routes;
  delivery::Connector& connector = *parts.deliveries.connector;
  try {
    std::string name = domain;
    const auto found = co_await delivery::explain(connector, routes, std::move(name), refresh);
    told = explained_json(found);
  } catch (const std::exception& error) {
    log::error("tls-not-explained", {{"domain", domain}, {"why", error.what()}});
  }
  answer.set(std::move(told));
}

} // namespace

Task<std::string> explain_tls(Assembly& parts, std::string domain, bool refresh) {
  const Promised<json::object> answer;
  boost::asio::co_spawn(parts.last(), explain_there(parts, std::move(domain), refresh, answer), boost::asio::detached);
  const json::object told = co_await answer.take();
  co_return control::to_text(told);
}

} // namespace paquebot::service
