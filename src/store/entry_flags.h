#pragma once

#include "store/types.h"

#include <cstdint>

/// The flags of a mailbox entry: 64 bits, of which the highest is never used. Numbers are stored.
///   0 to 4: those of IMAP (Flag)
///   5, 6: below
///   7 to 15: free
///   16 to 62: keywords, which table `keyword` names for each mailbox
namespace paquebot::store {

inline constexpr std::uint64_t kSystemFlags = kSeen | kAnswered | kFlagged | kDeleted | kDraft;
/// Set by accept(): the message came as SMTPUTF8 (RFC 6531), so that who reads it agreed to international header fields
/// only if it says so.
inline constexpr std::uint64_t kInternational = 32;
/// Its flags were changed since it came: its modseq is not that of its arrival any more, and so it is in the index
/// entry_touched. (The modseqs of all others rise with their uids: what came after a modseq is found from the end of
/// the mailbox.)
inline constexpr std::uint64_t kTouched = 64;
inline constexpr unsigned kFirstKeyword = 16; ///< bits
inline constexpr unsigned kLastKeyword = 62;

} // namespace paquebot::store
