#pragma once

#include <string>
#include <string_view>

namespace paquebot::mail {

/// One field of a header block with octets beyond ASCII, as a client without UTF8 gets it (RFC 6858 section 2): ASCII,
/// with its final line end; empty when the field can't be shown at all and is left out. `raw` is the field with its
/// folding and line end. Linear in its length.
///
/// Addresses: a name becomes encoded words; a domain of U-labels becomes one of A-labels, the same address; a local
/// part beyond ASCII becomes an address under .invalid with the true one in its display name. Subject: encoded words.
/// Content-Type and Content-Disposition lose the parameters concerned. All other fields are left out (section 2.4).
/// Lines that are no field keep what is ASCII, "?" stands for the rest.
std::string surrogate_field(std::string_view raw);

} // namespace paquebot::mail
