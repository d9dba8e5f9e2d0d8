#include "sink/site.h"

#include "base/text.h"
#include "base/units.h"
#include "control/api_site.h"
#include "http/path.h"
#include "net/endpoint.h"
#include "sink/handlers.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::sink {
namespace {

constexpr std::uint64_t kMostContent = 1u << 20;
constexpr std::uint64_t kMostSent = 96u << 20; ///< api/v1/send: attachments in base 64
constexpr std::chrono::seconds kLongestWait{300}, kUsualWait{30}, kStillHere{15};

bool is_read(std::string_view method) { return method == "GET" || method == "HEAD"; }

bool is_own_name(const http::Request& request, const http::Visitor& visitor, const SinkFacts& facts) {
  const std::string& host = request.host;
  if (visitor.uid || host.empty() || host == "localhost" || host.ends_with(".localhost")) return true;
  if (net::is_ip_address(host) || (host.starts_with('[') && host.ends_with(']'))) return true;
  return std::ranges::find(facts.hosts, host) != facts.hosts.end();
}

/// Nothing: it may be answered.
std::optional<http::Response> refused(const http::Request& request, const http::Visitor& visitor,
                                      const SinkFacts& facts) {
  if (!is_own_name(request, visitor, facts))
    return say_problem(421, "this is not served under that name; \"--host NAME\" allows it");
  if (!is_read(request.method) && control::comes_from_elsewhere(request, visitor.encrypted))
    return say_problem(403, "a page of another site asked for this");
  return {};
}

/// "/inbox/NAME/api/v1/…": the inbox, and what is behind it.
void read_place(const http::Request& request, Ask& ask) {
  std::string_view path = std::string_view(request.path).substr(request.path.empty() ? 0 : 1);
  while (path.ends_with('/')) path.remove_suffix(1);
  ask.path = split(path, '/');
  if (ask.path.size() < 2 || ask.path.front() != "inbox") return;
  ask.inbox = inbox_name(ask.path[1]);
  ask.base = "/inbox/" + ask.inbox;
  ask.path.erase(ask.path.begin(), ask.path.begin() + 2);
}

/// "ok" is a text, as Mailpit has it, but for who takes JSON alone.
http::Response fitting(http::Response response, const Ask& ask) {
  if (ask.json && response.status == 200 && response.content == say_ok().content)
    return say_json(boost::json::object{{"ok", true}});
  return response;
}

http::Response routed(const SiteParts& parts, const Ask& ask) {
  std::string allowed;
  for (const Route& route : routes()) {
    if (!fits_route(route, ask.path)) continue;
    if (route.method == ask.method) return fitting(route.handler(parts, ask), ask);
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
  }
  if (allowed.empty()) return say_problem(404, "there is nothing here");
  http::Response response = say_problem(405, "that can't be done with this");
  response.fields.push_back({"Allow", allowed});
  return response;
}

/// The state of things as an event of a stream, and again with each change.
class ChangeSource final : public http::ContentSource {
public:
  ChangeSource(SiteParts parts, std::string inbox) : parts_(parts), inbox_(std::move(inbox)) {}

  Task<Result<std::string>> next() override {
    const Instant until = system_clock().now() + kStillHere;
    while (!stopped_ && !parts_.changes.stopped() && !is_news() && system_clock().now() < until)
      co_await parts_.changes.wait(until);
    if (stopped_ || parts_.changes.stopped()) co_return std::string();
    co_return is_news() ? news() : std::string(": still here\n\n");
  }
  void stop() override {
    stopped_ = true;
    parts_.changes.notify();
  }

private:
  bool is_news() const { return mail_ != parts_.inboxes.version() || faults_ != parts_.faults.version(); }

  std::string news() {
    std::string out;
    if (mail_ != parts_.inboxes.version()) {
      const std::vector<MessagePtr> all = parts_.inboxes.list(inbox_);
      const auto unread = std::ranges::count(all, false, [](const MessagePtr& one) { return one->read; });
      boost::json::object state{
          {"total", all.size()}, {"unread", unread}, {"latest", nullptr}, {"inboxes", parts_.inboxes.all().size()}};
      if (!all.empty()) state["latest"] = all.front()->id;
      out += fmt::format("event: change\nid: {}\ndata: {}\n\n", parts_.inboxes.version(), control::to_text(state));
    }
    if (faults_ != parts_.faults.version()) out += "event: faults\ndata: {}\n\n";
    mail_ = parts_.inboxes.version();
    faults_ = parts_.faults.version();
    return out;
  }

  SiteParts parts_;
  std::string inbox_;
  std::uint64_t mail_ = ~0ull, faults_ = ~0ull; ///< as it was told
  bool stopped_ = false;
};

/// How long: of "wait" or "timeout". Nothing: that is no time.
std::optional<std::chrono::seconds> wait_of(std::string_view text) {
  if (text.empty()) return kUsualWait;
  const auto seconds = parse_seconds(text);
  if (!seconds || *seconds < 0 || *seconds > kLongestWait.count()) return {};
  return std::chrono::seconds(*seconds);
}

} // namespace

std::string_view Ask::get(std::string_view name) const {
  const std::string* value = query.get(name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

std::uint64_t SinkSite::most_content(const http::Request& request, const http::Visitor& visitor) const {
  if (is_read(request.method) || refused(request, visitor, parts_.facts)) return 0;
  return request.path.ends_with("/api/v1/send") ? kMostSent : kMostContent;
}

Task<http::Answer> SinkSite::answer(http::Exchange exchange) {
  http::Answer answer;
  const http::Request& request = exchange.request;
  if (auto refusal = refused(request, exchange.visitor, parts_.facts)) {
    answer.response = std::move(*refusal);
    co_return answer;
  }
  auto query = http::Query::parse(request.query);
  if (!query) {
    answer.response = say_problem(query.error().status, query.error().detail);
    co_return answer;
  }
  Ask ask;
  ask.method = request.method == "HEAD" ? "GET" : request.method;
  ask.query = std::move(*query);
  ask.content = std::move(exchange.content);
  const std::string* accept = request.field("accept");
  ask.json = accept != nullptr && *accept == "application/json";
  ask.gzip = std::ranges::any_of(http::list_of(request.fields, "accept-encoding"),
                                 [](std::string_view one) { return trim(one.substr(0, one.find(';'))) == "gzip"; });
  read_place(request, ask);
  if (request.path == "/" || (ask.path.empty() && !ask.base.empty())) {
    answer.response =
        lead_to(ask.inbox.empty() ? "/console/sink" : "/console/sink?inbox=" + http::percent_encode(ask.inbox));
    co_return answer;
  }
  Task<http::Answer> hearing = hear(std::move(ask)); // the path is the exchange's, which stays
  answer = co_await std::move(hearing);
  co_return answer;
}

Task<http::Answer> SinkSite::hear(Ask ask) {
  http::Answer answer;
  const bool events = ask.path == std::vector<std::string_view>{"api", "v1", "events"};
  const bool wait = ask.path == std::vector<std::string_view>{"api", "v1", "wait"};
  if (ask.method == "GET" && events) {
    answer.response = say_text({}, "text/event-stream");
    answer.source = std::make_unique<ChangeSource>(parts_, ask.inbox);
    co_return answer;
  }
  if (ask.method == "GET" && (wait || ask.query.get("wait") != nullptr)) {
    const auto time = wait_of(ask.get(wait ? "timeout" : "wait"));
    const auto count = ask.get("count").empty() ? 1 : parse_u64(ask.get("count"));
    const auto query = Query::parse(ask.get("query"));
    if (!time || !count || !query || parts_.changes.is_full()) {
      answer.response = !time    ? say_problem(400, "a wait is 0 to 300 seconds: \"30s\"")
                        : !count ? say_problem(400, "count must be a number", "count")
                        : !query ? say_problem(400, query.error().message, "query")
                                 : say_problem(503, "too many wait already");
      co_return answer;
    }
    std::string inbox = ask.inbox, words(ask.get("query")), newer(ask.get("newer"));
    const Instant until = system_clock().now() + *time;
    Task<bool> waiting = await_mail(std::move(inbox), std::move(words), *count, std::move(newer), until);
    const bool came = co_await std::move(waiting);
    if (!came && wait) {
      answer.response = say_problem(404, "no such message came in that time");
      co_return answer;
    }
  }
  parts_.inboxes.expire();
  answer.response = routed(parts_, ask);
  co_return answer;
}

/// Until so many fit that came after `newer`, an id; false when the time is over. Ids rise.
Task<bool> SinkSite::await_mail(std::string inbox, std::string query, std::size_t count, std::string newer,
                                Instant until) {
  for (;;) {
    const auto found = found_messages(parts_, inbox, query);
    if (!found) co_return false;
    const auto enough = std::ranges::count_if(*found, [&](const MessagePtr& one) { return one->id > newer; });
    if (static_cast<std::size_t>(enough) >= count) co_return true;
    if (system_clock().now() >= until || parts_.changes.stopped()) co_return false;
    co_await parts_.changes.wait(until);
  }
}

} // namespace paquebot::sink
