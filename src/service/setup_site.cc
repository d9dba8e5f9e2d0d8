#include "service/setup_site.h"

#include "base/text.h"
#include "http/query.h"
#include "mail/address.h"
#include "setup/autoconfig.h"
#include "setup/autodiscover.h"

namespace paquebot::service {
namespace {

constexpr std::string_view kXml = "text/xml; charset=utf-8";

enum class Page : std::uint8_t { none, autoconfig, autodiscover, policy };

Page page_of(const http::Request& request) {
  if (request.path == "/mail/config-v1.1.xml" || request.path == "/.well-known/autoconfig/mail/config-v1.1.xml")
    return Page::autoconfig;
  if (request.path == "/.well-known/mta-sts.txt") return Page::policy;
  if (iequals(request.path, "/autodiscover/autodiscover.xml")) return Page::autodiscover;
  return Page::none;
}

http::Answer document(std::string_view type, std::string content) {
  return {.response = {.status = 200,
                       .fields = {{"Content-Type", std::string(type)}, {"X-Content-Type-Options", "nosniff"}},
                       .content = std::move(content)},
          .source = nullptr};
}

http::Answer refusal(unsigned status, std::string_view detail, std::string_view allow = "") {
  http::Answer answer{.response = http::problem(status, detail), .source = nullptr};
  if (!allow.empty()) answer.response.fields.push_back({"Allow", std::string(allow)});
  return answer;
}

bool reads(const http::Request& request) { return request.method == "GET" || request.method == "HEAD"; }

/// What is behind one of these labels; the whole name without one.
std::string behind(std::string_view host, std::initializer_list<std::string_view> labels) {
  for (const std::string_view label : labels)
    if (host.starts_with(label)) return std::string(host.substr(label.size()));
  return std::string(host);
}

} // namespace

bool SetupSite::serves(const http::Request& request) { return page_of(request) != Page::none; }

std::uint64_t SetupSite::most_content(const http::Request& request, const http::Visitor&) const {
  return page_of(request) == Page::autodiscover && request.method == "POST" ? setup::kMaxAutodiscover : 0;
}

Task<http::Answer> SetupSite::answer(http::Exchange exchange) {
  const Page page = page_of(exchange.request);
  if (page == Page::none) co_return refusal(404, "there is nothing here");
  if (page == Page::autodiscover) {
    if (exchange.request.method != "POST") co_return refusal(405, "this is asked with POST", "POST");
    co_return co_await autodiscover(std::move(exchange));
  }
  if (!reads(exchange.request)) co_return refusal(405, "this is only read", "GET, HEAD");
  if (page == Page::policy) co_return co_await policy(std::move(exchange));
  co_return co_await autoconfig(std::move(exchange));
}

Task<http::Answer> SetupSite::autoconfig(http::Exchange exchange) {
  const http::Request& request = exchange.request;
  const auto query = http::Query::parse(request.query);
  if (!query) co_return refusal(query.error().status, query.error().detail);
  const setup::Facts facts = parts_.facts();
  const std::string* asked = query->get("emailaddress");
  std::string domain = asked == nullptr ? std::string() : setup::domain_of(*asked);
  if (domain.empty()) domain = behind(request.host, {"autoconfig."});
  if (domain != facts.server) { // which a program that knows nothing better may ask
    std::string name = domain;
    const auto& ours = parts_.is_our_domain;
    const auto known = co_await ours(std::move(name));
    if (!known) co_return refusal(503, "the server can't tell now");
    if (!*known) co_return refusal(404, "this domain is not served here");
  }
  co_return document(kXml, setup::autoconfig(facts.clients, domain));
}

Task<http::Answer> SetupSite::autodiscover(http::Exchange exchange) {
  using enum setup::AutodiscoverFault;
  const auto now = parts_.clock.wall();
  const auto asked = setup::read_autodiscover(exchange.content);
  if (!asked) co_return document(kXml, setup::autodiscover_error(bad_request, now));
  if (!setup::knows_schema(asked->schema)) co_return document(kXml, setup::autodiscover_error(unknown_schema, now));
  std::string domain = setup::domain_of(asked->address);
  if (domain.empty()) co_return document(kXml, setup::autodiscover_error(bad_request, now));
  const auto& ours = parts_.is_our_domain;
  const auto known = co_await ours(std::move(domain));
  if (!known) co_return refusal(503, "the server can't tell now");
  if (!*known) co_return document(kXml, setup::autodiscover_error(unknown_address, now));
  co_return document(kXml, setup::autodiscover(parts_.facts().clients, asked->address));
}

Task<http::Answer> SetupSite::policy(http::Exchange exchange) {
  constexpr std::string_view label = "mta-sts.";
  if (!exchange.request.host.starts_with(label)) co_return refusal(404, "the policy is at mta-sts.DOMAIN");
  std::string domain = behind(exchange.request.host, {label});
  const auto& ours = parts_.is_our_domain;
  const auto known = co_await ours(std::move(domain));
  if (!known) co_return refusal(503, "the server can't tell now");
  const setup::Facts facts = parts_.facts();
  std::string text = *known ? setup::mta_sts_policy(facts.mta_sts, facts.server) : std::string();
  if (text.empty()) co_return refusal(404, "there is no policy for this domain here");
  co_return document("text/plain; charset=utf-8", std::move(text));
}

} // namespace paquebot::service
