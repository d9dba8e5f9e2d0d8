#pragma once

#include "base/result.h"

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::mail {

/// Bounds of RFC 5321 section 4.5.3.1, in octets.
inline constexpr std::size_t kMaxLocalPart = 64;
inline constexpr std::size_t kMaxDomain = 255;
inline constexpr std::size_t kMaxPath = 256;

/// An e-mail address: `local` is the local part without quotes or escapes (any octets but NUL, CR and LF; UTF-8 when
/// international). Odd dots ("a..b", "a.", ".a", which some carriers gave out without quotes) are written as they came:
/// such a local part that came in quotes keeps them. `domain` is either a lower-case domain of A-labels
/// ("xn--bcher-kva.example") or an address literal with its brackets ("[192.0.2.1]", "[IPv6:2001:db8::1]").
/// An empty domain is allowed only for "postmaster" (RFC 5321 section 4.5.1).
struct Address {
  std::string local;
  std::string domain;

  auto operator<=>(const Address&) const = default;
  bool empty() const { return local.empty() && domain.empty(); }
  /// True when the local part holds octets beyond ASCII (needs SMTPUTF8, RFC 6531).
  bool international() const;
  bool is_literal() const { return !domain.empty() && domain.front() == '['; }
  /// "local@domain" as it goes on the wire, the local part quoted where needed; "" for the empty one.
  std::string to_string() const;
};

/// Whether the local part has dots where RFC 5321 section 4.1.2 allows them in quotes only. We give out no such
/// addresses.
bool has_odd_dots(std::string_view local);

/// Parses a Mailbox of RFC 5321 section 4.1.2 (dot-string, with odd dots too, or quoted local part, domain or literal),
/// with the UTF-8 of RFC 6531 when `allow_utf8`. The whole text must be the address. U-labels become A-labels.
Result<Address> parse_address(std::string_view text, bool allow_utf8 = true);

/// An address from its parts, `local` without quotes; checks both as parse_address does.
Result<Address> make_address(std::string local, std::string_view domain, bool allow_utf8 = true);

/// Result of parsing a path in angle brackets.
struct Path {
  Address address;    ///< empty for "<>"
  std::size_t length; ///< octets of the input it took, brackets included
};
/// Parses "<...>" at the beginning of `text`, as in MAIL FROM:<...> and RCPT TO:<...>. A source route
/// ("@a,@b:") is read and dropped (RFC 5321 appendix C). "<>" gives an empty address;
/// "<postmaster>" an address without a domain.
Result<Path> parse_path(std::string_view text, bool allow_utf8 = true);

/// Splits "user+tag" at the first '+' (after position 0): the local part without the tag.
std::string_view without_tag(std::string_view local);

/// Lower-case A-label form of a domain name; invalid on syntax, length, or labels that IDNA 2008 refuses.
/// Underscores are accepted (they occur in the wild), address literals and a final dot are not. A label
/// that is ASCII already, "xn--..." included, is taken as it is.
Result<std::string> normalize_domain(std::string_view domain);
/// The U-label form for people; the input itself where it has none.
std::string display_domain(std::string_view domain);

} // namespace paquebot::mail
