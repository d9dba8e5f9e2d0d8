// Sites: hosts of others that share limits, what was learnt of these, and why something waits.

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/handlers.h"
#include "control/page.h"
#include "control/present.h"
#include "control/provider_words.h"
#include "mail/timestamp.h"

#include <algorithm>
#include <utility>

namespace paquebot::control {
namespace {

constexpr std::size_t kMostPauseReason = 200;
constexpr std::size_t kMostSiteName = 1000;

std::unexpected<Error> no_sites() { return fail(Errc::closed, "the server does not run: it is at no site"); }

Problem no_site(std::string_view key) {
  return {Errc::not_found, "nothing is known of a site " + printable(key, 200), "all: paquebot site list"};
}

/// What it has to wait for, in words; empty: for nothing.
std::string waits_for(const queue::Posts::Shown& one, const queue::Shaping* shaping, std::int64_t now) {
  const queue::Site::Learned& known = one.learned;
  if (known.pause_until > now) return "it pauses: " + known.why;
  if (const auto wait = shaping == nullptr ? std::nullopt : shaping->wait_at(one.key)) return wait_words(*wait);
  if (!one.door.empty()) return "as many deliveries as may be are under way to " + one.door;
  if (one.crowded_out) return "as many deliveries as may be are under way to " + one.provider;
  if (one.workers >= one.window && one.workers > 0) return "as many deliveries as may be are under way to this site";
  if (one.one_lane && one.waiting > 0)
    return "as many deliveries of one sender as may be are under way to this site; the last place is for others";
  if (known.interval > 0) return "its messages go one after the other: " + known.why;
  return {};
}

json::object present_site(const queue::Posts::Shown& one, const queue::Shaping* shaping, std::int64_t now) {
  const queue::Site::Learned& known = one.learned;
  return {{"site", printable(one.key, 1000)},
          {"provider", one.provider},
          {"window", one.window},
          {"workers", one.workers},
          {"waiting", one.waiting},
          {"pace", known.interval},
          {"per_connection", known.per_connection},
          {"paused_until", time_value(known.pause_until > now ? known.pause_until : 0)},
          {"waits_for", printable(waits_for(one, shaping, now), 1000)},
          {"why", printable(known.why, 1000)},
          {"learned", time_value(known.learned_at)}};
}

struct WaitReason {
  std::string words, site;
  std::int64_t until = 0; ///< 0: not known
};

/// What is needed to say why something waits.
struct WaitsWith {
  const std::vector<store::DestinationFacts>& destinations;
  const LiveHooks& live;
  queue::Throttles::Subjects subjects{}; ///< of the message
  std::int64_t now = 0;
};

/// Of a recipient whose time has come, or that is in hand.
WaitReason reason_at_site(const queue::Posts::Shown& site, const WaitsWith& with) {
  const std::int64_t now = with.now;
  WaitReason reason{.words = waits_for(site, with.live.shaping, now), .site = site.key};
  if (reason.words.empty()) reason.words = "its turn comes, or it is under way";
  if (site.learned.pause_until > now && site.learned.pause_until != queue::Site::kForGood)
    reason.until = site.learned.pause_until;
  return reason;
}

/// By a rule of the provider that its mail goes to.
std::optional<WaitReason> reason_by_rule(const store::RecipientFacts& recipient, const WaitsWith& with) {
  if (with.live.shaping == nullptr) return std::nullopt;
  queue::Throttles::Subjects subjects = with.subjects;
  subjects.recipient_domain = to_lower(recipient.address.substr(recipient.address.rfind('@') + 1));
  const auto wait = with.live.shaping->wait_of(recipient.destination, &subjects);
  if (!wait) return std::nullopt;
  const auto site = with.live.posts == nullptr ? std::nullopt : with.live.posts->of(recipient.destination);
  return WaitReason{.words = wait_words(*wait),
                    .site = site ? site->key : std::string(),
                    .until = std::max(wait->effect.until, std::int64_t{0})};
}

WaitReason reason_of(const store::RecipientFacts& recipient, const WaitsWith& with) {
  const auto& destinations = with.destinations;
  const queue::Posts* const posts = with.live.posts;
  const std::int64_t now = with.now;
  if (recipient.state == store::State::held) return {.words = "it is held: " + recipient.reason};
  if (auto rule = reason_by_rule(recipient, with)) return std::move(*rule);
  const auto place = std::ranges::find(destinations, recipient.destination, &store::DestinationFacts::key);
  if (recipient.state == store::State::waiting && recipient.due > now) {
    if (place != destinations.end() && place->backoff_until > now)
      return {.words = recipient.destination + " is tried again then: " + place->last_error,
              .until = std::max(place->backoff_until, recipient.due)};
    if (recipient.attempts == 0) return {.words = "its time has not come", .until = recipient.due};
    return {.words = "it is tried again then: " + recipient.last_reply.to_string(), .until = recipient.due};
  }
  if (posts == nullptr) return {.words = "the server does not run"};
  const auto site = posts->of(recipient.destination);
  return site ? reason_at_site(*site, with) : WaitReason{.words = "its turn comes"};
}

Task<Answer> order_site(Context& context, Call call, bool (*order)(queue::Posts&, const std::string&)) {
  const std::string& key = call.names[0];
  queue::Posts* const posts = context.hooks.live.posts;
  if (posts == nullptr) co_return no_sites();
  if (!order(*posts, key)) co_return std::unexpected(no_site(key));
  co_return json::object{{"site", key}};
}

/// Of an operator, if that is what it has.
Task<void> end_pause(Context& context, std::string site) {
  const auto ended = co_await context.store.queue().end_suspension(store::Suspension::Of::site, std::move(site));
  if (!ended && ended.error().code != Errc::not_found)
    log::warning("control", {{"what", "a pause is not written down as over"}, {"why", ended.error().message}});
}

} // namespace

Task<Answer> list_sites(Context& context, Call call) {
  const auto page = read_page(call);
  if (!page) co_return std::unexpected(page.error());
  const queue::Posts* const posts = context.hooks.live.posts;
  if (posts == nullptr) co_return no_sites();
  auto found = posts->sites(page->limit + 1, page->after);
  const bool more = cut_to(found, page->limit);
  const std::int64_t now = millis(system_clock().wall());
  json::array list;
  for (const auto& one : found) list.emplace_back(present_site(one, context.hooks.live.shaping, now));
  json::object out{{"sites", std::move(list)}};
  if (more) out["next"] = found.back().key;
  co_return out;
}

Task<Answer> show_site(Context& context, Call call) {
  const queue::Posts* const posts = context.hooks.live.posts;
  if (posts == nullptr) co_return no_sites();
  const auto found = posts->site(call.names[0]);
  if (!found) co_return std::unexpected(no_site(call.names[0]));
  co_return present_site(*found, context.hooks.live.shaping, millis(system_clock().wall()));
}

Task<Answer> pause_site(Context& context, Call call) {
  queue::Posts* const posts = context.hooks.live.posts;
  if (posts == nullptr) co_return no_sites();
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(Problem(body.error()));
  const json::value whole(*body);
  const std::string reason = get_text(whole, "reason"), text = get_text(whole, "until");
  if (reason.size() > kMostPauseReason)
    co_return refuse(Errc::invalid, "the reason is too long: 200 octets at most", {}, "reason");
  const auto until = read_time_to_come(text);
  if (!until) co_return std::unexpected(until.error());
  if (call.names[0].empty() || call.names[0].size() > kMostSiteName)
    co_return refuse(Errc::invalid, "a site's name has 1 to 1000 octets", {}, "site");
  const std::string why = "by " + call.who + (reason.empty() ? "" : ": " + reason);
  store::Suspension order{.of = store::Suspension::Of::site, .name = call.names[0], .until = *until};
  order.who = printable(call.who, 300);
  order.why = printable(reason, 300);
  const auto kept = co_await context.store.queue().suspend(std::move(order));
  if (!kept) co_return std::unexpected(kept.error());
  posts->pause(call.names[0], *until == 0 ? queue::Site::kForGood : *until, why);
  co_return json::object{{"site", call.names[0]}};
}

Task<Answer> resume_site(Context& context, Call call) {
  std::string site = call.names[0];
  co_await end_pause(context, std::move(site));
  bool (*order)(queue::Posts&, const std::string&) = [](queue::Posts& posts, const std::string& key) {
    return posts.resume(key);
  };
  Answer answer = co_await order_site(context, std::move(call), order);
  co_return answer;
}

Task<Answer> forget_site(Context& context, Call call) {
  std::string site = call.names[0];
  co_await end_pause(context, std::move(site));
  bool (*order)(queue::Posts&, const std::string&) = [](queue::Posts& posts, const std::string& key) {
    return posts.forget(key);
  };
  Answer answer = co_await order_site(context, std::move(call), order);
  co_return answer;
}

Task<Answer> why_queued(Context& context, Call call) {
  const auto id = read_id(call.names[0]);
  if (!id) co_return std::unexpected(id.error());
  store::QueueFilter filter;
  filter.message = *id;
  const std::optional<Ulid> from_start;
  const auto items = co_await context.store.queue().list(filter, from_start, 1);
  if (!items) co_return std::unexpected(items.error());
  if (items->empty()) {
    const std::string text = id->to_string();
    co_return refuse(Errc::not_found, "message " + text + " is not in the queue", "its trail: paquebot trace " + text);
  }
  const auto destinations = co_await context.store.queue().list_destinations(false);
  if (!destinations) co_return std::unexpected(destinations.error());
  const store::MessageFacts& message = items->front().message;
  WaitsWith with{.destinations = *destinations,
                 .live = context.hooks.live,
                 .subjects = {.lane = std::to_string(store::lane_of(message)),
                              .signing_domain = to_lower(message.sender.reverse_path.domain)},
                 .now = millis(system_clock().wall())};
  if (message.account != 0) {
    const auto owner = co_await context.store.directory().get_account(message.account);
    if (owner) with.subjects.tenant = to_lower(owner->login.substr(owner->login.rfind('@') + 1));
  }
  json::array reasons;
  for (const store::RecipientFacts& recipient : items->front().recipients) {
    using enum store::State;
    if (recipient.state != waiting && recipient.state != in_hand && recipient.state != held) continue;
    const WaitReason reason = reason_of(recipient, with);
    reasons.emplace_back(json::object{{"address", recipient.address},
                                      {"words", printable(reason.words, 2000)},
                                      {"site", printable(reason.site, 1000)},
                                      {"until", time_value(reason.until)}});
  }
  co_return json::object{{"reasons", std::move(reasons)}};
}

} // namespace paquebot::control
