#pragma once

#include "base/clock.h"
#include "mail/address.h"
#include "mail/head.h"

#include <optional>
#include <string>
#include <string_view>

namespace paquebot::mail {

/// How a message came to us: what the Received field tells of it.
struct Arrival {
  std::string helo;      ///< as the client gave it, any octets; empty when it gave none
  std::string peer_ip;   ///< "192.0.2.1" or "2001:db8::1"; empty for mail that did not come over a network
  std::string peer_name; ///< confirmed reverse name, or empty
  std::string host;      ///< our own name
  bool extended = false; ///< EHLO
  bool lmtp = false;
  bool tls = false;
  bool authenticated = false;
  bool smtputf8 = false;
  std::string tls_version;          ///< "TLSv1.3"; empty when unknown
  std::string tls_cipher;           ///< "TLS_AES_256_GCM_SHA384", as the registry of cipher suites has it
  std::string id;                   ///< of the message
  int priority = 0;                 ///< MT-PRIORITY; told when it is not 0
  std::optional<Address> recipient; ///< only when there is exactly one (RFC 5321 section 7.2)
  WallTime when{};
  bool http = false; ///< by the API: "with HTTP"
};

/// The "with" word: SMTP, ESMTPSA, LMTPS, UTF8SMTPA ... (RFC 3848, RFC 6531 section 4.3, which has no
/// word for UTF8SMTP without ESMTP: SMTPUTF8 needs EHLO); HTTP and HTTPS for the API, which has none of its own.
std::string transmission_type(const Arrival& arrival);

/// The whole Received field (RFC 5321 section 4.4), folded, ending in CRLF; for Head::prepend_raw. What comes
/// from outside is reduced to the characters of host names, everything else becomes "?".
std::string compose_received(const Arrival& arrival);

/// How many times the message was received before, for finding loops (RFC 5321 section 6.3).
std::size_t count_received(const Head& head);

} // namespace paquebot::mail
