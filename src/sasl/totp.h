#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// One-time codes by time (TOTP, RFC 6238) with HMAC-SHA-1 and steps of 30 seconds, as the programs that make them all
/// can.
namespace paquebot::sasl {

inline constexpr std::int64_t kTotpSeconds = 30;
inline constexpr unsigned kTotpDigits = 6;
inline constexpr std::size_t kTotpSecret = 20; ///< octets of a secret (RFC 4226 section 4, R6)

/// The step that a time is in. Seconds since 1970.
constexpr std::int64_t totp_step(std::int64_t seconds) { return seconds / kTotpSeconds; }
/// The code of a step, `digits` long (6 to 8).
std::string totp_code(std::string_view secret, std::int64_t step, unsigned digits = kTotpDigits);
/// The step, of the one now and its two neighbours (RFC 6238 section 5.2), whose code this is, when it is later than
/// `last`: a code is good once. Takes the same time whichever fits.
std::optional<std::int64_t> match_totp(std::string_view secret, std::string_view code, std::int64_t seconds,
                                       std::int64_t last);

/// RFC 4648 section 6, upper case, without padding: how a secret is typed.
std::string base32_encode(std::string_view octets);
/// "otpauth://totp/…", which programs read from a picture. `issuer`: the server's host name.
std::string totp_uri(std::string_view issuer, std::string_view login, std::string_view secret);

} // namespace paquebot::sasl
