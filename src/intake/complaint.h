#pragma once

#include "intake/passage.h"
#include "mail/address.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::intake {

/// What a feedback report says (RFC 5965), and by what it can be tied to a message of ours. What counts is what its
/// author can't have without having had that very message in hand: the return address that it left with, or its id,
/// which nobody guesses.
struct FeedbackNote {
  std::string type;                   ///< "abuse"
  std::vector<mail::Address> paths{}; ///< return addresses that it names
  std::vector<Ulid> ids{};            ///< messages that it names
  std::string teller{};               ///< the domain that vouches for the report itself; empty: none does
};

/// Nothing when it is none, or none that complains. `hostname` ours. Pure.
std::optional<FeedbackNote> feedback_in(const queue::Draft& draft, std::string_view hostname);
/// The domain that SPF or a signature vouch for: that of a signature, else that of the return address or of HELO.
std::string teller_of(const Findings& findings);

/// Has it noted what the report (message `report`) says, if it can be believed. Only counts what fails.
Task<void> note_feedback(const IntakeMeans& means, FeedbackNote note, Ulid report);

} // namespace paquebot::intake
