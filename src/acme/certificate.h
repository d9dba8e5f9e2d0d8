#pragma once

#include "acme/key.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What is asked for, what comes, and what is shown to prove that a name leads here. Times are milliseconds since 1970.
namespace paquebot::acme {

/// A certificate request for these names (PKCS #10, DER) with the key's signature (RFC 8555 section 7.4).
Result<std::string> make_request(const PrivateKey& key, const std::vector<std::string>& names);

/// A self-signed certificate for `name` that holds the SHA-256 of `authorization` (RFC 8737 section 3), as PEM.
Result<std::string> make_challenge_certificate(const PrivateKey& key, const std::string& name,
                                               std::string_view authorization);

/// What is to be known of a certificate that was issued.
struct Issued {
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
  std::string id; ///< of RFC 9773 section 4.1; empty when it does not name its authority's key
};

/// Looks at what an authority has given: PEM, our certificate first. `refused`, with words that tell why, unless it is
/// for this key and exactly these names, good for servers, in force at `now` (an hour may be between the clocks) and
/// for an hour at least, and each following certificate signed the one before. At most ten, at most 256 KiB.
Result<Issued> check_issued(const std::string& chain_pem, const PrivateKey& key, const std::vector<std::string>& names,
                            std::int64_t now);
/// The same of one that is kept, whatever its names, its key and the time.
Result<Issued> read_issued(const std::string& chain_pem);

} // namespace paquebot::acme
