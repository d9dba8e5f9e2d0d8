#pragma once

#include <cstdint>

namespace paquebot::queue {

/// Why there is no way to a host, as far as it decides how an attempt goes on. What people are told of it is
/// mail::Told: nothing reads that back.
enum class Cause : std::uint8_t {
  none,        ///< there is one, or nobody was asked
  unreached,   ///< no connection came about
  refused,     ///< the host said no, or broke off
  silent,      ///< it did not answer in its time: what it lacks was not found out
  tls_missing, ///< it offers no TLS, or did not want to begin it
  tls_failed,  ///< the handshake came to nothing, or the certificate does not do
  tls_silent,  ///< it fell silent once TLS was to begin, and had all its time
  unprotected, ///< the protection that the message requires can't be had, now and later (RFC 8689 section 4.2.1)
  ours, ///< our resolver does not work, or this machine has no files or memory for a connection: no destination is to
        ///< blame
};

/// Nothing was heard in time.
constexpr bool is_silence(Cause cause) { return cause == Cause::silent || cause == Cause::tls_silent; }

} // namespace paquebot::queue
