#pragma once

#include "base/ulid.h"
#include "service/assembly.h"

#include <string>

namespace paquebot::service {

/// What the server itself writes to somebody.
struct OwnLetter {
  std::string to;      ///< an address
  std::string subject; ///< ASCII, without line breaks
  std::string text;    ///< UTF-8; lines end with CRLF and are short
  std::string note;    ///< for its trail
  Ulid id;
};

/// Into a mailbox here, or to another server. The same id twice is one letter. not_found when the address would be
/// ours, but nobody has it.
Task<Result<>> send_own_letter(Assembly& parts, OwnLetter letter);

/// Whom [doctor] names, else the postmaster of the first domain; empty: there is nobody.
Task<std::string> operators_address(Assembly& parts);

/// The owner of a hook hears that it is paused, once for each time that it began to fail; of the server's own hooks
/// hears whom operators_address() names.
Task<void> tell_of_paused_hook(Assembly& parts, store::Hook hook);

} // namespace paquebot::service
