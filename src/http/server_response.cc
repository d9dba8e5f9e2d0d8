#include "base/text.h"
#include "http/date.h"
#include "http/grammar.h"
#include "http/server_impl.h"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace paquebot::http {

namespace {

constexpr std::string_view kOwnFields[] = {"content-length", "transfer-encoding", "connection", "keep-alive",
                                           "date",           "upgrade",           "trailer"};

bool may_be_sent(const Field& field) {
  if (!is_token(field.name) || !is_field_value(field.value)) return false;
  return std::ranges::none_of(kOwnFields, [&](std::string_view own) { return iequals(own, field.name); });
}

bool may_be_sent(const Response& response) {
  if (response.status < 200 || response.status > 599) return false;
  return std::ranges::all_of(response.fields, [](const Field& field) { return may_be_sent(field); });
}

bool has_field(const Fields& fields, std::string_view name) {
  return std::ranges::any_of(fields, [&](const Field& field) { return iequals(field.name, name); });
}

/// RFC 9110 sections 15.3.5 and 15.4.5.
bool has_no_content(unsigned status) { return status == 204 || status == 304; }

} // namespace

/// Whether the connection can go on although the content was not read to its end.
bool ServerSession::Impl::content_stays() const {
  if (body.done()) return true;
  // Whoever waits for a word and gets an answer may send the content or not: what comes next can't be told apart.
  const bool may_not_come = request.expects_continue && state == State::asked;
  return !may_not_come && request.framing == Framing::length && request.length <= options->max_drain;
}

void ServerSession::Impl::write_head(const Response& response) {
  const auto told = std::back_inserter(out);
  fmt::format_to(told, "HTTP/1.1 {} {}\r\n", response.status, reason_of(response.status));
  if (options->clock != nullptr) {
    const auto now = std::chrono::floor<std::chrono::seconds>(options->clock->wall());
    fmt::format_to(told, "Date: {}\r\n", http_date(now.time_since_epoch().count()));
  }
  if (response.status == 426)
    out += close_after ? "Upgrade: HTTP/1.1\r\nConnection: upgrade, close\r\n"
                       : "Upgrade: HTTP/1.1\r\nConnection: upgrade\r\n";
  else if (close_after)
    out += "Connection: close\r\n";
  else if (request.http10)
    out += "Connection: keep-alive\r\n";
  if (stream_chunked)
    out += "Transfer-Encoding: chunked\r\n";
  else if (!has_no_content(response.status) && (!response.streamed || response.length))
    fmt::format_to(told, "Content-Length: {}\r\n", response.streamed ? *response.length : response.content.size());
  for (const Field& field : response.fields) fmt::format_to(told, "{}: {}\r\n", field.name, field.value);
  for (const Field& field : options->always) {
    if (!has_field(response.fields, field.name)) fmt::format_to(told, "{}: {}\r\n", field.name, field.value);
  }
  out += "\r\n";
}

void ServerSession::Impl::respond(Response response) {
  assert(state == State::asked || state == State::content || state == State::due);
  if (!may_be_sent(response)) {
    last_fault = Fault{500, "an answer that can't be sent"};
    response = problem(500, "this server made an answer that can't be sent");
  }
  const bool none = has_no_content(response.status);
  const bool unsized_stream = response.streamed && !response.length && !none;
  stream_chunked = unsized_stream && !request.http10;
  stream_sized = response.streamed && response.length;
  stream_left = response.length.value_or(0);
  head_only = none || request.method == "HEAD";
  close_after = response.close || going_down || !request.keep_alive || requests >= options->max_requests ||
                !content_stays() || (unsized_stream && request.http10 && !head_only);
  write_head(response);
  if (response.streamed && !head_only && !(stream_sized && stream_left == 0)) {
    state = State::stream;
    return;
  }
  if (!head_only) out += response.content;
  answer_done();
}

void ServerSession::Impl::answer_done() {
  if (close_after) {
    state = State::finish;
  } else if (!body.done()) {
    state = State::drain;
    since_step = 0;
    ++window;
  } else {
    renew();
  }
}

void ServerSession::Impl::stream_piece(std::string_view bytes, bool last) {
  if (stream_sized && (bytes.size() > stream_left || (last && bytes.size() < stream_left))) {
    last_fault = Fault{500, "an answer of another length than it said"};
    state = State::closed;
    return;
  }
  stream_left -= stream_sized ? bytes.size() : 0;
  if (!stream_chunked)
    out += bytes;
  else if (!bytes.empty())
    fmt::format_to(std::back_inserter(out), "{:x}\r\n{}\r\n", bytes.size(), bytes);
  if (!last) return;
  if (stream_chunked) out += "0\r\n\r\n";
  answer_done();
}

/// An answer of the engine's that ends the connection. `linger_on`: the client may still be sending.
void ServerSession::Impl::error(const Fault& what, bool linger_on) {
  last_fault = what;
  close_after = true;
  close_hard = !linger_on;
  stream_chunked = false;
  Response response = problem(what.status, what.detail);
  if (what.status == 405) response.fields.push_back({"Allow", fmt::format("{}", fmt::join(options->methods, ", "))});
  write_head(response);
  if (request.method != "HEAD") out += response.content;
  state = State::finish;
}

void ServerSession::Impl::fail_content(const Fault& what, bool linger_on) {
  forget = true;
  error(what, linger_on);
}

} // namespace paquebot::http
