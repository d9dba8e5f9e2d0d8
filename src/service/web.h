#pragma once

#include "control/api_site.h"
#include "net/endpoint.h"
#include "service/assembly.h"
#include "service/health.h"
#include "service/monitor.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

/// What listeners for HTTP answer (service/sites.h), put together before anything listens.
namespace paquebot::service {

/// All outlive the sites.
struct WebMeans {
  Assembly& parts;
  control::Control& control;
  Monitor& monitor;
  Health& health;
  std::function<setup::Facts()> setup_facts;
};

/// Puts all sites into parts.web, and gives the one that the control socket answers with, too.
std::shared_ptr<control::ApiSite> open_sites(const WebMeans& means);

/// One listener for HTTP, as it is bound.
struct WebListener {
  net::Endpoint at;
  bool tls = false;
  bool redirect = false; ///< it leads to https, and answers nothing else
};

/// The port that plain HTTP leads to: the usual one of https if it is ours, else the first that there is; 0: none.
std::uint16_t https_port(const std::vector<WebListener>& listeners);
/// Where a browser reaches the console, without a slash at the end: "https://mx.example.org"; empty: nowhere. Listeners
/// that others reach go before those of this machine, and of these plain ones before those with a certificate.
std::string console_url(const std::string& hostname, const std::vector<WebListener>& listeners);

} // namespace paquebot::service
