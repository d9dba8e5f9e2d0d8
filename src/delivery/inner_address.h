#pragma once

#include "mail/report.h"
#include "store/types.h"

#include <string>
#include <vector>

namespace paquebot::delivery {

/// The address that the sender named and whose expansion gave `one`; empty when the sender named `one` itself. `all`:
/// the recipients of its message, by index.
std::string named_address(const std::vector<store::RecipientFacts>& all, const store::RecipientFacts& one);

/// Tells of `named` (an address of ours) in place of the address that it leads to: nothing is left of the inner
/// address, of the server that was asked for it and of what that said, since replies like to repeat it (RFC 3464
/// section 2.3.2 leaves it to us how far in the final recipient is). What became of it stays, and the status, but for
/// what speaks of the inner address itself.
void hide_inner_address(mail::ReportRecipient& row, const mail::Address& named);

/// Takes out what would be told twice: addresses behind the same named one that came to the same.
void drop_repeated(std::vector<mail::ReportRecipient>& rows);

} // namespace paquebot::delivery
