// Actions on certificates that are ordered.

#include "control/action_tables.h"
#include "control/handlers.h"

#include <array>

namespace paquebot::control {
namespace {

constexpr auto kCertificateActions = std::to_array<Action>({
    {.id = "tls.explain",
     .method = "GET",
     .path = "/v1/tls/{domain}",
     .summary = "Tell how mail to a domain would be protected: DANE, MTA-STS, and each host asked in a connection",
     .scope = "server.read",
     .least = Role::operator_,
     .object = {Whose::server},
     .run = explain_tls,
     .query = "refresh?:flag",
     .answer = "domain:text route:text signed_mx:bool failure:text policy:StsPolicy hosts:[TlsHost]"},
    {.id = "certificate.list",
     .method = "GET",
     .path = "/v1/certificates",
     .summary = "List certificates that are ordered, with the TLSA records of their keys where the zone is signed",
     .scope = "server.read",
     .least = Role::operator_,
     .object = {Whose::server},
     .run = list_certificates,
     .answer = "certificates:[Certificate]",
     .list = "certificates"},
    {.id = "certificate.renew",
     .method = "POST",
     .path = "/v1/certificates/{name}/renew",
     .summary = "Order a certificate anew now, whatever is waited for; its key stays",
     .scope = "server.write",
     .least = Role::operator_,
     .object = {Whose::server},
     .run = renew_certificate,
     .answer = "certificates:[Certificate]",
     .subject = "name",
     .idempotent = true},
    {.id = "certificate.rotate",
     .method = "POST",
     .path = "/v1/certificates/{name}/rotate",
     .summary = "Let the next key take over once the TLSA records of both have been seen for two times to live",
     .scope = "server.write",
     .least = Role::operator_,
     .object = {Whose::server},
     .run = rotate_certificate_key,
     .answer = "certificates:[Certificate]",
     .subject = "name",
     .idempotent = true},
});

} // namespace

std::span<const Action> certificate_actions() { return kCertificateActions; }

} // namespace paquebot::control
