#pragma once

#include "acme/certificate.h"
#include "store/certificates.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What is to be done about a certificate: rules without I/O. Times are wall milliseconds.
namespace paquebot::service {

/// What is kept of one name.
struct KeptCertificate {
  store::Certificate row;
  const store::TlsKey* active = nullptr;
  const store::TlsKey* next = nullptr;
  std::optional<acme::Issued> facts; ///< of row.chain, if there is one that can be read
};

/// Puts together what the store has of a name; its row is an empty one when the name is not kept. `keys` must outlive
/// what is given.
KeptCertificate kept_of(const std::string& name, const std::vector<store::Certificate>& rows,
                        const std::vector<store::TlsKey>& keys);

enum class CertificateStep : std::uint8_t {
  nothing,
  make_key,      ///< the name's first one
  make_next_key, ///< it has a certificate: the key that will come is there early
  ask_when,      ///< the authority is to say when to renew
  order,         ///< with plan_key()
};

/// The next step. `directory`: the authority that is to be asked. An attempt that failed is waited for as the row says;
/// never longer than a day, so that a clock that was wrong for a while does no harm.
CertificateStep next_step(const KeptCertificate& kept, const std::string& directory, std::int64_t now);

/// Before this moment nothing is renewed because the authority wants it: one that always says "now" would get orders
/// without end.
std::int64_t earliest_renewal(const KeptCertificate& kept);

/// The key that an order is for: of the one under way, the next one when it may take over, else the active one. Null:
/// there is none.
const store::TlsKey* plan_key(const KeptCertificate& kept, std::int64_t now);

/// Whether the next key may take over (RFC 7671 section 8.1): an operator wants it, and its TLSA record has been in the
/// DNS, beside the one in force, for two times to live. seen_ttl 0: the zone has none at all, so nobody looks.
bool may_rotate(const store::Certificate& row, std::int64_t now);

/// What of an order under way is still good: nothing after a day, or when its key is gone.
void forget_stale_order(store::Certificate& row, const std::vector<store::TlsKey>& keys, std::int64_t now);

/// The beginning of an attempt, kept before anything is asked: whoever is killed on the way does not begin the next one
/// at once. An order that is gone on with may be so at once, but only once.
void begin_attempt(store::Certificate& row, std::int64_t now);

} // namespace paquebot::service
