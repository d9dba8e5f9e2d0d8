#pragma once

#include "cli/trusted_path.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace paquebot::cli {

/// By which name (UIDL, RFC 1939 section 7) a POP3 server of before called each message of a Maildir, so that programs
/// that leave mail on the server know it again. Of Dovecot: what dovecot-uidlist names with P, else what it makes by
/// default of UID and UIDVALIDITY (both as eight hexadecimal digits). Of Courier: what courierpop3dsizelist says. Else
/// the file's own name, as Courier and qmail have it. And by which uid an IMAP server knew it: of dovecot-uidlist, or
/// courierimapuiddb.
class MaildirUidls {
public:
  /// Reads the lists in the folder, unless they are of another owner or too large (then as if they were not there).
  explicit MaildirUidls(const Opened& maildir);
  /// Of the file of this name, with or without ":2,FLAGS" behind; empty when no POP3 client can have known it.
  std::string of(std::string_view file) const;
  /// 0: it had none yet, or nothing is known.
  std::uint32_t uid_of(std::string_view file) const;
  std::uint32_t validity() const { return validity_; } ///< 0: nothing is known
  std::uint32_t next() const { return next_; }         ///< uid; likewise

private:
  void read_uids(std::string_view text, bool dovecot);
  void read_courier(std::string_view text);

  std::unordered_map<std::string, std::string> known_; ///< by name without flags
  std::unordered_map<std::string, std::uint32_t> uids_;
  std::uint32_t validity_ = 0, next_ = 0;
  bool by_name_ = true; ///< what is not in a list was called by its name
};

/// A whole file of a Maildir when it belongs to the Maildir's owner; nothing when it is not there, can't be read, or is
/// too large (256 MiB).
std::optional<std::string> read_list(const Opened& maildir, const std::string& name);

/// 1 to 70 characters from 0x21 to 0x7E.
bool is_uidl(std::string_view text);

} // namespace paquebot::cli
