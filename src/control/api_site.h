#pragma once

#include "control/event_stream.h"
#include "control/grants.h"
#include "control/problem.h"
#include "directory/directory.h"
#include "directory/login_throttle.h"
#include "http/site.h"

#include <optional>
#include <string>

namespace paquebot::control {

class Control;
struct Context;

/// Where logins over HTTP belong to; all outlive the site.
struct ApiParts {
  Control& control;
  directory::Directory& directory;
  directory::LoginThrottle& guard; ///< shared with the mail protocols
};

/// The API as a site, for /v1/ on listeners of the role `http`, and on the control socket. It finds out who asks:
///
/// - on a local socket root and the user that the server runs as, nobody else;
/// - with `Authorization: Bearer` the account of a token, within the token's bounds;
/// - with `Authorization: Basic` an account by its password (not by an app password: those are for mail), through the
///   guard of logins, which counts wrong tokens as well. Not when it has a second factor;
/// - with the cookie of a session (web_session.h) whoever logged in with it. A page of ours must have made the request,
///   as the browser says (Sec-Fetch-Site, else Origin), and content must be JSON.
///
/// Credentials in clear are taken from this machine only. What a browser sends from another site is refused, whoever
/// asks. Which hosts are ours is for the driver to know.
class ApiSite final : public http::Site {
public:
  explicit ApiSite(ApiParts parts) : parts_(parts) {}

  std::uint64_t most_content(const http::Request& request, const http::Visitor& visitor) const override;
  Task<http::Answer> answer(http::Exchange exchange) override;

  /// Who asks, for sites beside this one.
  Task<Found<Asker>> find_asker(const http::Request& request, const http::Visitor& visitor);
  Control& control() { return parts_.control; }
  Context& context();

private:
  Task<Found<Asker>> by_cookie(const http::Request& request, const http::Visitor& visitor);
  Task<Found<Asker>> by_token(std::string token, std::string address);
  Task<Found<Asker>> by_password(std::string user, std::string password, std::string address);

  /// The events that this asker may see, as they happen (api_stream.cc); what the request asks for is good.
  Task<http::Answer> open_stream(http::Exchange exchange, Asker asker);
  /// Whether who opened a stream still may: who showed a password, while it is his (`password`: its hash then).
  Task<std::optional<Asker>> ask_again(http::Exchange opened, Asker asker, std::string password);

  ApiParts parts_;
  StreamCount streams_;
};

/// Whether a browser says that a page of another site made this request (Fetch Metadata, else Origin of RFC 6454).
/// Programs say neither, which is no. `encrypted`: it came under TLS, so that an origin of ours is one of https.
bool comes_from_elsewhere(const http::Request& request, bool encrypted);
/// Whether it says that a page of ours did.
bool comes_from_here(const http::Request& request, bool encrypted);

} // namespace paquebot::control
