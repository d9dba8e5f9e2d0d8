#pragma once

#include "mail/envelope.h"
#include "mail/head.h"

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::cli {

/// What sendmail puts where a program says too little.
struct HeadDefaults {
  std::string origin;    ///< the domain of names without one
  std::string hostname;  ///< in Message-ID
  mail::Address sender;  ///< the envelope's; From when there is none
  std::string full_name; ///< beside it
};

/// Gives names without a domain in From, Sender, Reply-To, To, Cc, Bcc and their Resent- forms the origin, and adds
/// From, To, Date and Message-ID where they are missing (RFC 5322 section 3.6, RFC 6409 section 8). `invalid` when it
/// is larger then than the server takes.
Result<> complete_head(mail::Head& head, const HeadDefaults& defaults);

/// Whom the mail is for.
struct DropRecipients {
  std::vector<mail::Recipient> good; ///< each once
  std::vector<std::string> bad;      ///< what is no address, as written
};

/// Adds those of an address list. `invalid` when there are too many.
Result<> add_recipients(DropRecipients& recipients, std::string_view list, const std::string& origin);
/// -t: those of the head; of a resent message those that it was resent to (RFC 5322 section 3.6.6).
Result<> add_head_recipients(DropRecipients& recipients, const mail::Head& head, const std::string& origin);

/// Head and body of a message that tells `to` who got nothing since what it named is no address. `about`: the head of
/// the mail.
std::string compose_bad_recipients(const DropRecipients& recipients, const mail::Head& about, const mail::Address& to,
                                   const std::string& hostname);

} // namespace paquebot::cli
