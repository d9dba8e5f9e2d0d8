#include "base/text.h"
#include "http/grammar.h"
#include "http/path.h"
#include "http/server_impl.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace paquebot::http {

namespace {

constexpr std::string_view kKnownMethods[] = {"GET",    "HEAD",    "POST",    "PUT",  "PATCH",
                                              "DELETE", "OPTIONS", "CONNECT", "TRACE"};

/// HTTP/1.0 had no chunks, and content that ends with the connection could not be answered.
bool brings_content(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

} // namespace

/// What ends the connection at once is found here: it may not be HTTP/1.1 at all, and what follows need not be fields.
Parsed<void> ServerSession::Impl::take_start_line(std::string_view line) {
  request = {};
  const auto parts = parse_request_line(line);
  if (!parts) return std::unexpected(parts.error());
  if (std::ranges::find(kKnownMethods, parts->method) == std::end(kKnownMethods)) {
    return fault(501, "this method is not known here");
  }
  request.method = parts->method;
  request.http10 = parts->minor == 0;
  request.keep_alive = !request.http10;
  if (request.http10 && !options->http10) return fault(426, "HTTP/1.1 is needed here");
  if (request.method == "CONNECT") return fault(405, "this is no proxy");
  auto target = parse_target(parts->method, parts->target);
  if (!target) return std::unexpected(target.error());
  if (target->authority) {
    request.host = target->authority->host;
    request.port = target->authority->port;
    if (iequals(target->scheme, "https") != options->encrypted) return fault(421, "this connection has another scheme");
  }
  request.target = parts->target;
  request.form = target->form;
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  return {};
}

Parsed<void> ServerSession::Impl::take_host() {
  const auto hosts = count_fields(request.fields, "host");
  if (hosts > 1) return fault(400, "more than one Host");
  if (hosts == 0 && !request.http10) return fault(400, "no Host");
  if (hosts == 0) return {};
  auto authority = parse_authority(*request.field("host"));
  if (!authority) return fault(400, "a Host that is none");
  if (!request.host.empty()) return {}; // RFC 9112 section 3.2.2: the target says it
  request.host = std::move(authority->host);
  request.port = authority->port;
  return {};
}

/// Where the request ends is known behind this, so that others can follow it.
Parsed<void> ServerSession::Impl::take_head(Fields fields) {
  request.fields = std::move(fields);
  request.keep_alive = keeps_alive(request.fields, request.http10);
  if (auto host = take_host(); !host) return host;
  const auto extent = extent_of(request.fields, request.http10);
  if (!extent) return std::unexpected(extent.error());
  if (request.http10 && extent->framing == Framing::none && brings_content(request.method)) {
    return fault(411, "the length must be told");
  }
  request.framing = extent->framing;
  request.length = extent->length;
  body = BodyReader(*extent, options->body);
  return {};
}

/// What needs no driver.
std::optional<Response> ServerSession::Impl::answer_at_once() {
  const auto refuse = [this](const Fault& what) {
    last_fault = what;
    return problem(what.status, what.detail);
  };
  if (const std::string* expect = request.field("expect"); expect != nullptr && !request.http10) {
    const bool alone = count_fields(request.fields, "expect") == 1;
    if (!alone || !iequals(*expect, "100-continue")) return refuse({417, "an expectation that is not known"});
    request.expects_continue = request.framing != Framing::none && !body.done();
  }
  if (!options->hosts.empty() && std::ranges::find(options->hosts, request.host) == options->hosts.end()) {
    return refuse({421, "this name is not served here"});
  }
  const std::string allow = fmt::format("{}", fmt::join(options->methods, ", "));
  if (std::ranges::find(options->methods, request.method) == options->methods.end()) {
    Response answer = refuse({405, "this method may not be used here"});
    answer.fields.push_back({"Allow", allow});
    return answer;
  }
  if (request.form != Form::asterisk) return {};
  return Response{.status = 204, .fields = {{"Allow", allow}}};
}

} // namespace paquebot::http
