#include "service/live_desk.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace paquebot::service {
namespace {

using control::LiveConnection;

/// Connections that are watched at the same time; further ones take the place of those that were asked for longest ago.
constexpr std::size_t kMostWatched = 20;
constexpr std::int64_t kWatchedFor = 60'000;

std::int64_t wall_ms() { return millis(system_clock().wall()); }

bool is_out(std::uint64_t id) { return id % 2 == 1; }
std::uint64_t id_of_session(Sessions::Token token) { return token * 2; }
std::uint64_t id_of_peer(std::uint64_t number) { return number * 2 + 1; }

LiveConnection shown(const Sessions::Seen& seen) { return {id_of_session(seen.token), false, seen.since, seen.facts}; }

LiveConnection shown(std::uint64_t number, const delivery::LivePeers::Entry& entry) {
  return {id_of_peer(number), true, entry.since, entry.peer->facts()};
}

} // namespace

void LiveDesk::add_to(control::LiveHooks& hooks, std::shared_ptr<LiveDesk> desk) {
  hooks.connections = [desk](std::optional<bool> out, std::uint64_t after, std::size_t most) {
    return desk->look(out, after, most);
  };
  hooks.watch = [desk](std::uint64_t id) { return desk->watch(id); };
  hooks.end = [desk](std::uint64_t id) { return desk->end(id); };
}

Task<std::vector<LiveConnection>> LiveDesk::look_out(std::uint64_t after, std::size_t most) {
  const Promised<std::vector<LiveConnection>> answer;
  boost::asio::post(parts_.last(), [this, after, most, answer] {
    const auto& all = parts_.deliveries.connector->live().all();
    std::vector<LiveConnection> found;
    for (auto at = all.lower_bound((after + 1) / 2); at != all.end() && found.size() < most; ++at)
      found.push_back(shown(at->first, at->second));
    answer.set(std::move(found));
  });
  std::vector<LiveConnection> found = co_await answer.take();
  co_return found;
}

Task<std::vector<LiveConnection>> LiveDesk::look(std::optional<bool> out, std::uint64_t after, std::size_t most) {
  std::vector<LiveConnection> found;
  if (!out.value_or(false)) {
    const Sessions::Token behind = after / 2;
    const auto sessions = co_await parts_.accounts.sessions.look(behind, most);
    for (const Sessions::Seen& one : sessions) found.push_back(shown(one));
  }
  if (out.value_or(true)) {
    std::vector<LiveConnection> peers = co_await look_out(after, most);
    std::ranges::move(peers, std::back_inserter(found));
  }
  std::ranges::sort(found, {}, &LiveConnection::id);
  if (found.size() > most) found.resize(most);
  co_return found;
}

/// The one that it is watched with, or a new one.
std::shared_ptr<net::Transcript> LiveDesk::transcript_for(std::uint64_t id) {
  const std::int64_t now = wall_ms();
  const std::scoped_lock lock(mutex_);
  std::erase_if(watched_, [now](const auto& one) { return !one.second->watched(now); });
  auto found = watched_.find(id);
  if (found == watched_.end()) {
    if (watched_.size() >= kMostWatched) watched_.erase(watched_.begin());
    found = watched_.emplace(id, std::make_shared<net::Transcript>()).first;
  }
  found->second->watch_until(now + kWatchedFor);
  return found->second;
}

Task<std::optional<control::LiveTranscript>> LiveDesk::watch(std::uint64_t id) {
  const std::shared_ptr<net::Transcript> transcript = transcript_for(id);
  std::optional<LiveConnection> found;
  if (is_out(id)) {
    const Promised<std::optional<LiveConnection>> answer;
    boost::asio::post(parts_.last(), [this, id, transcript, answer] {
      const auto& all = parts_.deliveries.connector->live().all();
      const auto at = all.find(id / 2);
      if (at == all.end()) return answer.set(std::nullopt);
      at->second.peer->watch(transcript);
      answer.set(shown(at->first, at->second));
    });
    found = co_await answer.take();
  } else {
    std::shared_ptr<net::Transcript> kept = transcript;
    const Sessions::Token token = id / 2;
    const auto seen = co_await parts_.accounts.sessions.watch(token, std::move(kept));
    if (seen) found = shown(*seen);
  }
  if (!found) {
    const std::scoped_lock lock(mutex_);
    watched_.erase(id);
    co_return std::nullopt;
  }
  co_return control::LiveTranscript{std::move(*found), transcript->lines(), transcript->lost()};
}

Task<bool> LiveDesk::end(std::uint64_t id) {
  if (!is_out(id)) co_return parts_.accounts.sessions.break_off(id / 2);
  const Promised<bool> answer;
  boost::asio::post(parts_.last(), [this, id, answer] {
    const auto& all = parts_.deliveries.connector->live().all();
    const auto at = all.find(id / 2);
    if (at != all.end()) at->second.peer->break_off();
    answer.set(at != all.end());
  });
  co_return co_await answer.take();
}

} // namespace paquebot::service
