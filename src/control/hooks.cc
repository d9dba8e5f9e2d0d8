// Who is told of events: hooks. Posting to them is the server's (service/hook_poster.h).

#include "base/clock.h"
#include "base/text.h"
#include "control/feed_event.h"
#include "control/handlers.h"
#include "control/hook_rules.h"
#include "control/hook_trial.h"
#include "control/page.h"
#include "net/http_client.h"
#include "net/public_address.h"

#include <algorithm>

namespace paquebot::control {
namespace {

constexpr std::size_t kLongestHookUrl = 2000;
constexpr std::size_t kMostPatterns = 50;

json::array in_list(const std::vector<std::string>& texts) {
  json::array all;
  for (const std::string& text : texts) all.emplace_back(json::string(text));
  return all;
}

json::object present_hook(Context& context, const store::Hook& hook) {
  const std::int64_t now = millis(system_clock().wall());
  return {{"id", hook.id},
          {"login", hook.login},
          {"url", hook.url},
          {"events", in_list(hook.events)},
          {"domains", in_list(hook.domains)},
          {"state", hook.state == store::Hook::State::active ? "active" : "paused"},
          {"created", time_value(hook.created)},
          {"failures", hook.failures},
          {"failing_since", time_value(hook.failing_since)},
          {"again_at", time_value(hook.again_at)},
          {"last_error", hook.last_error},
          {"delivered_at", time_value(hook.delivered_at)},
          {"waiting", hook.cursor < context.store.feed().last()},
          {"rotating_until", time_value(now < hook.old_until ? hook.old_until : 0)}};
}

/// Whether it is one that could ever be asked: names are looked up when it is.
Found<> check_hook_url(const Context& context, const std::string& text) {
  const HookRules rules = context.hooks.hook_rules ? context.hooks.hook_rules() : HookRules();
  const auto wrong = [](std::string why) {
    return refuse(Errc::invalid, std::move(why), "it is as in https://example.org/hook", "url");
  };
  if (text.size() > kLongestHookUrl) return wrong("the URL is too long");
  const auto url = net::parse_http_url(text);
  if (!url) return wrong(url.error().message);
  if (!url->secure && !rules.plain) return wrong("a hook is told over https only (hooks.plain_http allows http)");
  const bool local = url->host == "localhost" || url->host.ends_with(".localhost");
  const bool literal = local || url->host.find(':') != std::string::npos || net::Networks::octets_of(url->host);
  const std::string address = local ? "127.0.0.1" : url->host;
  if (literal && !net::is_public_address(address) && !rules.also.contains(address))
    return wrong("this address is not of the public Internet (hooks.private_networks allows some)");
  return {};
}

Found<std::vector<std::string>> read_patterns(const json::object& body) {
  auto words = texts_field(body, "events");
  if (!words) return std::unexpected(Problem(words.error()));
  if (words->size() > kMostPatterns) return refuse(Errc::invalid, "these are too many", {}, "events");
  for (const std::string& one : *words)
    if (!is_event_pattern(one))
      return refuse(Errc::invalid, "there is no event \"" + printable(one, 80) + "\"", "docs/webhooks.md lists them",
                    "events");
  return std::move(*words);
}

Found<std::vector<std::string>> read_hook_domains(const json::object& body) {
  auto texts = texts_field(body, "domains");
  if (!texts) return std::unexpected(Problem(texts.error()));
  if (texts->size() > kMostPatterns) return refuse(Errc::invalid, "these are too many", {}, "domains");
  for (std::string& one : *texts) {
    auto name = read_domain(one);
    if (!name) return std::unexpected(name.error());
    one = std::move(*name);
  }
  return std::move(*texts);
}

/// What of a request is there goes into the hook.
Found<> read_hook(const Context& context, const json::object& body, store::Hook& hook) {
  if (const auto url = text_field(body, "url"); url && *url) {
    if (auto good = check_hook_url(context, **url); !good) return good;
    hook.url = **url;
  }
  if (body.contains("events")) {
    auto words = read_patterns(body);
    if (!words) return std::unexpected(words.error());
    hook.events = std::move(*words);
  }
  if (!body.contains("domains")) return {};
  auto domains = read_hook_domains(body);
  if (!domains) return std::unexpected(domains.error());
  hook.domains = std::move(*domains);
  return {};
}

Task<Found<store::Hook>> named_hook(Context& context, std::string text) {
  const auto number = parse_u64(text);
  if (!number || *number > INT64_MAX) co_return std::unexpected(no_hook(text));
  const auto id = static_cast<store::Id>(*number);
  auto hook = co_await context.store.feed().get_hook(id);
  if (!hook && hook.error().code == Errc::not_found) co_return std::unexpected(no_hook(text));
  if (!hook) co_return std::unexpected(Problem(hook.error()));
  co_return std::move(*hook);
}

void tell_of_change(Context& context) {
  if (context.hooks.hooks_changed) context.hooks.hooks_changed();
}

} // namespace

Task<Answer> list_hooks(Context& context, Call call) {
  std::optional<store::Id> of;
  if (std::string login = call.ask("login"); !login.empty()) {
    const auto account = co_await need_account(context, std::move(login));
    if (!account) co_return std::unexpected(account.error());
    of = account->id;
  }
  const auto page = read_page(call);
  if (!page) co_return std::unexpected(page.error());
  const auto after = page->after.empty() ? std::optional<std::uint64_t>(0) : parse_u64(page->after);
  if (!after || *after > INT64_MAX)
    co_return refuse(Errc::invalid, "\"after\" must be what the last answer said as \"next\"", {}, "after");
  store::Within within = within_reach(call.asker);
  const auto behind = static_cast<store::Id>(*after);
  const std::size_t most = page->limit + 1;
  auto hooks = co_await context.store.feed().page_hooks(of, std::move(within), behind, most);
  if (!hooks) co_return std::unexpected(hooks.error());
  const bool more = cut_to(*hooks, page->limit);
  json::array list;
  for (const store::Hook& hook : *hooks) list.push_back(present_hook(context, hook));
  json::object out{{"hooks", std::move(list)}};
  if (more) out["next"] = std::to_string(hooks->back().id);
  co_return out;
}

Task<Answer> add_hook(Context& context, Call call) {
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(Problem(body.error()));
  store::Hook wanted;
  const json::value whole(*body);
  std::string login = get_text(whole, "login");
  if (login.empty()) login = call.asker.grants.login;
  if (!login.empty()) {
    const auto account = co_await need_account(context, std::move(login));
    if (!account) co_return std::unexpected(account.error());
    wanted.account = account->id;
  }
  if (auto read = read_hook(context, *body, wanted); !read) co_return std::unexpected(read.error());
  wanted.secret = make_secret();
  auto made = co_await context.store.feed().add_hook(std::move(wanted));
  if (!made) co_return std::unexpected(made.error());
  tell_of_change(context);
  json::object out = present_hook(context, *made);
  out["secret"] = show_secret(made->secret);
  co_return out;
}

Task<Answer> show_hook(Context& context, Call call) {
  std::string id = call.names[0];
  const auto hook = co_await named_hook(context, std::move(id));
  if (!hook) co_return std::unexpected(hook.error());
  co_return present_hook(context, *hook);
}

Task<Answer> change_hook(Context& context, Call call) {
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(Problem(body.error()));
  std::string id = call.names[0];
  auto hook = co_await named_hook(context, std::move(id));
  if (!hook) co_return std::unexpected(hook.error());
  if (auto read = read_hook(context, *body, *hook); !read) co_return std::unexpected(read.error());
  const json::value whole(*body);
  if (const std::string state = get_text(whole, "state"); !state.empty())
    hook->state = state == "active" ? store::Hook::State::active : store::Hook::State::paused;
  const bool rotates = get_bool(whole, "rotate");
  if (rotates) {
    hook->old_secret = std::exchange(hook->secret, make_secret());
    hook->old_until = millis(system_clock().wall() + kRotation);
  }
  store::Hook changed = *hook;
  const auto done = co_await context.store.feed().change_hook(std::move(changed));
  if (!done) co_return std::unexpected(done.error());
  tell_of_change(context);
  std::string again = call.names[0];
  const auto now = co_await named_hook(context, std::move(again));
  if (!now) co_return std::unexpected(now.error());
  json::object out = present_hook(context, *now);
  if (rotates) out["secret"] = show_secret(now->secret);
  co_return out;
}

Task<Answer> remove_hook(Context& context, Call call) {
  std::string id = call.names[0];
  const auto hook = co_await named_hook(context, std::move(id));
  if (!hook) co_return std::unexpected(hook.error());
  const store::Id which = hook->id;
  const auto removed = co_await context.store.feed().remove_hook(which);
  if (!removed) co_return std::unexpected(removed.error());
  tell_of_change(context);
  co_return present_hook(context, *hook);
}

Task<Answer> test_hook(Context& context, Call call) {
  std::string id = call.names[0];
  auto hook = co_await named_hook(context, std::move(id));
  if (!hook) co_return std::unexpected(hook.error());
  if (!context.hooks.test_hook) co_return refuse(Errc::closed, "the server is down: it posts nothing now");
  auto testing = context.hooks.test_hook(std::move(*hook));
  const HookTrial done = co_await std::move(testing);
  json::object out{{"delivered", done.error.empty()}, {"status", done.status}};
  if (!done.error.empty()) out["error"] = done.error;
  co_return out;
}

Task<Answer> replay_hook(Context& context, Call call) {
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(Problem(body.error()));
  std::string id = call.names[0];
  const auto hook = co_await named_hook(context, std::move(id));
  if (!hook) co_return std::unexpected(hook.error());
  const store::Id which = hook->id;
  const std::int64_t since = get_time(json::value(*body), "since");
  const auto place = co_await context.store.feed().replay_hook(which, since);
  if (!place) co_return std::unexpected(place.error());
  tell_of_change(context);
  std::string again = call.names[0];
  const auto now = co_await named_hook(context, std::move(again));
  if (!now) co_return std::unexpected(now.error());
  co_return present_hook(context, *now);
}

} // namespace paquebot::control
