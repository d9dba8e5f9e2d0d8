// Providers: who has many domains' mail, and what rules have made of what he said.

#include "base/text.h"
#include "control/handlers.h"
#include "control/present.h"
#include "control/provider_words.h"

#include <algorithm>
#include <utility>

namespace paquebot::control {
namespace {

constexpr std::size_t kMostReply = 4000;
constexpr std::int64_t kMinuteOfDay = 60'000, kMinutesOfDay = 1440;

std::unexpected<Error> no_providers() {
  return fail(Errc::closed, "the server does not run: nothing goes to any provider");
}

Problem no_provider(std::string_view name) {
  return {Errc::not_found, "no provider has the name " + printable(name, 100), "all: paquebot provider list"};
}

std::string two_digits(std::int64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); }

/// Of "google@mail2"; "": none.
std::string source_of(const std::string& name) {
  const auto at = name.find('@');
  return at == std::string::npos ? std::string() : name.substr(at + 1);
}

json::object present_rule(const queue::Rule& rule) {
  json::array examples;
  for (const std::string& one : rule.examples) examples.emplace_back(one);
  return {{"rule", rule.name},
          {"code", rule.code},
          {"status", rule.status.to_string()},
          {"text", rule.text},
          {"count", rule.count.to_string()},
          {"scope", name_of(rule.scope)},
          {"does", rule.words()},
          {"seconds", rule.lasts},
          {"examples", std::move(examples)}};
}

json::object present_provider(const queue::Shaping::Shown& one, std::int64_t now) {
  const queue::Provider& provider = one.provider;
  json::array hosts, rules, effects;
  for (const std::string& host : provider.mx) hosts.emplace_back(host);
  for (const queue::Rule& rule : provider.rules) rules.emplace_back(present_rule(rule));
  for (const queue::Throttles::Effect& effect : one.effects) {
    const queue::Rule* const rule = provider.rule(effect.rule);
    if (rule == nullptr) continue;
    const bool probes = effect.until <= now;
    effects.emplace_back(
        json::object{{"rule", effect.rule},
                     {"source", source_of(effect.provider)},
                     {"subject", printable(effect.subject, 300)},
                     {"does", probes ? std::string("one at a time finds out whether it is over") : rule->words()},
                     {"since", time_value(effect.since)},
                     {"until", time_value(effect.until)},
                     {"said", printable(effect.said, 600)}});
  }
  return {{"provider", provider.name},
          {"mx", std::move(hosts)},
          {"workers", one.workers},
          {"connections", one.window},
          {"per_connection", provider.per_connection},
          {"rate", provider.rate.to_string()},
          {"sites", one.sites},
          {"waiting", one.waiting},
          {"rules", std::move(rules)},
          {"effects", std::move(effects)}};
}

} // namespace

std::string clock_text(std::int64_t wall) {
  const std::int64_t minute = wall / kMinuteOfDay % kMinutesOfDay;
  return two_digits(minute / 60) + ":" + two_digits(minute % 60);
}

std::string wait_words(const queue::Throttles::Wait& wait) {
  const queue::Throttles::Effect& effect = wait.effect;
  const std::string source = source_of(effect.provider);
  return effect.provider.substr(0, effect.provider.find('@')) + (source.empty() ? "" : ", source " + source) + ", " +
         wait.rule.words() + " until " + clock_text(effect.until) + " UTC by " + effect.rule + " (" +
         effect.said.substr(0, 120) + " at " + clock_text(effect.since) + ")";
}

Task<Answer> list_providers(Context& context, Call) {
  const queue::Shaping* const shaping = context.hooks.live.shaping;
  if (shaping == nullptr) co_return no_providers();
  const std::int64_t now = millis(system_clock().wall());
  json::array list;
  auto all = shaping->providers();
  std::ranges::sort(all, {}, [](const auto& one) { return one.provider.name; });
  for (const auto& one : all) list.emplace_back(present_provider(one, now));
  co_return json::object{{"providers", std::move(list)}};
}

Task<Answer> show_provider(Context& context, Call call) {
  const queue::Shaping* const shaping = context.hooks.live.shaping;
  if (shaping == nullptr) co_return no_providers();
  const auto found = shaping->provider(call.names[0]);
  if (!found) co_return std::unexpected(no_provider(call.names[0]));
  co_return present_provider(*found, millis(system_clock().wall()));
}

/// Which rule a reply would come to, of each provider or of one.
Task<Answer> test_reply(Context& context, Call call) {
  const queue::Shaping* const shaping = context.hooks.live.shaping;
  if (shaping == nullptr) co_return no_providers();
  const std::string text = call.ask("reply"), only = call.ask("provider");
  if (text.size() > kMostReply)
    co_return refuse(Errc::invalid, "the reply is too long: 4000 octets at most", {}, "reply");
  const auto said = queue::parse_said(text);
  if (!said) co_return refuse(Errc::invalid, "\"" + printable(text, 80) + "\" " + said.error().message, {}, "reply");
  json::array matches;
  bool known = only.empty();
  for (const auto& one : shaping->providers()) {
    if (!only.empty() && one.provider.name != only) continue;
    known = true;
    const queue::Rule* const rule = one.provider.match(*said);
    if (rule == nullptr) continue;
    json::object match = present_rule(*rule);
    match["provider"] = one.provider.name;
    matches.emplace_back(std::move(match));
  }
  if (!known) co_return std::unexpected(no_provider(only));
  co_return json::object{{"matches", std::move(matches)}};
}

Task<Answer> forget_provider(Context& context, Call call) {
  queue::Shaping* const shaping = context.hooks.live.shaping;
  if (shaping == nullptr) co_return no_providers();
  const std::string rule = call.ask("rule");
  if (!shaping->provider(call.names[0])) co_return std::unexpected(no_provider(call.names[0]));
  if (!shaping->forget(call.names[0], rule))
    co_return refuse(Errc::not_found, "no rule does anything to " + call.names[0] + " now",
                     "what does: paquebot provider show " + call.names[0]);
  co_return json::object{{"provider", call.names[0]}};
}

} // namespace paquebot::control
