#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

/// What users' programs and other servers must know of this one, in the forms in which they ask for it. No socket, no
/// clock: values in, text out. Everything that comes from outside is escaped.
namespace paquebot::setup {

/// What users log in to, in the order of names in the forms below.
enum class Protocol : std::uint8_t { imap, pop3, submission };
/// How the connection is encrypted; without encryption nothing is told to anybody.
enum class Security : std::uint8_t { implicit, starttls };

/// One listener where users log in.
struct Offer {
  Protocol protocol = Protocol::submission;
  Security security = Security::implicit;
  std::uint16_t port = 0;
  bool loopback = false; ///< only this machine reaches it

  friend bool operator==(const Offer&, const Offer&) = default;
};

/// What a program needs besides the user's address and password. The login is always the whole address.
struct ClientSettings {
  std::string host; ///< a name that the certificate has
  /// By protocol, implicit TLS before STARTTLS (RFC 8314 section 3), then by port; none twice.
  std::vector<Offer> offers;
  bool web = false; ///< HTTPS is spoken here: programs and servers can ask for these settings

  /// The best one of that protocol; null when there is none.
  const Offer* best(Protocol protocol) const;
};

/// Of what the listeners offer. Those on the loopback are told only when there are no others (a server for tests, or
/// behind a tunnel); a port 0 never is.
ClientSettings client_settings(std::string host, std::span<const Offer> offers, bool web);

} // namespace paquebot::setup
