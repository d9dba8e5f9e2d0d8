#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

typedef struct ssl_st SSL;

namespace paquebot::net {

/// How a server is to be known: by TLSA records (RFC 6698, RFC 7671), as RFC 7672 wants it of mail servers.
struct Dane {
  /// The base domain first: it goes into SNI. Where a trust anchor vouches (DANE-TA), the certificate names one of
  /// them; where the key or certificate itself is told (DANE-EE), names and dates don't count (RFC 7672 section 3.1.1).
  std::vector<std::string> names{};
  std::vector<std::string> records{}; ///< RDATA of those that are usable

  bool operator==(const Dane&) const = default;
};

/// Whether a record's data (usage, selector, matching type, then octets) can be used for mail: DANE-TA or DANE-EE,
/// known numbers, a digest of the right length or something that can be read. Others are as good as absent, but for the
/// promise of TLS (RFC 7672 sections 2.2.3 and 3.1.3).
bool tlsa_is_usable(std::string_view rdata);

/// Makes a client's handshake depend on them; its context is TlsContext::for_dane(). OpenSSL matches: its way with
/// trust anchors that are not in the chain, bare keys and the strongest digest (RFC 7671 sections 5 and 9) is by the
/// author of the RFCs, and what would be our own is the building of chains.
Result<> expect_dane(SSL* ssl, const Dane& dane);

/// After such a handshake: the record that fitted.
std::string matched_tlsa(SSL* ssl);
/// Which of the names the server's certificate bears.
std::vector<std::string> names_borne(SSL* ssl, const std::vector<std::string>& names);

} // namespace paquebot::net
