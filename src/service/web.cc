#include "service/web.h"

#include "control/message_site.h"
#include "service/client_offers.h"
#include "service/console_site.h"
#include "service/setup_site.h"
#include "service/watch_site.h"

#include <algorithm>

namespace paquebot::service {
namespace {

constexpr std::uint16_t kHttps = 443;

/// "/": to the console, under the names that it is served by; under others a page that says what this is.
class FrontDoor final : public http::Site {
public:
  explicit FrontDoor(const Sites& sites) : sites_(sites), page_(make_start_page(sites.hostname())) {}

  std::uint64_t most_content(const http::Request&, const http::Visitor&) const override { return 0; }
  Task<http::Answer> answer(http::Exchange exchange) override {
    const bool reads = exchange.request.method == "GET" || exchange.request.method == "HEAD";
    if (reads && sites_.is_own(exchange.request.host)) {
      http::Answer led;
      led.response.status = 302;
      led.response.fields = {{"Location", "/console/"}};
      co_return led;
    }
    http::Site& page = *page_;
    Task<http::Answer> asking = page.answer(std::move(exchange));
    http::Answer answer = co_await std::move(asking);
    co_return answer;
  }

private:
  const Sites& sites_;
  std::shared_ptr<http::Site> page_;
};

void add_watch(const WebMeans& means) {
  Assembly& parts = means.parts;
  const auto options = [&parts] {
    const auto now = parts.current();
    return std::shared_ptr<const WatchOptions>(now, &now->watch);
  };
  Monitor& monitor = means.monitor;
  const auto watch =
      std::make_shared<WatchSite>(WatchSite::Parts{options, [&monitor] { return monitor.text(); }, means.health});
  for (const char* path : {"/metrics", "/livez", "/readyz"})
    parts.web.sites.add({.path = path, .plain = true, .own_names = true}, watch);
}

void add_setup(const WebMeans& means) {
  Sites& sites = means.parts.web.sites;
  directory::Directory& directory = means.parts.accounts.directory;
  const auto setup = std::make_shared<SetupSite>(SetupSite::Parts{
      means.setup_facts,
      [&directory](std::string domain) { return directory.is_our_domain(std::move(domain)); },
  });
  // Programs ask for these without TLS, too, where the certificate does not have the name.
  for (const char* path : {"/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml"})
    sites.add({.path = path, .plain = true}, setup);
  sites.add({.path = "/autodiscover/autodiscover.xml", .any_case = true}, setup);
  sites.add({.path = "/.well-known/mta-sts.txt"}, setup);
}

/// "127.0.0.1:8080", "[::1]:8080".
std::string place_of(const WebListener& one) { return one.at.to_string(); }

std::string public_url(const std::string& hostname, const WebListener& one) {
  // Without TLS of its own a proxy stands in front of it, at the usual port.
  const bool usual = !one.tls || one.at.port == kHttps;
  return "https://" + hostname + (usual ? "" : ":" + std::to_string(one.at.port));
}

} // namespace

std::shared_ptr<control::ApiSite> open_sites(const WebMeans& means) {
  Assembly& parts = means.parts;
  Assembly::Accounts& accounts = parts.accounts;
  auto api =
      std::make_shared<control::ApiSite>(control::ApiParts{means.control, accounts.directory, accounts.throttle});
  parts.web.sites.add({.path = "/"}, std::make_shared<FrontDoor>(parts.web.sites));
  parts.web.sites.add({.path = "/v1/", .own_names = true}, api);
  const auto console = std::make_shared<ConsoleSite>();
  const auto messages = std::make_shared<control::MessageSite>(api);
  for (const char* path : {"/console/message/", "/console/picture/"})
    parts.web.sites.add({.path = path, .own_names = true}, messages);
  parts.web.sites.add({.path = "/console", .own_names = true}, console);
  parts.web.sites.add({.path = "/console/", .own_names = true}, console);
  add_watch(means);
  add_setup(means);
  return api;
}

std::uint16_t https_port(const std::vector<WebListener>& listeners) {
  std::uint16_t port = 0;
  for (const WebListener& one : listeners)
    if (one.tls && (port == 0 || one.at.port == kHttps)) port = one.at.port;
  return port;
}

std::string console_url(const std::string& hostname, const std::vector<WebListener>& listeners) {
  const WebListener* best = nullptr;
  int best_rank = 0;
  for (const WebListener& one : listeners) {
    if (one.redirect || one.at.is_local()) continue;
    const bool here = is_loopback(one.at.address);
    int rank = here ? (one.tls ? 2 : 3) : one.tls ? 4 : 1;
    if (rank == 4 && one.at.port == kHttps) rank = 5;
    if (rank > best_rank) {
      best = &one;
      best_rank = rank;
    }
  }
  if (best == nullptr) return {};
  if (!is_loopback(best->at.address)) return public_url(hostname, *best);
  return (best->tls ? "https://" : "http://") + place_of(*best);
}

} // namespace paquebot::service
