#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What both sides of SCRAM have in common (RFC 5802, 7677): hashes, keys and the attributes of its messages.
namespace paquebot::sasl {

enum class ScramHash : std::uint8_t { sha1, sha256 };

/// Bounds of the count: what we would make less of is too weak (RFC 5802 section 5.1), and a server that asks for more
/// only wants our time.
inline constexpr std::uint32_t kLeastIterations = 4096;
inline constexpr std::uint32_t kMostIterations = 1'000'000;

/// What a server keeps of a password: whoever has it can check a login, and can't log in.
struct ScramKey {
  std::string stored; ///< StoredKey
  std::string server; ///< ServerKey
};

/// What the server says of an account, and the keys of all its passwords.
struct ScramCredentials {
  std::string salt; ///< 1 to 64 octets
  std::uint32_t iterations = 0;
  std::vector<ScramKey> keys; ///< tried in order; one at least, a made-up one where there is none
};

std::string digest(ScramHash hash, std::string_view text);
std::string hmac(ScramHash hash, std::string_view key, std::string_view text);
/// Hi() of RFC 5802 section 2.2. Blocking: milliseconds.
std::string salted_password(ScramHash hash, std::string_view password, std::string_view salt, std::uint32_t iterations);
/// The keys of a prepared password (prepare.h). Blocking: milliseconds.
ScramKey make_scram_key(ScramHash hash, std::string_view password, std::string_view salt, std::uint32_t iterations);
std::string exclusive_or(std::string_view a, std::string_view b);

/// "=2C" and "=3D" for what a name may not hold as it is (RFC 5802 section 5.1, "n").
std::string escape_scram_name(std::string_view name);
/// Nothing when a "=" is not part of one of the two, or the name is empty, has a NUL or is not UTF-8.
std::optional<std::string> unescape_scram_name(std::string_view text);

/// The GS2 header that a client's first message begins with (RFC 5801, RFC 5802 section 7).
struct Gs2Header {
  char flag = 'n';          ///< n, y or p
  std::string_view binding; ///< p only: the type
  std::string authzid;      ///< may be empty
  std::string_view header;  ///< the whole of it, with its last comma
  std::string_view rest;    ///< what follows
};
/// Nothing when it is malformed.
std::optional<Gs2Header> read_gs2_header(std::string_view message);

/// Takes "`name`=value" from the front of `message`, with the comma behind it; nothing when something else stands
/// there.
std::optional<std::string_view> take_attribute(std::string_view& message, char name);
/// Printable ASCII without a comma, 1 to 512 octets.
bool is_nonce(std::string_view text);
/// 18 random octets as base 64.
std::string make_nonce();

} // namespace paquebot::sasl
