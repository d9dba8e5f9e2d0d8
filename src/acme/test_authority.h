#pragma once

#include "acme/conversation.h"
#include "acme/key.h"
#include "acme/ordering.h"
#include "acme/test_issuer.h"

#include <boost/json.hpp>
#include <cstdint>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace paquebot::acme {

/// An authority of ACME in memory, for tests: holds requests to the letter of RFC 8555 (signatures, nonces, URLs) and
/// gives real certificates. One thread.
class TestAuthority {
public:
  static constexpr const char* kDirectory = "https://ca.test/directory";

  // How it is.
  bool terms = true;
  std::optional<ExternalAccount> external;
  bool says_when_to_renew = true;
  std::string window; ///< of every certificate, as JSON; empty: it does not know
  std::int64_t now = 1'767'225'600'000;
  TestIssuer issuer;
  unsigned watches = 1; ///< times that an authorization, and an order, is not done yet
  std::vector<std::string> offers{"tls-alpn-01", "http-01", "dns-01"};
  /// Whether the proof can be seen; `authorization` is what it must be.
  std::function<bool(const Proof& proof)> sees = [](const Proof&) { return true; };
  /// Asked before each request is handled: an answer in place of it.
  std::function<std::optional<Reply>(const Request& request)> in_place;
  std::string order_name; ///< it lies: orders are for this name

  // What came.
  unsigned accounts = 0, orders = 0, certificates = 0;
  std::vector<std::string> asked;    ///< method and path
  std::vector<std::string> replaced; ///< ids
  std::string contact;

  /// What it says to a request.
  Reply handle(const Request& request) {
    const std::string path = request.url.starts_with("https://ca.test/") ? request.url.substr(15) : "?";
    asked.push_back(request.method + " " + path);
    if (in_place)
      if (auto reply = in_place(request)) return *reply;
    if (path == "/directory" && request.method == "GET") return directory();
    if (path == "/nonce" && request.method == "HEAD") return reply_of(200, "");
    if (path.starts_with("/renewal/") && request.method == "GET") return renewal_info();
    if (request.method != "POST" || request.type != "application/jose+json")
      return problem(405, "malformed", "the wrong method or type");
    return signed_request(request, path);
  }
  Reply problem(unsigned status, const std::string& kind, const std::string& detail) {
    return reply_of(status,
                    boost::json::serialize(Json{{"type", "urn:ietf:params:acme:error:" + kind}, {"detail", detail}}));
  }
  /// With a nonce that may be used.
  Reply reply_of(unsigned status, std::string content, const std::string& location = {}) {
    const std::string nonce = base64url(fmt::format("nonce-{}", ++nonce_));
    nonces_.insert(nonce);
    Reply reply{status, {{"replay-nonce", nonce}}, std::move(content)};
    if (!location.empty()) reply.fields.push_back({"location", location});
    return reply;
  }

private:
  using Json = boost::json::object;
  struct Ordered {
    std::string account, state = "pending", name, token, kind, chain, accepted;
    unsigned watched = 0;
  };

  static std::string at(const std::string& path) { return "https://ca.test" + path; }
  Reply json(unsigned status, const Json& object, const std::string& location = {}) {
    return reply_of(status, boost::json::serialize(object), location);
  }

  Reply directory() {
    Json meta{{"externalAccountRequired", external.has_value()}};
    if (terms) meta["termsOfService"] = "https://ca.test/terms";
    Json object{{"newNonce", at("/nonce")}, {"newAccount", at("/account")}, {"newOrder", at("/order")}, {"meta", meta}};
    if (says_when_to_renew) object["renewalInfo"] = at("/renewal");
    return json(200, object);
  }
  Reply renewal_info() {
    if (window.empty()) return problem(404, "malformed", "no such certificate");
    Reply reply = reply_of(200, window);
    reply.fields.push_back({"retry-after", "7200"});
    return reply;
  }

  static Json object_of(const std::string& text) {
    boost::system::error_code error;
    const auto value = boost::json::parse(text, error);
    return !error && value.is_object() ? value.as_object() : Json();
  }
  static std::string text(const Json& object, const char* name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
  }

  Reply signed_request(const Request& request, const std::string& path) {
    const Json jws = object_of(request.content);
    const std::string head_text = base64url_decode(text(jws, "protected")).value_or("");
    const Json head = object_of(head_text);
    if (text(head, "alg") != "ES256" || text(head, "url") != request.url)
      return problem(400, "malformed", "the head of the request is wrong");
    if (nonces_.erase(text(head, "nonce")) == 0) return problem(400, "badNonce", "not a nonce of ours");
    const bool by_key = head.contains("jwk");
    const std::string account = text(head, "kid");
    if (by_key == head.contains("kid")) return problem(400, "malformed", "kid or jwk");
    if (!by_key && !accounts_.contains(account)) return problem(400, "accountDoesNotExist", "no such account");
    const std::string jwk = by_key ? boost::json::serialize(head.at("jwk")) : accounts_.at(account);
    if (!TestIssuer::verify(jwk, text(jws, "protected") + "." + text(jws, "payload"), text(jws, "signature")))
      return problem(400, "malformed", "the signature is wrong");
    const std::string payload = base64url_decode(text(jws, "payload")).value_or("?");
    if (by_key != (path == "/account")) return problem(400, "malformed", "kid or jwk");
    if (by_key) return new_account(object_of(payload), jwk);
    if (path == "/order") return new_order(object_of(payload), account);
    return order_request(path, payload, account);
  }

  Reply new_account(const Json& payload, const std::string& jwk) {
    if (terms && !(payload.contains("termsOfServiceAgreed") && payload.at("termsOfServiceAgreed").as_bool()))
      return problem(403, "userActionRequired", "agree to the terms");
    if (external) {
      const auto* bound = payload.if_contains("externalAccountBinding");
      if (bound == nullptr || !TestIssuer::is_bound(bound->as_object(), *external, jwk, at("/account")))
        return problem(403, "externalAccountRequired", "bind it");
    }
    contact = payload.contains("contact") ? boost::json::serialize(payload.at("contact")) : "";
    for (const auto& [url, key] : accounts_)
      if (key == jwk) return json(200, {{"status", "valid"}}, url);
    const std::string url = at(fmt::format("/account/{}", ++accounts));
    accounts_[url] = jwk;
    return json(201, {{"status", "valid"}}, url);
  }

  Reply new_order(const Json& payload, const std::string& account) {
    const std::string replaces = text(payload, "replaces");
    for (const std::string& before : replaced)
      if (!replaces.empty() && before == replaces) return problem(409, "alreadyReplaced", "it is replaced");
    if (!replaces.empty()) replaced.push_back(replaces);
    ++orders;
    Ordered order;
    order.account = account;
    order.name = payload.at("identifiers").as_array().at(0).at("value").as_string();
    order.token = base64url(fmt::format("token-of-order-{}", orders_.size()));
    orders_.push_back(order);
    return show_order(orders_.size() - 1, 201);
  }

  Reply order_request(const std::string& path, const std::string& payload, const std::string& account) {
    const auto slash = path.rfind('/');
    const std::string kind = path.substr(1, slash - 1);
    const auto number = static_cast<std::size_t>(std::atoi(path.c_str() + slash + 1));
    if (number >= orders_.size() || orders_[number].account != account) return problem(404, "malformed", "no such");
    if (kind == "order") return payload.empty() ? show_order(number, 200) : problem(400, "malformed", "no payload");
    if (kind == "authorization") return show_authorization(number);
    if (kind.starts_with("challenge/")) return take_challenge(number, kind.substr(10), payload);
    if (kind == "finalize") return finalize(number, object_of(payload));
    if (kind == "certificate" && orders_[number].state == "valid") return reply_of(200, orders_[number].chain);
    return problem(404, "malformed", "no such thing");
  }

  Reply show_order(std::size_t number, unsigned status) {
    Ordered& order = orders_[number];
    if (order.state == "processing" && order.watched++ >= watches) order.state = "valid";
    const std::string n = fmt::format("/{}", number);
    Json object{{"status", order.state},
                {"identifiers", {{{"type", "dns"}, {"value", order_name.empty() ? order.name : order_name}}}},
                {"authorizations", {at("/authorization" + n)}},
                {"finalize", at("/finalize" + n)}};
    if (order.state == "valid") object["certificate"] = at("/certificate" + n);
    if (order.state == "invalid") object["error"] = Json{{"detail", "its authorization failed"}};
    return json(status, object, at("/order" + n));
  }

  Reply show_authorization(std::size_t number) {
    Ordered& order = orders_[number];
    if (!order.accepted.empty() && order.state == "pending" && order.watched++ >= watches) judge(order);
    const bool done = order.state != "pending";
    boost::json::array challenges;
    for (const std::string& offer : offers) {
      Json one{{"type", offer}, {"url", at(fmt::format("/challenge/{}/{}", offer, number))}, {"token", order.token}};
      const bool ours = offer == order.accepted;
      one["status"] = !ours ? "pending" : order.state == "invalid" ? "invalid" : done ? "valid" : "processing";
      if (ours && order.state == "invalid")
        one["error"] = Json{{"type", "urn:ietf:params:acme:error:unauthorized"}, {"detail", "not what it must be"}};
      challenges.push_back(std::move(one));
    }
    const char* state = order.state == "invalid" ? "invalid" : done ? "valid" : "pending";
    return json(200, {{"status", state},
                      {"identifier", {{"type", "dns"}, {"value", order.name}}},
                      {"challenges", std::move(challenges)}});
  }

  /// The proof is looked at when the authorization is watched for the last time.
  void judge(Ordered& order) {
    const auto thumbprint = base64url(sha256(accounts_.at(order.account)));
    const Proof proof{*challenge_kind(order.accepted), order.name, order.token, order.token + "." + thumbprint};
    order.state = sees(proof) ? "ready" : "invalid";
    order.watched = 0;
  }

  Reply take_challenge(std::size_t number, const std::string& kind, const std::string& payload) {
    Ordered& order = orders_[number];
    if (payload != "{}" || order.state != "pending") return problem(400, "malformed", "not now");
    order.accepted = kind;
    return json(200, {{"type", kind}, {"status", "processing"}});
  }

  Reply finalize(std::size_t number, const Json& payload) {
    Ordered& order = orders_[number];
    if (order.state != "ready") return problem(403, "orderNotReady", "not yet");
    order.chain = issuer.issue(base64url_decode(text(payload, "csr")).value_or(""), order.name, now);
    if (order.chain.empty()) return problem(400, "badCSR", "not for what was ordered");
    ++certificates;
    order.state = "processing";
    order.watched = 0;
    return show_order(number, 200);
  }

  std::set<std::string> nonces_;
  unsigned nonce_ = 0;
  std::map<std::string, std::string> accounts_; // URL: JWK
  std::vector<Ordered> orders_;
};

} // namespace paquebot::acme
