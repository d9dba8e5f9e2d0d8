// The stream of events of the API's site.

#include "control/api_site.h"
#include "control/dispatch.h"
#include "http/credentials.h"

namespace paquebot::control {
namespace {

Problem too_many_streams() {
  Problem problem(Errc::temporary, "so many streams of events are open already", "close one, or come again later");
  problem.status = 429;
  problem.word = "slow_down";
  problem.retry = 30;
  return problem;
}

http::Answer refused(const Problem& problem) {
  Response response = problem_response(problem);
  http::Answer answer;
  answer.response.status = response.status;
  answer.response.fields = std::move(response.fields);
  answer.response.content = std::move(response.body);
  return answer;
}

/// What a program had last goes before what its URL said first.
Call call_of(const http::Request& request) {
  Call call;
  if (auto target = parse_target(request.target)) call.query = std::move(target->query);
  if (const std::string* last = request.field("last-event-id")) {
    call.query["after"] = *last;
    if (!parse_place(*last)) call.query["after"] = "0"; // it is not one of ours: something is missing
  }
  return call;
}

} // namespace

Task<http::Answer> ApiSite::open_stream(http::Exchange exchange, Asker asker) {
  auto wish = read_event_wish(call_of(exchange.request));
  if (!wish) co_return refused(wish.error());
  auto place = streams_.enter(asker.name);
  if (!place) co_return refused(too_many_streams());
  Context& context = *parts_.control.context_;
  store::Feed& feed = context.store.feed();
  auto reader = co_await FeedReader::begin(feed, std::move(*wish));
  if (!reader) co_return refused(reader.error());
  std::string password;
  if (http::basic_login(exchange.request)) {
    const store::Id id = asker.grants.account;
    const auto account = co_await context.store.directory().get_account(id);
    if (!account) co_return refused(Problem(account.error()));
    password = account->password;
  }
  http::Answer answer;
  answer.response.status = 200;
  answer.response.fields = {{"Content-Type", "text/event-stream"},
                            {"Cache-Control", "no-store"},
                            {"X-Content-Type-Options", "nosniff"},
                            {"X-Accel-Buffering", "no"}};
  exchange.content.clear();
  AskAgain again = [this, opened = std::move(exchange), asker, password] { return ask_again(opened, asker, password); };
  answer.source = make_event_stream(std::move(*reader), std::move(asker), std::move(again), std::move(place));
  co_return answer;
}

Task<std::optional<Asker>> ApiSite::ask_again(http::Exchange opened, Asker asker, std::string password) {
  if (password.empty()) { // a token, a session, or this machine
    const http::Request& request = opened.request;
    const http::Visitor& visitor = opened.visitor;
    auto found = co_await find_asker(request, visitor);
    const bool may = found && found->grants.role >= Role::account && found->has_scope("events.read");
    if (!may) co_return std::nullopt;
    co_return std::move(*found);
  }
  Context& context = *parts_.control.context_;
  const store::Id id = asker.grants.account;
  auto account = co_await context.store.directory().get_account(id);
  if (!account || account->disabled || account->password != password) co_return std::nullopt;
  store::Account whose = std::move(*account);
  auto grants = co_await grants_of(context, std::move(whose));
  if (!grants) co_return std::nullopt;
  asker.grants = std::move(*grants);
  co_return asker;
}

} // namespace paquebot::control
