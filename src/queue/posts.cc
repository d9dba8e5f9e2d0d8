#include "queue/posts.h"

#include "base/log.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

namespace paquebot::queue {
namespace {

constexpr std::size_t kKeepAtOnce = 200;
constexpr std::int64_t kFades = 86'400'000;
constexpr std::int64_t kLongestPace = 60'000; // as Site has it

store::SiteFacts facts_of(const std::string& key, const Site::Learned& learned) {
  return {.key = key,
          .most = learned.most,
          .pace = learned.hasty ? -learned.interval : learned.interval,
          .per_connection = learned.per_connection,
          .pause_until = learned.pause_until,
          .blocks = learned.blocks,
          .why = learned.why,
          .learned_at = learned.learned_at};
}

} // namespace

bool Posts::enter(Post& post, const std::string& site, const std::string& provider) {
  if (post.site != site) leave(post);
  const std::lock_guard lock(core_.mutex);
  Destination& place = core_.destinations.at(post.destination);
  place.site = site;
  place.provider = provider;
  core_.sites.belongs(site, provider);
  if (post.site == site) return true;
  const std::vector<store::Id> lanes = place.window.lanes();
  if (!core_.sites.room(site, core_.options->workers_per_destination, core_.now(), lanes)) {
    core_.sites.line_up(site, post.destination, lanes, core_.now());
    return false;
  }
  core_.sites.enter(site);
  post.site = site;
  return true;
}

bool Posts::move_on(Post& post) {
  const std::lock_guard lock(core_.mutex);
  if (post.site.empty() || core_.crew.surplus(post.site, core_.options->workers_per_destination, core_.now()))
    return false;
  while (auto next = core_.sites.next(post.site)) {
    if (*next == post.destination) continue;
    if (!core_.crew.move(post.destination, *next, core_.options->workers_per_destination, core_.now())) continue;
    post.destination = std::move(*next);
    return true;
  }
  return false;
}

bool Posts::wanted(const Post& post) const {
  const std::lock_guard lock(core_.mutex);
  return core_.sites.anybody_waits(post.site);
}

void Posts::leave(Post& post) {
  if (post.site.empty()) return;
  {
    const std::lock_guard lock(core_.mutex);
    if (post.lane) core_.sites.shares(post.site).puts_down(*std::exchange(post.lane, std::nullopt));
    core_.sites.leave(post.site);
    core_.crew.free(post.site, core_.options->workers_per_destination, core_.now());
  }
  post.site.clear();
  core_.runnable();
}

void Posts::release(Post& post) {
  leave(post);
  {
    const std::lock_guard lock(core_.mutex);
    core_.crew.release(post.destination, core_.now());
  }
  core_.runnable();
}

bool Posts::must_wait(const Post& post) const {
  const std::lock_guard lock(core_.mutex);
  const Sites::Entry* const entry = core_.sites.find(post.site);
  return entry != nullptr && entry->site.learned().pause_until > core_.now();
}

std::vector<Posts::Shown> Posts::sites(std::size_t most, const std::string& after) const {
  std::vector<Shown> some;
  const std::lock_guard lock(core_.mutex);
  for (auto at = core_.sites.all().upper_bound(after); at != core_.sites.all().end() && some.size() < most; ++at) {
    const Sites::Entry& entry = at->second;
    if (!entry.site.knows_something() && entry.waiting() == 0 && entry.door.empty()) continue;
    some.push_back(show(at->first, entry));
  }
  return some;
}

std::optional<Posts::Shown> Posts::of(const std::string& destination) const {
  const std::lock_guard lock(core_.mutex);
  const Destination* const place = core_.destinations.find(destination);
  if (place == nullptr || place->site.empty()) return std::nullopt;
  const Sites::Entry* const entry = core_.sites.find(place->site);
  return entry == nullptr ? show(place->site, {}) : show(place->site, *entry);
}

std::optional<Posts::Shown> Posts::site(const std::string& key) const {
  const std::lock_guard lock(core_.mutex);
  const Sites::Entry* const entry = core_.sites.find(key);
  if (entry == nullptr) return std::nullopt;
  return show(key, *entry);
}

Posts::Shown Posts::show(const std::string& key, const Sites::Entry& entry) const {
  return {.key = key,
          .learned = entry.site.learned(),
          .window = entry.site.window(core_.options->workers_per_destination),
          .workers = entry.workers,
          .waiting = entry.waiting(),
          .door = entry.door,
          .provider = entry.provider,
          .one_lane = entry.shares.full(entry.site.window(core_.options->workers_per_destination)).has_value(),
          .crowded_out = entry.waiting() > 0 && !core_.sites.throttles().room(entry.provider, core_.now())};
}

Task<void> Posts::keep() {
  std::vector<store::SiteFacts> facts;
  {
    const std::lock_guard lock(core_.mutex);
    for (const auto& [key, learned] : core_.sites.unsaved(kKeepAtOnce)) facts.push_back(facts_of(key, learned));
    std::ranges::move(core_.sites.throttles().unsaved(kKeepAtOnce), std::back_inserter(facts));
  }
  if (facts.empty()) co_return;
  std::vector<store::SiteFacts> kept = facts;
  const auto done = co_await core_.store.queue().keep_sites(std::move(kept));
  if (done || done.error().code == Errc::closed) co_return;
  log::error("sites-not-kept", {{"why", done.error().message}});
  const std::lock_guard lock(core_.mutex);
  for (const store::SiteFacts& one : facts)
    is_rule_key(one.key) ? core_.sites.throttles().save_again(one.key) : core_.sites.learnt(one.key);
}

void Posts::remember(const std::vector<store::SiteFacts>& kept) {
  const std::lock_guard lock(core_.mutex);
  const std::int64_t now = core_.now();
  for (const store::SiteFacts& one : kept) {
    const bool rule = is_rule_key(one.key);
    if (rule && core_.sites.throttles().restore(one, now)) continue;
    const bool old = one.learned_at < now - kFades && one.pause_until <= now;
    if (rule || old) {
      core_.sites.learnt(one.key); // it goes from the store as well
      continue;
    }
    core_.sites.at(one.key) = Site({.most = one.most,
                                    .interval = std::abs(std::clamp(one.pace, -kLongestPace, kLongestPace)),
                                    .hasty = one.pace < 0,
                                    .per_connection = one.per_connection,
                                    .pause_until = one.pause_until,
                                    .blocks = one.blocks,
                                    .why = one.why,
                                    .learned_at = one.learned_at});
  }
}

void Posts::pause(const std::string& site, std::int64_t until, std::string why) {
  change(site, [&](Site& known, std::int64_t now, unsigned) { known.pause(now, until, std::move(why)); });
}

bool Posts::resume(const std::string& site) {
  {
    const std::lock_guard lock(core_.mutex);
    if (core_.sites.find(site) == nullptr) return false;
    core_.sites.at(site).resume();
    core_.sites.learnt(site);
    core_.crew.free(site, core_.options->workers_per_destination, core_.now());
  }
  core_.runnable();
  return true;
}

bool Posts::forget(const std::string& site) {
  {
    const std::lock_guard lock(core_.mutex);
    if (core_.sites.find(site) == nullptr) return false;
    core_.sites.at(site) = Site();
    core_.sites.learnt(site);
    core_.crew.free(site, core_.options->workers_per_destination, core_.now());
  }
  core_.runnable();
  return true;
}

void Posts::shut(const Post& post, const std::string& door) {
  const std::lock_guard lock(core_.mutex);
  core_.sites.shut(post.site, door, core_.now());
  core_.sites.line_up(post.site, post.destination, core_.destinations.at(post.destination).window.lanes(), core_.now());
}

void Posts::opened(const std::string& door) {
  {
    const std::lock_guard lock(core_.mutex);
    const auto site = core_.sites.open(door);
    if (!site) return;
    core_.crew.free(*site, core_.options->workers_per_destination, core_.now());
    core_.sites.forget_if_idle(*site);
  }
  core_.runnable();
}

/// What is known of the site becomes other.
template <class Change>
void Posts::change(const std::string& site, Change&& how) {
  if (site.empty()) return;
  const std::lock_guard lock(core_.mutex);
  Site& known = core_.sites.at(site);
  const Site::Learned before = known.learned();
  how(known, core_.now(), core_.options->workers_per_destination);
  if (known.learned() != before) core_.sites.learnt(site);
  core_.crew.free(site, core_.options->workers_per_destination, core_.now());
}

void Posts::judged(const Post& post) {
  if (post.site.empty()) return;
  const std::lock_guard lock(core_.mutex);
  const Sites::Entry* const entry = core_.sites.find(post.site);
  if (entry == nullptr || !entry->site.knows_something()) return; // as it nearly always is
  const unsigned configured = core_.options->workers_per_destination;
  const unsigned window = entry->site.window(configured);
  const bool full = entry->workers >= window || entry->shares.full(window);
  Site& known = core_.sites.at(post.site);
  const unsigned most = known.learned().most, blocks = known.learned().blocks;
  known.judged(core_.now(), configured, full);
  if (known.learned().most == most && known.learned().blocks == blocks) return;
  core_.sites.learnt(post.site);
  core_.crew.free(post.site, configured, core_.now());
}

void Posts::too_many(const Post& post, unsigned open, std::string why) {
  change(post.site, [&](Site& site, std::int64_t now, unsigned configured) {
    site.too_many(now, configured, open, std::move(why));
  });
}

void Posts::not_too_many(const Post& post) {
  change(post.site, [](Site& site, std::int64_t, unsigned) { site.not_too_many(); });
}

void Posts::used_up(const Post& post, unsigned messages) {
  change(post.site, [&](Site& site, std::int64_t now, unsigned) { site.used_up(now, messages); });
}

void Posts::heard(const Post& post, Signal signal, std::string why) {
  change(post.site, [&](Site& site, std::int64_t now, unsigned) {
    if (signal == Signal::rate)
      site.too_fast(now, std::move(why));
    else if (signal == Signal::blocked)
      site.blocked(now, std::move(why));
  });
}

unsigned Posts::per_connection(const Post& post) const {
  const std::lock_guard lock(core_.mutex);
  const Sites::Entry* const entry = core_.sites.find(post.site);
  return entry == nullptr ? 0 : entry->site.per_connection(core_.now());
}

} // namespace paquebot::queue
