#pragma once

#include "http/site.h"

#include <memory>
#include <string>
#include <vector>

namespace paquebot::service {

/// Where a site stands.
struct SitePlace {
  std::string path;      ///< "/metrics"; with a slash at its end all below it: "/v1/"
  std::string host = {}; ///< only under this name, in lower case; empty: under any
  bool any_case = false; ///< the path in any case, in ASCII
  bool plain = false;    ///< also without TLS, where all else is sent to https: what others ask for over plain HTTP
  /// Only under the names that this server itself has: its host name, localhost, literal addresses. A foreign name that
  /// somebody pointed at us (DNS rebinding) gets 421. For all that trusts who asks, or shows what is not for everybody.
  bool own_names = false;
};

/// Which site answers which request: the one with the longest path that it is below, one for its host before others.
/// What nobody has is 404. Sites are put in before anything listens; thread-safe from then on.
class Sites : public http::Site {
public:
  /// `hostname`: of this server.
  explicit Sites(std::string hostname) : hostname_(std::move(hostname)) {}

  void add(SitePlace place, std::shared_ptr<http::Site> site);

  std::uint64_t most_content(const http::Request& request, const http::Visitor& visitor) const override;
  Task<http::Answer> answer(http::Exchange exchange) override;

  const std::string& hostname() const { return hostname_; }
  /// Whether `host` is one of the names that this server itself has (SitePlace::own_names).
  bool is_own(std::string_view host) const;

private:
  friend class PlainSites;
  struct Entry {
    SitePlace place;
    std::shared_ptr<http::Site> site;
  };
  const Entry* find(const http::Request& request) const;

  std::string hostname_;
  std::vector<Entry> entries_; ///< the ones to prefer first
};

/// What listens without TLS: answers where SitePlace::plain says so, and sends all else to https, at the name that it
/// was asked by. The sites must outlive it.
class PlainSites final : public http::Site {
public:
  explicit PlainSites(Sites& sites) : sites_(sites) {}
  /// The port of https; before anything listens.
  void lead_to(std::uint16_t port) { port_ = port; }

  std::uint64_t most_content(const http::Request& request, const http::Visitor& visitor) const override;
  Task<http::Answer> answer(http::Exchange exchange) override;

private:
  http::Response redirect(const http::Request& request) const;

  Sites& sites_;
  std::uint16_t port_ = 443;
};

/// One answer for everybody: GET and HEAD, with an entity tag. For what does not change while the server runs.
class FixedPage final : public http::Site {
public:
  FixedPage(std::string type, std::string content);

  std::uint64_t most_content(const http::Request&, const http::Visitor&) const override { return 0; }
  Task<http::Answer> answer(http::Exchange exchange) override;

private:
  std::string type_, content_, tag_;
};

/// What a person sees who opens the server's name in a browser.
std::shared_ptr<http::Site> make_start_page(const std::string& hostname);

/// The fields that go with every answer: what a browser may do with it is next to nothing, unless a site says
/// otherwise. `encrypted`: and it is to come over https from now on.
http::Fields browser_rules(bool encrypted);

} // namespace paquebot::service
