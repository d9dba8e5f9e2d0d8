#pragma once

#include <cstdint>

namespace paquebot::store {

/// A flag of a mailbox entry beside those of IMAP (Flag), set by accept(): the message came as SMTPUTF8 (RFC 6531), so that who
/// reads it agreed to international header fields only if it says so. The number is stored.
inline constexpr std::uint32_t kInternational = 32;

} // namespace paquebot::store
