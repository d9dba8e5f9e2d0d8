#pragma once

#include "mail/mime_structure.h"

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::imap {

/// An address of a field as ENVELOPE tells it; of a group the name in front (without a host) and an empty one behind.
struct EnvelopeAddress {
  std::string name;    ///< encoded words as they are
  std::string mailbox; ///< local part, unquoted
  std::string host;
  bool group_begins = false, group_ends = false;
};
/// Reads an address list tolerantly: at most 1000; what can't be read becomes a mailbox without a host.
std::vector<EnvelopeAddress> envelope_addresses(std::string_view value);

/// ENVELOPE of a message with that head (RFC 9051 section 7.5.2).
void put_envelope(std::string& out, std::string_view head);
/// BODY, or with `extended` BODYSTRUCTURE.
void put_structure(std::string& out, const mail::MimePart& part, bool extended);

} // namespace paquebot::imap
