#include "queue/shaping.h"

#include "base/log.h"

#include <algorithm>
#include <iterator>

namespace paquebot::queue {

/// Under the lock.
std::string Shaping::provider_at(const std::string& site) const {
  const Sites::Entry* const entry = core_.sites.find(site);
  return entry == nullptr ? std::string() : entry->provider;
}

bool Shaping::asks_for_tenant(const Post& post) const {
  const std::lock_guard lock(core_.mutex);
  return core_.sites.throttles().asks_for_tenant(provider_at(post.site));
}

std::optional<std::int64_t> Shaping::admit(const Post& post, const Throttles::Subjects& subjects) {
  const std::lock_guard lock(core_.mutex);
  const std::int64_t now = core_.now();
  const std::int64_t when = core_.sites.throttles().admit(provider_at(post.site), subjects, now);
  return when > now ? std::optional(when) : std::nullopt;
}

void Shaping::begins(const Post& post) {
  if (post.site.empty()) return;
  const std::lock_guard lock(core_.mutex);
  core_.sites.begins(post.site, core_.now());
}

void Shaping::taken(const Post& post, const Throttles::Subjects& subjects) {
  {
    const std::lock_guard lock(core_.mutex);
    const std::string name = provider_at(post.site);
    if (name.empty()) return;
    const unsigned before = core_.sites.throttles().window(name, core_.now());
    core_.sites.throttles().taken(name, subjects, core_.now());
    if (core_.sites.throttles().window(name, core_.now()) == before) return; // as it nearly always is
    core_.crew.free_provided(core_.options->workers_per_destination, core_.now());
  }
  core_.runnable();
}

Throttles::Heard Shaping::hear(const Post& post, const mail::Reply& reply, const Throttles::Subjects& subjects,
                               bool sure) {
  std::string name;
  Throttles::Heard heard;
  {
    const std::lock_guard lock(core_.mutex);
    name = provider_at(post.site);
    heard = core_.sites.throttles().hear(name, reply, subjects, sure, core_.now());
  }
  if (heard.acts)
    log::warning("provider-rule", {{"provider", name},
                                   {"rule", heard.rule->name},
                                   {"does", heard.rule->words()},
                                   {"scope", name_of(heard.rule->scope)},
                                   {"reply", reply.to_string()}});
  return heard;
}

bool Shaping::has_source(const std::string& name) const {
  const std::lock_guard lock(core_.mutex);
  return core_.options->sources && core_.options->sources->by_name(name) != nullptr;
}

unsigned Shaping::per_connection(const Post& post) const {
  const std::lock_guard lock(core_.mutex);
  const std::string name = provider_at(post.site);
  return name.empty() ? 0 : core_.sites.throttles().per_connection(name, core_.now());
}

std::optional<Throttles::Wait> Shaping::wait_of(const std::string& destination,
                                                const Throttles::Subjects* subjects) const {
  const std::lock_guard lock(core_.mutex);
  const Destination* const place = core_.destinations.find(destination);
  if (place == nullptr || place->provider.empty()) return std::nullopt;
  return core_.sites.throttles().wait_of(place->provider, subjects, core_.now());
}

std::optional<Throttles::Wait> Shaping::wait_at(const std::string& site) const {
  const std::lock_guard lock(core_.mutex);
  return core_.sites.throttles().wait_of(provider_at(site), nullptr, core_.now());
}

/// Under the lock.
Shaping::Shown Shaping::show(const Provider& provider) const {
  const Throttles& throttles = core_.sites.throttles();
  Shown shown{.provider = provider, .window = throttles.window(provider.name, core_.now())};
  for (const std::string& name : throttles.names_of(provider.name)) {
    shown.workers += throttles.workers(name);
    std::ranges::move(throttles.effects(name, core_.now()), std::back_inserter(shown.effects));
  }
  for (const auto& [key, entry] : core_.sites.all()) {
    if (throttles.provider(entry.provider) == nullptr || throttles.provider(entry.provider)->name != provider.name)
      continue;
    ++shown.sites;
    shown.waiting += entry.waiting();
  }
  return shown;
}

std::vector<Shaping::Shown> Shaping::providers() const {
  std::vector<Shown> all;
  const std::lock_guard lock(core_.mutex);
  if (!core_.options->providers) return all;
  for (const Provider& one : core_.options->providers->all()) all.push_back(show(one));
  return all;
}

std::optional<Shaping::Shown> Shaping::provider(const std::string& name) const {
  const std::lock_guard lock(core_.mutex);
  const Provider* const one = core_.sites.throttles().provider(name);
  if (one == nullptr) return std::nullopt;
  return show(*one);
}

bool Shaping::forget(const std::string& name, const std::string& rule) {
  {
    const std::lock_guard lock(core_.mutex);
    bool some = false;
    for (const std::string& one : core_.sites.throttles().names_of(name))
      some = core_.sites.throttles().forget(one, rule) || some;
    if (!some) return false;
    core_.crew.free_provided(core_.options->workers_per_destination, core_.now());
  }
  core_.runnable();
  return true;
}

} // namespace paquebot::queue
