#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace paquebot::sasl {

/// A password in the one form that every way of typing it leads to: SASLprep (RFC 4013), which SCRAM and PLAIN ask for
/// (RFC 5802 section 2.2, RFC 4616 section 2) and their clients apply; RFC 8265's OpaqueString differs from it only in
/// characters that nobody can type twice the same way. Nothing when it is empty, longer than 1024 octets, not UTF-8, or
/// has characters that no password may have (controls, private use, mixed directions). ASCII comes back as it is.
/// `stored`: also refuse what Unicode 3.2 has not assigned (RFC 4013 section 2.5).
std::optional<std::string> prepare_password(std::string_view text, bool stored);

/// The same for a name: at most 255 octets.
std::optional<std::string> prepare_name(std::string_view text);

} // namespace paquebot::sasl
