#pragma once

#include "base/result.h"
#include "base/task.h"
#include "net/endpoint.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// Changes of a zone (RFC 2136), signed with a key that its server knows (TSIG, RFC 8945).
namespace paquebot::dns {

struct TsigKey {
  std::string name;      ///< a domain name, lower-case, without the final dot
  std::string algorithm; ///< "hmac-sha256", "hmac-sha384", "hmac-sha512"
  std::string secret;    ///< octets
};
/// A key as name servers write it: `key "name" { algorithm hmac-sha256; secret "base64"; };` (BIND, also with
/// comments), Knot's YAML with `id:`, `algorithm:`, `secret:`, or `hmac-sha256:name:base64`. `invalid` with what is
/// wrong; the secret is in no message.
Result<TsigKey> read_tsig_key(std::string_view text);

/// One text at a name, put in or taken away.
struct TextChange {
  std::string zone;
  std::string name; ///< in the zone
  std::string text; ///< at most 255 octets
  bool add = true;
  std::uint32_t ttl = 60; ///< seconds
};

/// A message to the zone's server, and the signature that its answer is bound to.
struct SignedUpdate {
  std::string octets;
  std::string mac;
};
/// `now`: seconds since 1970. `invalid` for names or a text that can't be in a zone.
Result<SignedUpdate> compose_update(const TextChange& change, const TsigKey& key, std::uint16_t id, std::int64_t now);
/// What the server answered: nothing when it did as it was told. `refused` with its words; `invalid` for what is no
/// answer to `update`, or not signed with the key: then nothing is known.
Result<> check_update_reply(std::string_view octets, const SignedUpdate& update, const TsigKey& key, std::int64_t now);

/// The zone that a name is in, as that server itself says; asked over UDP, from the name upwards.
Task<Result<std::string>> find_zone(net::Endpoint server, std::string name, std::chrono::milliseconds time);
/// Sends it over TCP and waits for the answer, so long in all.
Task<Result<>> send_update(net::Endpoint server, TextChange change, TsigKey key, std::chrono::milliseconds time);

} // namespace paquebot::dns
