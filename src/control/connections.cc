// Connections that are open now.

#include "base/text.h"
#include "control/handlers.h"

#include <utility>

namespace paquebot::control {
namespace {

constexpr std::size_t kMostShownOfLine = 300;

std::unexpected<Error> not_running() { return fail(Errc::closed, "the server does not run: there are no connections"); }

Problem no_connection(std::string_view id) {
  return {Errc::not_found, "there is no connection " + printable(id, 64) + " any more"};
}

std::string in_print(const std::string& text) { return printable(text, kMostShownOfLine); }

json::object present_connection(const LiveConnection& one) {
  const net::LiveFacts& facts = one.facts;
  return {{"id", one.id},
          {"direction", one.out ? "out" : "in"},
          {"protocol", facts.protocol},
          {"role", facts.role},
          {"peer", facts.peer},
          {"name", in_print(facts.name)},
          {"account", facts.account},
          {"state", facts.state},
          {"tls", facts.tls},
          {"since", time_value(one.since)},
          {"last_reply", in_print(facts.last_reply)},
          {"destination", in_print(facts.destination)}};
}

std::string_view who_said(net::Transcript::Who who) {
  switch (who) {
    case net::Transcript::Who::peer: return "peer";
    case net::Transcript::Who::us: return "us";
    case net::Transcript::Who::note: return "note";
  }
  return "note";
}

} // namespace

Task<Answer> list_connections(Context& context, Call call) {
  const auto limit = read_limit(call, 100, kUsualPage);
  if (!limit) co_return std::unexpected(limit.error());
  const std::string text = call.ask("after"), direction = call.ask("direction");
  const auto after = text.empty() ? std::optional<std::uint64_t>(0) : parse_u64(text);
  if (!after) co_return refuse(Errc::invalid, "\"after\" must be what the last answer said as \"next\"", {}, "after");
  if (!context.hooks.live.connections) co_return not_running();
  std::optional<bool> out;
  if (!direction.empty()) out = direction == "out";
  const auto& look = context.hooks.live.connections;
  Task<std::vector<LiveConnection>> looking = look(out, *after, *limit + 1);
  std::vector<LiveConnection> found = co_await std::move(looking);
  const bool more = found.size() > *limit;
  if (more) found.resize(*limit);
  json::array list;
  for (const LiveConnection& one : found) list.push_back(present_connection(one));
  json::object answer{{"connections", std::move(list)}};
  if (more) answer["next"] = std::to_string(found.back().id);
  co_return answer;
}

Task<Answer> show_connection(Context& context, Call call) {
  if (!context.hooks.live.watch) co_return not_running();
  const auto id = parse_u64(call.names[0]);
  std::optional<LiveTranscript> found;
  if (id) {
    const auto& watch = context.hooks.live.watch;
    Task<std::optional<LiveTranscript>> looking = watch(*id);
    found = co_await std::move(looking);
  }
  if (!found) co_return std::unexpected(no_connection(call.names[0]));
  json::object answer = present_connection(found->connection);
  json::array lines;
  for (const net::Transcript::Line& line : found->lines)
    lines.push_back(
        json::object{{"at", time_value(line.at)}, {"who", who_said(line.who)}, {"text", in_print(line.text)}});
  answer["lines"] = std::move(lines);
  answer["lost"] = found->lost;
  co_return answer;
}

Task<Answer> end_connection(Context& context, Call call) {
  if (!context.hooks.live.end) co_return not_running();
  const auto id = parse_u64(call.names[0]);
  bool ended = false;
  if (id) {
    const auto& end = context.hooks.live.end;
    Task<bool> ending = end(*id);
    ended = co_await std::move(ending);
  }
  if (!ended) co_return std::unexpected(no_connection(call.names[0]));
  co_return json::object{{"ended", *id}};
}

} // namespace paquebot::control
