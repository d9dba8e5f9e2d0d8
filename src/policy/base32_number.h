#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Numbers in addresses of ours: letters of either case mean the same (RFC 4648 section 6, without padding).
namespace paquebot::policy {

inline constexpr std::string_view kBase32Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The lowest 5 * `letters` bits, most significant first.
std::string write_base32(std::uint64_t value, std::size_t letters);
/// Nothing where there is another character. At most 12 letters.
std::optional<std::uint64_t> read_base32(std::string_view text);

} // namespace paquebot::policy
