#pragma once

#include "sasl/scram.h"

#include <optional>
#include <string>
#include <string_view>

/// What is kept of passwords beside the slow hash: the keys of SCRAM, and app passwords.
namespace paquebot::directory {

/// The count of new keys. A compromise: with the stored keys in hand, a guess costs as many rounds of HMAC (RFC 7677
/// section 4 asks for 4096 at least), and a client on a phone must do them at each login.
inline constexpr std::uint32_t kScramIterations = 20000;

/// StoredKey and ServerKey for SHA-1 and SHA-256, one behind the other: 104 octets. Blocking: tens of milliseconds.
/// Empty when the password can't be prepared (sasl::prepare_password): it only works with PLAIN and LOGIN then.
std::string pack_scram_keys(std::string_view password, std::string_view salt, std::uint32_t iterations);
/// Nothing when `packed` is of another form.
std::optional<sasl::ScramKey> unpack_scram_key(std::string_view packed, sasl::ScramHash hash);
/// The salt of a name, with or without an account: always the same in one store. `secret` is "login.secret".
std::string scram_salt_of(std::string_view secret, std::string_view name);
/// A key for who has none, which no password fits.
sasl::ScramKey made_up_key(std::string_view secret, std::string_view name, sasl::ScramHash hash);

/// 140 random bits as 28 letters and digits in four groups.
std::string make_app_password();
/// SHA-256: enough for what can't be guessed.
std::string app_password_hash(std::string_view password);

} // namespace paquebot::directory
