#include "queue/throttles.h"

#include "base/text.h"

#include <algorithm>
#include <cassert>

namespace paquebot::queue {
namespace {

constexpr std::int64_t kLongest = Rule::kLongest * 1000;
constexpr std::size_t kMostSlots = 1000; // of a provider
constexpr std::size_t kMostHits = 100;
constexpr unsigned kMostBehind = 100'000;
constexpr std::int64_t kProbe = 60'000; // from one probe of a message to the next
constexpr std::size_t kMostSaid = 500;

} // namespace

void Throttles::configure(std::shared_ptr<const Providers> known) {
  known_ = known ? std::move(known) : std::make_shared<const Providers>();
  for (auto& [name, state] : states_) {
    const Provider* const one = provider(name);
    std::erase_if(state.slots, [&](const auto& slot) {
      const Rule* const rule = one == nullptr ? nullptr : one->rule(slot.first.first);
      const bool gone = rule == nullptr || (rule->scope == Scope::source) != slot.first.second.empty();
      if (gone && slot.second.effect.until != 0) unsaved_.insert(key_of(name, slot.first));
      return gone;
    });
  }
}

std::vector<std::string> Throttles::names_of(std::string_view wanted) const {
  std::vector<std::string> names;
  for (const auto& [name, state] : states_)
    if (std::string_view(name).substr(0, name.find('@')) == wanted) names.push_back(name);
  return names;
}

// ---- Effects ----

/// Clocks jump: what would last longer than anything may is over.
Throttles::Phase Throttles::phase(const Slot& slot, std::int64_t now) {
  const std::int64_t until = slot.effect.until;
  if (until == 0 || until > now + kLongest) return Phase::none;
  if (until > now) return Phase::acts;
  return until + kLongest > now ? Phase::probes : Phase::none;
}

/// Those that are about something now: `look(slot, rule, phase)`.
template <class Look>
void Throttles::each(const std::string& name, std::int64_t now, Look&& look) const {
  const auto at = states_.find(name);
  const Provider* const one = provider(name);
  if (at == states_.end() || one == nullptr) return;
  for (const auto& [key, slot] : at->second.slots) {
    const Phase its = phase(slot, now);
    const Rule* const rule = its == Phase::none ? nullptr : one->rule(key.first);
    if (rule != nullptr && (its == Phase::acts || rule->act == Act::pause)) look(slot, *rule, its);
  }
}

std::string Throttles::subject_of(const Rule& rule, const Subjects& subjects) {
  switch (rule.scope) {
    case Scope::source: return {};
    case Scope::lane: return subjects.lane;
    case Scope::tenant: return subjects.tenant;
    case Scope::signing_domain: return subjects.signing_domain;
    case Scope::recipient_domain: return subjects.recipient_domain;
  }
  return {};
}

std::int64_t Throttles::interval(const std::string& name, std::int64_t now) const {
  const Provider* const one = provider(name);
  std::int64_t interval = one == nullptr ? 0 : one->rate.interval();
  each(name, now, [&](const Slot&, const Rule& rule, Phase) {
    if (rule.scope == Scope::source && rule.act == Act::rate) interval = std::max(interval, rule.rate.interval());
  });
  return interval;
}

unsigned Throttles::window(const std::string& name, std::int64_t now) const {
  const Provider* const one = provider(name);
  unsigned most = one == nullptr ? 0 : one->connections;
  const auto bound = [&](unsigned number) { most = most == 0 ? number : std::min(most, number); };
  each(name, now, [&](const Slot&, const Rule& rule, Phase its) {
    if (rule.scope != Scope::source) return;
    if (rule.act == Act::connections) bound(rule.number);
    if (rule.act == Act::pause && its == Phase::probes) bound(1);
  });
  return most;
}

// ---- Sites ----

void Throttles::enter(const std::string& name) {
  if (!name.empty()) ++states_[name].workers;
}

void Throttles::leave(const std::string& name) {
  if (name.empty()) return;
  State& state = states_.at(name);
  assert(state.workers > 0 && "each leaves once");
  --state.workers;
}

unsigned Throttles::workers(const std::string& name) const {
  const auto at = states_.find(name);
  return at == states_.end() ? 0 : at->second.workers;
}

bool Throttles::room(const std::string& name, std::int64_t now) const {
  const unsigned most = name.empty() ? 0 : window(name, now);
  return most == 0 || workers(name) < most;
}

bool Throttles::surplus(const std::string& name, std::int64_t now) const {
  const unsigned most = name.empty() ? 0 : window(name, now);
  return (most > 0 && workers(name) > most) || goes_at(name, now) > now;
}

std::int64_t Throttles::goes_at(const std::string& name, std::int64_t now) const {
  const auto at = states_.find(name);
  if (name.empty() || at == states_.end()) return 0;
  const std::int64_t pace = interval(name, now);
  std::int64_t when = pace > 0 ? std::min(at->second.next, now + pace) : 0; // clocks jump
  each(name, now, [&](const Slot& slot, const Rule& rule, Phase its) {
    if (rule.scope == Scope::source && rule.act == Act::pause && its == Phase::acts)
      when = std::max(when, slot.effect.until);
  });
  return when;
}

bool Throttles::paced(const std::string& name, std::int64_t now) const {
  return !name.empty() && interval(name, now) > 0;
}

unsigned Throttles::per_connection(const std::string& name, std::int64_t now) const {
  const Provider* const one = provider(name);
  unsigned most = one == nullptr ? 0 : one->per_connection;
  each(name, now, [&](const Slot&, const Rule& rule, Phase) {
    if (rule.act == Act::per_connection) most = most == 0 ? rule.number : std::min(most, rule.number);
  });
  return most;
}

void Throttles::begins(const std::string& name, std::int64_t now) {
  const std::int64_t pace = name.empty() ? 0 : interval(name, now);
  if (pace > 0) states_[name].next = now + pace;
}

// ---- Messages ----

bool Throttles::asks_for_tenant(const std::string& name) const {
  const Provider* const one = provider(name);
  return one != nullptr && std::ranges::any_of(one->rules, [](const Rule& r) { return r.scope == Scope::tenant; });
}

std::int64_t Throttles::admit(const std::string& name, const Subjects& subjects, std::int64_t now) {
  const auto at = states_.find(name);
  if (name.empty() || at == states_.end() || at->second.slots.empty()) return now; // as it nearly always is
  std::vector<std::pair<Slot*, std::int64_t>> paced;
  Slot* last = nullptr;
  std::int64_t when = now;
  each(name, now, [&](const Slot& found, const Rule& rule, Phase its) {
    if (rule.scope == Scope::source || subject_of(rule, subjects) != found.effect.subject) return;
    if (rule.act != Act::rate && rule.act != Act::pause) return;
    auto& slot = at->second.slots.at({rule.name, found.effect.subject});
    std::int64_t goes = slot.effect.until;
    std::int64_t pace = 0;
    if (rule.act == Act::rate || its == Phase::probes) {
      pace = its == Phase::probes ? kProbe : rule.rate.interval();
      goes = slot.next <= now || slot.next > now + pace ? now : slot.next + slot.behind * pace;
      if (its == Phase::acts) goes = std::min(goes, slot.effect.until);
      paced.emplace_back(&slot, pace);
    }
    if (goes > when) last = pace > 0 ? &slot : nullptr;
    when = std::max(when, goes);
  });
  if (when > now) {
    if (last != nullptr) last->behind = std::min(last->behind + 1, kMostBehind);
    return std::min(when, now + kLongest);
  }
  for (const auto& [slot, pace] : paced) {
    slot->next = now + pace;
    if (slot->behind > 0) --slot->behind;
  }
  return now;
}

void Throttles::taken(const std::string& name, const Subjects& subjects, std::int64_t now) {
  const auto at = states_.find(name);
  if (name.empty() || at == states_.end() || at->second.slots.empty()) return;
  std::vector<Key> over;
  each(name, now, [&](const Slot& slot, const Rule& rule, Phase its) {
    if (its == Phase::probes && subject_of(rule, subjects) == slot.effect.subject)
      over.emplace_back(rule.name, slot.effect.subject);
  });
  for (const Key& key : over) {
    at->second.slots.erase(key);
    unsaved_.insert(key_of(name, key));
  }
}

/// One more reply of the kind. True when there were enough of them.
bool Throttles::counts(Slot& slot, const Rule& rule, const std::string& domain, bool sure, std::int64_t now) {
  const std::int64_t period = rule.count.number > 0 ? rule.count.period * 1000 : Rule::kRuleLasts * 1000;
  std::erase_if(slot.hits, [&](const auto& hit) { return hit.first > now || hit.first <= now - period; });
  slot.hits.emplace_back(now, sure ? std::string() : domain);
  if (slot.hits.size() > kMostHits) slot.hits.pop_front();
  if (slot.hits.size() < std::min<std::size_t>(rule.count.number, kMostHits)) return false;
  const auto other = [&](const auto& hit) { return hit.second != domain; };
  return sure || rule.scope != Scope::source || std::ranges::any_of(slot.hits, other);
}

Throttles::Heard Throttles::hear(const std::string& name, const mail::Reply& reply, const Subjects& subjects, bool sure,
                                 std::int64_t now) {
  Heard heard;
  const Provider* const one = name.empty() ? nullptr : provider(name);
  const Rule* const rule = one == nullptr ? nullptr : one->match(reply);
  if (rule == nullptr) return heard;
  const Key key{rule->name, subject_of(*rule, subjects)};
  const bool lost = rule->scope != Scope::source && key.second.empty(); // mail of nobody's: a report, say
  if (lost) return heard;
  heard.rule = *rule;
  State& state = states_[name];
  tidy(name, state, now);
  Slot& slot = state.slots[key];
  heard.acts = counts(slot, *rule, subjects.recipient_domain, sure, now);
  if (!heard.acts || rule->act == Act::hold || rule->act == Act::fail) return heard;
  const Phase before = phase(slot, now);
  if (before == Phase::acts && rule->act == Act::pause) return heard; // others were refused with it
  const unsigned times = before == Phase::probes && rule->act == Act::pause ? slot.effect.times + 1 : 1;
  const std::int64_t lasts = std::min(rule->lasts * 1000 << std::min(times - 1, 8U), kLongest);
  slot.effect = {.provider = name,
                 .rule = rule->name,
                 .subject = key.second,
                 .since = now,
                 .until = now + lasts,
                 .times = times,
                 .said = reply.to_string().substr(0, kMostSaid)};
  slot.hits.clear();
  unsaved_.insert(key_of(name, key));
  return heard;
}

/// What is over goes; and where there are too many, those that end first.
void Throttles::tidy(const std::string& name, State& state, std::int64_t now) {
  if (state.slots.size() < kMostSlots) return;
  std::vector<std::pair<std::int64_t, Key>> order;
  for (const auto& [key, slot] : state.slots)
    order.emplace_back(phase(slot, now) == Phase::none ? 0 : slot.effect.until, key);
  std::ranges::sort(order);
  order.resize(kMostSlots / 4);
  for (const auto& [until, key] : order) {
    if (state.slots.at(key).effect.until != 0) unsaved_.insert(key_of(name, key));
    state.slots.erase(key);
  }
}

// ---- To be shown ----

std::optional<Throttles::Wait> Throttles::wait_of(const std::string& name, const Subjects* subjects,
                                                  std::int64_t now) const {
  std::optional<Wait> found;
  each(name, now, [&](const Slot& slot, const Rule& rule, Phase its) {
    const bool about_all = rule.scope == Scope::source;
    if (!about_all && (subjects == nullptr || subject_of(rule, *subjects) != slot.effect.subject)) return;
    if (its != Phase::acts || rule.act == Act::per_connection) return;
    const bool stronger = !found || (rule.act == Act::pause && found->rule.act != Act::pause) ||
                          (rule.act == found->rule.act && slot.effect.until > found->effect.until);
    if (stronger) found = Wait{slot.effect, rule};
  });
  return found;
}

std::vector<Throttles::Effect> Throttles::effects(const std::string& name, std::int64_t now) const {
  std::vector<Effect> all;
  each(name, now, [&](const Slot& slot, const Rule&, Phase) { all.push_back(slot.effect); });
  return all;
}

bool Throttles::forget(const std::string& name, const std::string& rule) {
  const auto at = states_.find(name);
  if (at == states_.end()) return false;
  return std::erase_if(at->second.slots, [&](const auto& one) {
           const bool meant = rule.empty() || one.first.first == rule;
           if (meant && one.second.effect.until != 0) unsaved_.insert(key_of(name, one.first));
           return meant;
         }) > 0;
}

// ---- To be kept ----

std::string Throttles::key_of(const std::string& name, const Key& key) {
  return "rule:" + name + ":" + key.first + ":" + key.second;
}

std::vector<store::SiteFacts> Throttles::unsaved(std::size_t most) {
  std::vector<store::SiteFacts> some;
  while (!unsaved_.empty() && some.size() < most) {
    store::SiteFacts facts{.key = std::move(unsaved_.extract(unsaved_.begin()).value())};
    const auto parts = split(facts.key, ':');
    const auto state = states_.find(parts[1]);
    if (state != states_.end()) {
      const auto slot = state->second.slots.find({std::string(parts[2]), std::string(parts[3])});
      if (slot != state->second.slots.end() && slot->second.effect.until != 0) {
        const Effect& effect = slot->second.effect;
        facts.pause_until = effect.until;
        facts.blocks = effect.times;
        facts.why = effect.said;
        facts.learned_at = effect.since;
      }
    }
    some.push_back(std::move(facts));
  }
  return some;
}

void Throttles::save_again(const std::string& key) { unsaved_.insert(key); }

bool Throttles::restore(const store::SiteFacts& kept, std::int64_t now) {
  const auto parts = split(kept.key, ':');
  if (parts.size() != 4) return false;
  const std::string name(parts[1]), rule_name(parts[2]), subject(parts[3]);
  const Provider* const one = provider(name);
  const Rule* const rule = one == nullptr ? nullptr : one->rule(rule_name);
  if (rule == nullptr || (rule->scope == Scope::source) != subject.empty()) return false;
  Slot slot;
  slot.effect = {.provider = name,
                 .rule = rule_name,
                 .subject = subject,
                 .since = kept.learned_at,
                 .until = kept.pause_until,
                 .times = std::max(1U, kept.blocks),
                 .said = kept.why};
  if (phase(slot, now) == Phase::none) return false;
  states_[name].slots[{rule_name, subject}] = std::move(slot);
  return true;
}

} // namespace paquebot::queue
