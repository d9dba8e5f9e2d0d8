#pragma once

#include "mail/address.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mail {

/// Which addresses programs may read in From or Sender. A field that is an address list of RFC 5322 section 3.4 all
/// programs read alike, but for what is obsolete (section 4.4) or odd: routes, comments within an address or within
/// each other, an "@" in a quoted local part. Such a field, and one that is no list at all ("Ann [Support]
/// <ann@one.test>"), is untidy: some program may take whatever stands around any of its "@" for the address, in quotes
/// (which some leave out) and comments too, before encoded words are decoded or afterwards, with control characters
/// passed over or as an end.
struct Readings {
  /// Each once. The domain as parse_address gives it, the local part as written and empty where it can't be told. Of an
  /// untidy field only those whose domain has at least two labels, none of which is numeric at the end: "Ann @ Work" is
  /// no address.
  std::vector<Address> addresses;
  bool tidy = false;
  bool more = false; ///< there are more than `most`, or the field is untidy and larger than kMostUntidy
  std::string why;   ///< untidy: what is wrong with it, in words
};

/// What of an untidy field is looked at, in octets.
inline constexpr std::size_t kMostUntidy = 16u << 10;

/// `value`: of the field, may be folded. Linear in its size, with a factor of about forty for an untidy one.
Readings readings_of(std::string_view value, std::size_t most = 100);

/// Encoded words (RFC 2047) as their octets, whatever their charset; lenient, as programs are: they may stand anywhere
/// and hold blanks.
std::string decode_words(std::string_view text);

} // namespace paquebot::mail
