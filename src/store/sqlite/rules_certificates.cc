#include "store/sqlite/rules.h"

namespace paquebot::store::sqlite {
namespace {

inline constexpr const char* kOrderAnew =
    "the name gets a certificate anew: paquebot tls renew NAME; keep what tls status says and report it";

constexpr Rule kCertificateRules[] = {
    {"certificate.key",
     "(c.key = 0) <> (c.chain = '') OR (c.key <> 0 AND NOT EXISTS (SELECT 1 FROM tls_key k WHERE k.id = c.key AND "
     "k.name = c.name AND k.state = 2))",
     "certificate of %: the key that it is for is not kept", kOrderAnew},
    {"certificate.order",
     "(c.order_url = '') <> (c.order_key = 0) OR (c.order_key <> 0 AND NOT EXISTS (SELECT 1 FROM tls_key k WHERE "
     "k.id = c.order_key AND k.name = c.name))",
     "certificate of %: what was ordered is for a key that is not kept", kOrderAnew},
    {"certificate.values",
     "c.name = '' OR c.name <> lower(c.name) OR length(c.chain) > 1048576 OR c.failures < 0 OR "
     "min(c.issued, c.wants_renewal, c.wants_rotation, c.renew_at, c.ask_at, c.order_since, c.wait_until, "
     "c.seen_since, c.seen_ttl) < 0",
     "certificate of %: a value is out of its range"},
};

constexpr Rule kTlsKeyRules[] = {
    {"tls_key.name", "NOT EXISTS (SELECT 1 FROM certificate c WHERE c.name = k.name)",
     "key %: the name that it is for is not kept"},
    {"tls_key.values",
     "k.state NOT BETWEEN 1 AND 2 OR k.private_key = '' OR k.created NOT BETWEEN 0 AND 253402300799999",
     "key %: a value is out of its range"},
};

constexpr Rule kAcmeAccountRules[] = {
    {"acme_account.values", "a.directory = '' OR a.private_key = '' OR a.created NOT BETWEEN 0 AND 253402300799999",
     "account with the authority %: a value is out of its range"},
};

constexpr Rule kChallengeRules[] = {
    {"acme_challenge.values", "h.kind NOT BETWEEN 1 AND 2 OR h.name = '' OR h.token = '' OR h.expires < 0",
     "challenge for %: a value is out of its range"},
};

} // namespace

std::vector<Part> certificate_parts() {
  return {
      Walk{false, {"certificate c", {"c.name"}}, "c.name", kCertificateRules},
      Walk{false, {"tls_key k", {"k.id"}}, "k.id", kTlsKeyRules},
      Walk{false, {"acme_account a", {"a.directory"}}, "a.directory", kAcmeAccountRules},
      Walk{false, {"acme_challenge h", {"h.kind", "h.name", "h.token"}}, "h.name", kChallengeRules},
  };
}

} // namespace paquebot::store::sqlite
