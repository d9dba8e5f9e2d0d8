#include "acme/ordering.h"

#include "base/text.h"
#include "http/date.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <utility>

namespace paquebot::acme {
namespace {

using std::chrono::seconds;
namespace json = boost::json;

constexpr unsigned kMostWatches = 40;
constexpr seconds kLongestPause{120};

json::array as_json(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

bool is_success(const Reply& reply) { return reply.status >= 200 && reply.status < 300; }

} // namespace

Ordering::Ordering(OrderPlan plan)
    : plan_(std::move(plan)), conversation_(plan_.directory, plan_.account_key), account_(plan_.account),
      order_url_(plan_.order), replaces_(plan_.replaces) {
  conversation_.look_up();
}

OrderAction Ordering::next() {
  for (;;) {
    if (step_ == Step::done) return Done{&chain_, facts_};
    if (step_ == Step::failed && shown_) return Withdraw{&proof_};
    if (step_ == Step::failed) return Failed{&failure_};
    if (step_ == Step::keep_account) return Keep{Keep::What::account, &account_};
    if (step_ == Step::keep_order) return Keep{Keep::What::order, &order_url_};
    if (step_ == Step::publish) return Publish{&proof_};
    if (step_ == Step::withdraw) return Withdraw{&proof_};
    if (pause_) return Wait{*pause_};
    const Conversation::Step said = conversation_.next();
    if (const auto* ask = std::get_if<Conversation::Ask>(&said)) return Ask{ask->request};
    if (const auto* pause = std::get_if<Conversation::Pause>(&said)) return Wait{pause->time};
    if (const auto* broken = std::get_if<Conversation::Broken>(&said)) {
      fail_with(*broken->failure);
      continue;
    }
    if (const auto* heard = std::get_if<Conversation::Heard>(&said)) {
      const Reply reply = *heard->reply; // what follows asks anew
      hear(reply);
      continue;
    }
    fail_with({.words = "nothing is left to be asked"}); // our own bug: never stand still for ever
  }
}

void Ordering::answered(Reply reply, std::int64_t now) {
  now_ = now;
  conversation_.answered(std::move(reply), now);
}

void Ordering::unreachable(const Error& why) { conversation_.unreachable(why); }

void Ordering::waited() {
  if (!pause_) return conversation_.rested();
  pause_.reset();
  fetch(step_, step_ == Step::watch_order ? order_url_ : order_.authorizations[at_]);
}

void Ordering::kept() {
  if (step_ == Step::keep_account) return enter(Step::order);
  if (step_ == Step::keep_order) next_authorization();
}

void Ordering::published() {
  if (step_ != Step::publish) return;
  shown_ = true;
  if (respond_) return post(Step::respond, challenge_url_, "{}");
  watches_ = 0;
  fetch(Step::watch_proof, order_.authorizations[at_]);
}

void Ordering::unpublishable(const Error& why) {
  if (step_ != Step::publish) return;
  shown_ = true; // some of it may have been: taken back
  fail_with({.words = fmt::format("the proof for {} by {} can't be shown: {}", proof_.name, name_of(proof_.kind),
                                  printable(why.message, 300))});
}

void Ordering::withdrawn() {
  shown_ = false;
  if (step_ != Step::withdraw) return;
  ++at_;
  next_authorization();
}

void Ordering::hear(const Reply& reply) {
  switch (step_) {
    case Step::directory: return enter(account_.empty() ? Step::account : Step::order);
    case Step::account: return hear_account(reply);
    case Step::order: return hear_order(reply);
    case Step::authorization:
    case Step::watch_proof: return hear_authorization(reply);
    case Step::respond: return hear_response(reply);
    case Step::look:
    case Step::finalize:
    case Step::watch_order: return take_order(reply);
    case Step::download: return hear_certificate(reply);
    case Step::keep_account:
    case Step::keep_order:
    case Step::publish:
    case Step::withdraw:
    case Step::done:
    case Step::failed: return; // nothing is asked in these
  }
}

void Ordering::post(Step step, const std::string& url, std::string payload) {
  step_ = step;
  conversation_.post(url, std::move(payload), account_);
}

void Ordering::enter(Step step) {
  if (step == Step::account) return ask_account();
  if (order_url_.empty()) return ask_order();
  fetch(Step::look, order_url_);
}

// ---- Account (section 7.3) ----

void Ordering::ask_account() {
  const Directory& directory = conversation_.directory();
  if (!directory.terms.empty() && !plan_.terms_agreed)
    return fail_with({.words = fmt::format("the authority's terms {} must be agreed to: read them, then set "
                                           "acme.agree_tos = true",
                                           directory.terms),
                      .ours = true});
  if (directory.external_account && !plan_.external)
    return fail_with({.words = explain(Problem{.kind = "externalAccountRequired"}, 0), .ours = true});
  json::object payload{{"contact", as_json(plan_.contacts)}};
  if (plan_.terms_agreed) payload["termsOfServiceAgreed"] = true;
  std::string text = json::serialize(payload);
  if (plan_.external) {
    auto binding = bind_account(plan_.account_key, *plan_.external, directory.new_account);
    if (!binding) return fail_with({.words = binding.error().message});
    text.pop_back();
    text += R"(,"externalAccountBinding":)" + *binding + "}";
  }
  step_ = Step::account;
  conversation_.post(directory.new_account, std::move(text), {});
}

void Ordering::hear_account(const Reply& reply) {
  if (!is_success(reply)) return refuse(reply, false);
  auto url = read_location(reply);
  if (!url) return fail_with({.words = url.error().message});
  account_ = std::move(*url);
  step_ = Step::keep_account;
}

// ---- Order (section 7.4) ----

void Ordering::ask_order() {
  json::array names;
  for (const std::string& name : plan_.names) names.push_back(json::object{{"type", "dns"}, {"value", name}});
  json::object payload{{"identifiers", std::move(names)}};
  if (!replaces_.empty() && !conversation_.directory().renewal_info.empty()) payload["replaces"] = replaces_;
  post(Step::order, conversation_.directory().new_order, json::serialize(payload));
}

void Ordering::hear_order(const Reply& reply) {
  if (!is_success(reply)) {
    const Problem problem = read_problem(reply);
    // RFC 9773 section 5: somebody has replaced it already, perhaps we before a crash.
    if (!replaces_.empty() &&
        (problem.kind == "alreadyReplaced" || reply.status == 409 || problem.kind == "malformed")) {
      replaces_.clear();
      return ask_order();
    }
    if (problem.kind == "accountDoesNotExist" && !std::exchange(account_again_, true)) {
      account_.clear();
      return ask_account();
    }
    return refuse(reply, false);
  }
  auto url = read_location(reply);
  if (!url) return fail_with({.words = url.error().message});
  order_url_ = std::move(*url);
  auto order = read_order(reply.content);
  if (!order) return fail_with({.words = order.error().message, .order_over = true});
  order_ = std::move(*order);
  std::vector<std::string> names = plan_.names;
  std::ranges::sort(names);
  if (order_.names != names)
    return fail_with({.words = "the authority made an order for other names", .order_over = true});
  step_ = Step::keep_order;
}

/// What an order looks like now, and so what comes next.
void Ordering::take_order(const Reply& reply) {
  if (!is_success(reply)) {
    const Problem problem = read_problem(reply);
    if (step_ == Step::finalize && problem.kind == "orderNotReady") return watch(Step::watch_order, reply);
    if (problem.kind == "accountDoesNotExist" && !std::exchange(account_again_, true)) {
      account_.clear();
      order_url_.clear(); // it was that account's
      return ask_account();
    }
    return refuse(reply, true);
  }
  auto order = read_order(reply.content);
  if (!order) return fail_with({.words = order.error().message, .order_over = true});
  const Step step = step_;
  order_ = std::move(*order);
  std::vector<std::string> names = plan_.names;
  std::ranges::sort(names);
  if (order_.names != names)
    return fail_with({.words = "the authority's order is for other names", .order_over = true});
  switch (order_.state) {
    case State::pending:
      if (step != Step::look) return watch(Step::watch_order, reply);
      at_ = 0;
      return next_authorization();
    case State::ready: return step == Step::finalize ? watch(Step::watch_order, reply) : ask_certificate();
    case State::processing: return watch(Step::watch_order, reply);
    case State::valid:
      if (order_.certificate.empty())
        return fail_with({.words = "the authority does not say where the certificate is", .order_over = true});
      return fetch(Step::download, order_.certificate);
    case State::invalid:
    case State::other: break;
  }
  fail_with({.words = "the order failed: " + explain(order_.problem, reply.status), .order_over = true});
}

void Ordering::ask_certificate() {
  const auto request = make_request(plan_.key, plan_.names);
  if (!request) return fail_with({.words = request.error().message});
  post(Step::finalize, order_.finalize, json::serialize(json::object{{"csr", base64url(*request)}}));
}

void Ordering::hear_certificate(const Reply& reply) {
  if (!is_success(reply)) return refuse(reply, reply.status == 404);
  auto facts = check_issued(reply.content, plan_.key, plan_.names, now_);
  if (!facts) return fail_with({.words = facts.error().message, .order_over = true});
  chain_ = reply.content;
  facts_ = std::move(*facts);
  step_ = Step::done;
}

// ---- Authorizations (section 7.5) ----

void Ordering::next_authorization() {
  watches_ = 0;
  if (at_ < order_.authorizations.size()) return fetch(Step::authorization, order_.authorizations[at_]);
  fetch(Step::watch_order, order_url_);
}

void Ordering::hear_authorization(const Reply& reply) {
  if (!is_success(reply)) return refuse(reply, true);
  const auto authorization = read_authorization(reply.content);
  if (!authorization) return fail_with({.words = authorization.error().message, .order_over = true});
  if (std::ranges::find(plan_.names, authorization->name) == plan_.names.end())
    return fail_with({.words = "the authority wants a proof for another name", .order_over = true});
  if (authorization->state == State::valid) {
    if (shown_) {
      step_ = Step::withdraw;
      return;
    }
    ++at_;
    return next_authorization();
  }
  if (authorization->state == State::pending && step_ == Step::watch_proof) return watch(Step::watch_proof, reply);
  if (authorization->state == State::pending && choose(*authorization)) {
    step_ = Step::publish;
    return;
  }
  if (authorization->state == State::pending)
    return fail_with({.words = fmt::format("the authority offers no kind of proof for {} that acme.challenges has",
                                           authorization->name),
                      .order_over = true,
                      .ours = true});
  std::string why = "the authority refuses " + authorization->name;
  for (const Challenge& challenge : authorization->challenges)
    if (challenge.state == State::invalid)
      why = fmt::format("{} could not be proven by {}: {}", authorization->name, name_of(challenge.kind),
                        explain(challenge.problem, reply.status));
  fail_with({.words = std::move(why), .order_over = true});
}

/// One that was begun before a crash is gone on with; else the best.
bool Ordering::choose(const Authorization& authorization) {
  const Challenge* best = nullptr;
  for (const ChallengeKind kind : plan_.kinds)
    for (const Challenge& one : authorization.challenges) {
      const bool usable = one.kind == kind && (one.state == State::pending || one.state == State::processing);
      const bool begun = one.state == State::processing && (best == nullptr || best->state != State::processing);
      if (usable && (best == nullptr || begun)) best = &one;
    }
  if (best == nullptr) return false;
  proof_ = {.kind = best->kind,
            .name = authorization.name,
            .token = best->token,
            .authorization = best->token + "." + plan_.account_key.thumbprint()};
  challenge_url_ = best->url;
  respond_ = best->state == State::pending;
  return true;
}

void Ordering::hear_response(const Reply& reply) {
  if (!is_success(reply)) return refuse(reply, true);
  watches_ = 0;
  watch(Step::watch_proof, reply);
}

// ---- Ends ----

/// Asks again after a while: as the authority says, else after 1, 2, 3 … at most 10 seconds.
void Ordering::watch(Step step, const Reply& reply) {
  if (++watches_ > kMostWatches) return fail_with({.words = "the authority does not come to an end with the order"});
  const auto wanted = http::retry_after(reply.fields, now_ / 1000, kLongestPause);
  pause_ = std::max(seconds(1), wanted.value_or(seconds(std::min(watches_, 10u))));
  step_ = step;
}

void Ordering::refuse(const Reply& reply, bool order_over) {
  const Problem problem = read_problem(reply);
  const bool ours = problem.kind == "userActionRequired" || problem.kind == "externalAccountRequired" ||
                    problem.kind == "unsupportedContact" || problem.kind == "invalidContact" ||
                    problem.kind == "rejectedIdentifier" || problem.kind == "caa";
  const auto wait = http::retry_after(reply.fields, now_ / 1000, seconds(24 * 3600)).value_or(seconds(0));
  fail_with({.words = explain(problem, reply.status),
             .wait = wait,
             .order_over = order_over && problem.kind != "rateLimited",
             .ours = ours});
}

void Ordering::fail_with(Failure failure) {
  failure_ = std::move(failure);
  pause_.reset();
  step_ = Step::failed;
}

} // namespace paquebot::acme
