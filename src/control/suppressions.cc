// Addresses that programs of the API send nothing to any more.

#include "base/clock.h"
#include "base/text.h"
#include "control/action.h"
#include "control/handlers.h"
#include "control/page.h"
#include "control/present.h"
#include "mail/timestamp.h"
#include "store/suppression.h"

namespace paquebot::control {
namespace {

constexpr std::size_t kUsualSuppressions = 100;
constexpr std::size_t kMostNote = 200;
constexpr std::string_view kServers = "*"; // as `of`

json::object present_suppression(const store::Suppression& one) {
  const bool evidence = one.message != Ulid();
  return {{"id", one.id},
          {"address", one.address},
          {"scope", store::name_of(one.scope)},
          {"of", one.owner},
          {"reason", store::name_of(one.reason)},
          {"message", evidence ? one.message.to_string() : std::string()},
          {"reply", one.reply},
          {"since", time_value(one.since)},
          {"until", time_value(one.until)}};
}

/// Whose it is to be: a domain's, an account's, or the server's; without a name that of who asks, and the server's
/// where that is no account.
Task<Found<store::Suppression>> suppression_owner(Context& context, std::string of, const Grants& grants) {
  store::Suppression one;
  if (of.empty()) of = grants.login;
  if (of.empty() || of == kServers) {
    one.scope = store::SuppressScope::server;
    co_return one;
  }
  if (of.find('@') != of.npos) {
    const auto account = co_await need_account(context, std::move(of));
    if (!account) co_return std::unexpected(account.error());
    one.of = account->id;
    co_return one;
  }
  const auto name = read_domain(of);
  if (!name) co_return std::unexpected(name.error());
  const auto domains = co_await context.store.directory().list_domains();
  if (!domains) co_return std::unexpected(Problem(domains.error()));
  for (const store::Domain& domain : *domains)
    if (domain.name == *name) one.of = domain.id;
  if (one.of == 0) co_return std::unexpected(no_domain(*name));
  one.scope = store::SuppressScope::domain;
  co_return one;
}

/// What of all is within reach, or is asked for of it.
Task<Found<store::SuppressionFilter>> suppressions_asked_for(Context& context, std::string of, const Grants& grants) {
  store::SuppressionFilter filter;
  filter.everybodys = of.empty() && grants.serves_all();
  if (filter.everybodys) co_return filter;
  if (!of.empty()) {
    const auto owner = co_await suppression_owner(context, std::move(of), grants);
    if (!owner) co_return std::unexpected(owner.error());
    filter.servers = owner->scope == store::SuppressScope::server;
    if (filter.servers) co_return filter;
    (owner->scope == store::SuppressScope::domain ? filter.domains : filter.accounts).push_back(owner->of);
    co_return filter;
  }
  if (grants.account != 0) filter.accounts.push_back(grants.account);
  if (grants.role != Role::domain_admin) co_return filter;
  const auto domains = co_await context.store.directory().list_domains();
  if (!domains) co_return std::unexpected(Problem(domains.error()));
  for (const store::Domain& domain : *domains)
    if (grants.reaches_domain(domain.name)) filter.domains.push_back(domain.id);
  co_return filter;
}

Task<Found<store::Suppression>> named_suppression(Context& context, std::string text) {
  const auto number = parse_u64(text);
  if (!number || *number > INT64_MAX) co_return std::unexpected(no_suppression(text));
  const auto id = static_cast<store::Id>(*number);
  auto found = co_await context.store.books().get_suppression(id);
  if (!found && found.error().code == Errc::not_found) co_return std::unexpected(no_suppression(text));
  if (!found) co_return std::unexpected(Problem(found.error()));
  co_return std::move(*found);
}

} // namespace

Task<Answer> list_suppressions(Context& context, Call call) {
  const auto limit = read_limit(call, kUsualSuppressions, kLargestPage);
  if (!limit) co_return std::unexpected(limit.error());
  const std::string text = call.ask("after");
  const auto after = text.empty() ? std::optional<std::uint64_t>(0) : parse_u64(text);
  if (!after || *after > INT64_MAX) co_return refuse(Errc::invalid, "\"after\" must be a number", {}, "after");
  std::string of = call.ask("of");
  auto filter = co_await suppressions_asked_for(context, std::move(of), call.asker.grants);
  if (!filter) co_return std::unexpected(filter.error());
  if (const std::string address = call.ask("address"); !address.empty()) {
    const auto read = read_address(address, "the address");
    if (!read) co_return std::unexpected(read.error());
    filter->address = to_lower(read->to_string());
  }
  store::SuppressionFilter wanted = std::move(*filter);
  const auto behind = static_cast<store::Id>(*after);
  const std::size_t most = *limit + 1;
  auto found = co_await context.store.books().list_suppressions(std::move(wanted), behind, most);
  if (!found) co_return std::unexpected(Problem(found.error()));
  const bool more = cut_to(*found, *limit);
  json::array list;
  for (const store::Suppression& one : *found) list.emplace_back(present_suppression(one));
  json::object answer{{"suppressions", std::move(list)}};
  if (more) answer["next"] = std::to_string(found->back().id);
  co_return answer;
}

Task<Answer> add_suppression(Context& context, Call call) {
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(Problem(body.error()));
  const json::value whole(*body);
  const auto address = read_address(get_text(whole, "address"), "the address");
  if (!address) co_return std::unexpected(address.error());
  std::string of = get_text(whole, "of");
  auto wanted = co_await suppression_owner(context, std::move(of), call.asker.grants);
  if (!wanted) co_return std::unexpected(wanted.error());
  wanted->address = address->to_string();
  if (const std::string until = get_text(whole, "until"); !until.empty()) {
    const auto at = mail::parse_timestamp(until);
    if (!at || *at <= system_clock().wall())
      co_return refuse(Errc::invalid, "\"until\" must be a time to come, like 2026-12-31T00:00:00Z", {}, "until");
    wanted->until = millis(*at);
  }
  const std::string note = get_text(whole, "note");
  if (note.size() > kMostNote) co_return refuse(Errc::invalid, "the note is too long", {}, "note");
  wanted->reply = "by " + call.who + (note.empty() ? "" : ": " + note);
  store::Suppression one = std::move(*wanted);
  auto made = co_await context.store.books().add_suppression(std::move(one));
  if (!made) co_return std::unexpected(Problem(made.error()));
  co_return present_suppression(*made);
}

Task<Answer> show_suppression(Context& context, Call call) {
  std::string id = call.names[0];
  const auto found = co_await named_suppression(context, std::move(id));
  if (!found) co_return std::unexpected(found.error());
  co_return present_suppression(*found);
}

Task<Answer> remove_suppression(Context& context, Call call) {
  std::string id = call.names[0];
  const auto found = co_await named_suppression(context, std::move(id));
  if (!found) co_return std::unexpected(found.error());
  const store::Id row = found->id;
  const auto removed = co_await context.store.books().remove_suppression(row);
  if (!removed && removed.error().code == Errc::not_found) co_return std::unexpected(no_suppression(call.names[0]));
  if (!removed) co_return std::unexpected(Problem(removed.error()));
  co_return present_suppression(*found);
}

} // namespace paquebot::control
