#pragma once

// For tests only: a request for every action of the table, about things of whichever side.

#include "base/text.h"
#include "control/test_world.h"
#include "control/token.h"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace paquebot::control::test {

/// Whose things a request is about: those of example.org, of example.net, or of nobody.
enum class Side { org, net, nowhere };

/// Requests for every action, made from the names in its row. A name that has no sample here fails the test: who adds
/// an action says what it is to be tried with.
class Samples {
public:
  explicit Samples(World& world) : world_(world) {
    orgs_token_ = token_of(world.ann);
    nets_token_ = token_of(world.bob);
    orgs_hook_ = hook_of(world.ann);
    nets_hook_ = hook_of(world.bob);
    orgs_suppression_ = suppression_of(world.ann);
    nets_suppression_ = suppression_of(world.bob);
  }

  Request request(const Action& action, Side side) {
    Request request;
    request.method = action.method;
    for (const std::string_view part : split(action.path.substr(1), '/'))
      request.target +=
          "/" + (part.starts_with('{') ? path_encode(text(action, std::string(part.substr(1, part.size() - 2)), side))
                                       : std::string(part));
    std::string query;
    const Schema asked = Schema::parse(action.query);
    for (const SchemaField& field : asked.fields())
      if (!field.optional || is_named(action, field.name))
        query += (query.empty() ? "?" : "&") + field.name + "=" + percent_encode(text(action, field.name, side));
    request.target += query;
    const Schema schema = Schema::parse(action.request);
    if (schema.octets()) request.body = "Subject: x\r\n\r\n";
    json::object body = fields(action, schema, side);
    if (!body.empty()) request.body = to_text(body);
    return request;
  }

private:
  /// What the dispatcher looks at, also where it may be missing.
  static bool is_named(const Action& action, const std::string& name) {
    return (action.id == "trail.find" && name == "address") || name == action.object.by || name == action.object.also ||
           (action.gives == Gives::right && name == "domain");
  }

  json::object fields(const Action& action, const Schema& schema, Side side) const {
    json::object body;
    for (const SchemaField& field : schema.fields()) {
      if (field.name == "*" || (field.optional && !is_named(action, field.name))) continue;
      body[field.name] = value(action, field, side);
    }
    for (const auto& [name, one] : also(action)) body[name] = one;
    return body;
  }

  /// Of requests in which something must be said, though nothing by itself must.
  static json::object also(const Action& action) {
    static const std::map<std::string_view, json::object> all{
        {"limit.change", {{"messages_per_hour", 5}}},
        {"account.change", {{"quota", 5}}},
        {"queue.retry", {{"address", "nobody@far.example"}}},
        {"queue.hold", {{"address", "nobody@far.example"}}},
        {"queue.release", {{"address", "nobody@far.example"}}},
        {"queue.cancel", {{"address", "nobody@far.example"}}},
        {"queue.rebind", {{"address", "nobody@far.example"}}},
        {"queue.count", {{"address", "nobody@far.example"}}},
        {"hook.change", {{"state", "paused"}}},
        {"message.send", {{"to", json::array{"bob@example.net"}}}},
    };
    const auto found = all.find(action.id);
    return found == all.end() ? json::object() : found->second;
  }

  std::string token_of(const store::Account& account) {
    store::Token token;
    token.account = account.id;
    token.label = "sample";
    token.hash = hash_of_token(make_token());
    token.scopes = {"queue.read"};
    const auto added = run_task(world_.server.store().rights().add_token(token));
    return std::to_string(added->id);
  }
  std::string hook_of(const store::Account& account) {
    store::Hook hook;
    hook.account = account.id;
    hook.url = "https://hooks.example/in";
    hook.secret = std::string(24, 's');
    const auto added = run_task(world_.server.store().feed().add_hook(hook));
    return std::to_string(added->id);
  }
  std::string suppression_of(const store::Account& account) {
    const auto added =
        run_task(world_.server.store().books().add_suppression({.of = account.id, .address = "x@far.example"}));
    return std::to_string(added->id);
  }
  static std::string domain(Side side) {
    return side == Side::org ? "example.org" : side == Side::net ? "example.net" : "example.edu";
  }

  std::string text(const Action& action, const std::string& name, Side side) const {
    const bool org = side == Side::org, none = side == Side::nowhere;
    if (name == "login" && action.id == "account.add") return "new@" + domain(side);
    if (name == "login" || name == "account" || name == "owner" || name == "of")
      return (none ? "nobody@" : org ? "ann@" : "bob@") + domain(side);
    if (name == "domain") return domain(side);
    if (name == "address" && action.id == "suppression.add") return "y@far.example";
    if (name == "address") return (action.id == "alias.add" ? "fresh@" : "team@") + domain(side);
    if (name == "id" && action.object.whose == Whose::hook) return none ? "4711" : org ? orgs_hook_ : nets_hook_;
    if (name == "id" && action.object.whose == Whose::suppression)
      return none ? "4711" : org ? orgs_suppression_ : nets_suppression_;
    if (name == "id" && action.object.whose == Whose::token) return none ? "4711" : org ? orgs_token_ : nets_token_;
    if (name == "id") return none ? "01ARZ3NDEKTSV4RRFFQ69G5FAV" : org ? world_.anns_mail : world_.bobs_mail;
    if (name == "password" && action.id.starts_with("second_factor.")) return "wonderland";
    if (name == "path") return (world_.server.path() / "one.backup").string();
    static const std::map<std::string, std::string> others{
        {"list", "block"},
        {"what", "192.0.2.1"},
        {"whose", "far.example"},
        {"resolver", "192.0.2.1"},
        {"client", "192.0.2.1"},
        {"digest", std::string(32, 'a')},
        {"password", "looking glass"},
        {"upload", "1"},
        {"backup", "1"},
        {"name", "new.example"},
        {"label", "sample"},
        {"selector", "none"},
        {"connection", "2"},
        {"site", "mx:mx.far.example"},
        {"provider", "google"},
        {"rule", "google-dkim-rate"},
        {"source", "none"},
        {"reply", "421 4.7.28 too fast"},
        {"session", "0123456789abcdef"},
        {"part", "1"},
        {"code", "123456"},
        {"token", "sample"},
        {"order", "release"},
        {"limit", "1"},
        {"folder", "INBOX"},
        {"uid", "1"},
        {"url", "https://hooks.example/in"},
        {"since", "2026-11-30T09:41:07Z"},
    };
    const auto found = others.find(name);
    if (found != others.end()) return found->second;
    ADD_FAILURE() << action.id << " has a name without a sample: " << name << " (control/test_samples.h)";
    return {};
  }
  json::value value(const Action& action, const SchemaField& field, Side side) const {
    if (field.name == "scopes") return json::array{"queue.read"};
    if (field.name == "senders") return json::array{"anyone"};
    if (field.name == "targets") return json::array{"out@far.example"};
    if (field.type == "number") return 5;
    if (field.type == "bool") return true;
    return json::string(text(action, field.name, side));
  }

  World& world_;
  std::string orgs_token_, nets_token_, orgs_hook_, nets_hook_, orgs_suppression_, nets_suppression_;
};

} // namespace paquebot::control::test
