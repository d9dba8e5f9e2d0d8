#include "service/sites.h"

#include "base/encoding.h"
#include "base/text.h"
#include "http/credentials.h"
#include "http/path.h"
#include "net/endpoint.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <utility>

namespace paquebot::service {
namespace {

bool is_below(const SitePlace& place, std::string_view path) {
  const auto same = [&](std::string_view a, std::string_view b) { return place.any_case ? iequals(a, b) : a == b; };
  if (!place.path.ends_with('/') || place.path == "/") return same(path, place.path);
  return path.size() >= place.path.size() && same(path.substr(0, place.path.size()), place.path);
}

/// The target in origin form, with its query.
std::string origin_of(const http::Request& request) {
  if (request.form == http::Form::origin) return request.target;
  std::string path;
  for (const std::string_view segment : split(std::string_view(request.path).substr(1), '/'))
    path += "/" + http::percent_encode(segment);
  if (!request.query.empty()) path += "?" + request.query;
  return path.empty() ? "/" : path;
}

} // namespace

void Sites::add(SitePlace place, std::shared_ptr<http::Site> site) {
  const auto before = [](const Entry& a, const Entry& b) {
    return std::pair(!a.place.host.empty(), a.place.path.size()) >
           std::pair(!b.place.host.empty(), b.place.path.size());
  };
  Entry entry{std::move(place), std::move(site)};
  entries_.insert(std::ranges::upper_bound(entries_, entry, before), std::move(entry));
}

const Sites::Entry* Sites::find(const http::Request& request) const {
  for (const Entry& one : entries_)
    if ((one.place.host.empty() || one.place.host == request.host) && is_below(one.place, request.path)) return &one;
  return nullptr;
}

bool Sites::is_own(std::string_view host) const {
  if (host == hostname_ || host == "localhost" || net::is_ip_address(host)) return true;
  return host.starts_with('[') && host.ends_with(']'); // the engine takes nothing but addresses between these
}

std::uint64_t Sites::most_content(const http::Request& request, const http::Visitor& visitor) const {
  const Entry* found = find(request);
  if (found == nullptr || (found->place.own_names && !is_own(request.host))) return 0;
  return found->site->most_content(request, visitor);
}

Task<http::Answer> Sites::answer(http::Exchange exchange) {
  http::Answer refusal;
  const Entry* found = find(exchange.request);
  if (found == nullptr) {
    refusal.response = http::problem(404, "there is nothing here");
    co_return refusal;
  }
  if (found->place.own_names && !is_own(exchange.request.host)) {
    refusal.response = http::problem(421, "this is not served under that name");
    co_return refusal;
  }
  http::Site& site = *found->site;
  Task<http::Answer> asking = site.answer(std::move(exchange));
  http::Answer answer = co_await std::move(asking);
  co_return answer;
}

// ---- Without TLS ----

std::uint64_t PlainSites::most_content(const http::Request& request, const http::Visitor& visitor) const {
  const Sites::Entry* found = sites_.find(request);
  return found != nullptr && found->place.plain ? sites_.most_content(request, visitor) : 0;
}

Task<http::Answer> PlainSites::answer(http::Exchange exchange) {
  const Sites::Entry* found = sites_.find(exchange.request);
  if (found != nullptr && found->place.plain) {
    Task<http::Answer> asking = sites_.answer(std::move(exchange));
    http::Answer answer = co_await std::move(asking);
    co_return answer;
  }
  http::Answer answer;
  answer.response = redirect(exchange.request);
  co_return answer;
}

/// Whoever sends content in clear has shown it already: 308, and he knows.
http::Response PlainSites::redirect(const http::Request& request) const {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const std::string host = request.host.empty() ? sites_.hostname() : request.host;
  const std::string port = port_ == 443 ? "" : fmt::format(":{}", port_);
  return {.status = reads ? 301u : 308u,
          .fields = {{"Location", "https://" + host + port + origin_of(request)}},
          .content = {},
          .length = {}};
}

// ---- Pages ----

FixedPage::FixedPage(std::string type, std::string content)
    : type_(std::move(type)), content_(std::move(content)),
      tag_(fmt::format("\"{:016x}\"", std::hash<std::string>()(content_))) {}

Task<http::Answer> FixedPage::answer(http::Exchange exchange) {
  http::Answer answer;
  const std::string& method = exchange.request.method;
  if (method != "GET" && method != "HEAD") {
    answer.response = http::problem(405, "this can only be read");
    answer.response.fields.push_back({"Allow", "GET, HEAD"});
    co_return answer;
  }
  answer.response.fields = {{"Content-Type", type_}, {"ETag", tag_}, {"Cache-Control", "no-cache"}};
  const std::string* known = exchange.request.field("if-none-match");
  if (known != nullptr && http::matches_tag(*known, tag_, http::TagMatch::weak))
    answer.response.status = 304;
  else
    answer.response.content = content_;
  co_return answer;
}

std::shared_ptr<http::Site> make_start_page(const std::string& hostname) {
  constexpr std::string_view page = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{0}</title>
</head>
<body>
<h1>{0}</h1>
<p>This is a mail server, and it is at work.</p>
<p>To read and send your mail, add your account to a mail program: your address and your password are all that it
needs. Whoever gave you the address can help.</p>
</body>
</html>
)";
  return std::make_shared<FixedPage>("text/html; charset=utf-8", fmt::format(page, hostname));
}

http::Fields browser_rules(bool encrypted) {
  http::Fields fields = {
      {"Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                                  "require-trusted-types-for 'script'"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cache-Control", "no-store"},
  };
  if (encrypted) fields.push_back({"Strict-Transport-Security", "max-age=31536000"}); // RFC 6797; this name alone
  return fields;
}

} // namespace paquebot::service
