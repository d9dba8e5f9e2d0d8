#include "service/watch_site.h"

#include "base/encoding.h"
#include "http/credentials.h"
#include "metrics/text.h"

namespace paquebot::service {
namespace {

http::Answer plain(unsigned status, std::string_view type, std::string content) {
  return {.response = {.status = status,
                       .fields = {{"Content-Type", std::string(type)}, {"Cache-Control", "no-store"}},
                       .content = std::move(content)},
          .source = nullptr};
}

http::Answer told(unsigned status, std::string_view detail) {
  return {.response = http::problem(status, detail), .source = nullptr};
}

/// Whether somebody says that he hands on what another one asked (RFC 7239, RFC 9110 section 7.6.3, and what is older).
bool handed_on(const http::Request& request) {
  for (const std::string_view name : {"forwarded", "via", "x-forwarded-for", "x-real-ip", "x-forwarded-host"})
    if (request.field(name) != nullptr) return true;
  return false;
}

} // namespace

bool WatchSite::serves(const http::Request& request) {
  return request.path == "/metrics" || request.path == "/livez" || request.path == "/readyz";
}

bool WatchSite::may_look(const http::Exchange& exchange) const {
  const auto options = parts_.options();
  const http::Visitor& visitor = exchange.visitor;
  if (visitor.uid) return true; // the control socket, which lets in root and the server's user only
  if (!handed_on(exchange.request) && options->from.contains(visitor.address)) return true;
  if (!visitor.encrypted) return false; // a token that was shown to everybody on the way is none
  const auto token = http::bearer_token(exchange.request);
  return token && !options->token.empty() && equal_constant_time(*token, options->token);
}

Task<http::Answer> WatchSite::answer(http::Exchange exchange) {
  if (!serves(exchange.request) || !may_look(exchange)) co_return told(404, "there is nothing here");
  if (exchange.request.method != "GET" && exchange.request.method != "HEAD") {
    http::Answer refused = told(405, "this is only read");
    refused.response.fields.push_back({"Allow", "GET, HEAD"});
    co_return refused;
  }
  constexpr std::string_view type = "text/plain; charset=utf-8";
  if (exchange.request.path == "/livez") co_return plain(200, type, "alive\n");
  if (exchange.request.path == "/metrics") {
    const auto& ask = parts_.metrics;
    std::string text = co_await ask();
    co_return plain(200, metrics::kTextType, std::move(text));
  }
  std::string lines;
  for (const std::string& one : parts_.health.problems()) lines += one + "\n";
  co_return lines.empty() ? plain(200, type, "ready\n") : plain(503, type, std::move(lines));
}

} // namespace paquebot::service
