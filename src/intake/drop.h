#pragma once

#include "base/result.h"
#include "base/ulid.h"
#include "mail/envelope.h"

#include <cstdint>
#include <functional>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::intake {

/// The drop directory is how programs on this machine hand in mail (the sendmail command), whether the server runs or
/// not. One file a message, named by its ULID, which becomes the message's id: picking a file up twice is harmless. A
/// name that tells of another day than the file does is replaced first. A file is written under the name "tmp.ULID",
/// synced, renamed, and the directory synced. Form: the line "paquebot-drop 1", lines "from:", "to:" (one each
/// recipient; "notify:" and "orcpt:" belong to the one before), if wanted "smtputf8:", "ret:", "envid:", an empty line,
/// then the message with CRLF line ends. Directory mode 1733: anybody may add, nobody but the server may list.
struct DropEnvelope {
  mail::Sender sender;
  std::vector<mail::Recipient> recipients; ///< 1 to kMaxDropRecipients
};
inline constexpr std::size_t kMaxDropRecipients = 10000;
/// Octets of a message's head that the server takes: there must be room for what it puts in front.
inline constexpr std::size_t kMaxDropHead = (1u << 20) - (64u << 10);

/// Makes the directory with its mode if it is absent.
Result<> make_drop_directory(const std::string& directory);

/// Writes one message durably. `message` must give CRLF line ends. `max_size`: octets of the message at most; 0: any.
/// Errors: invalid (it is larger), permission, no_space, io; then nothing is left behind.
Result<Ulid> drop_message(const std::string& directory, const DropEnvelope& envelope, std::istream& message,
                          std::uint64_t max_size = 0);

/// One dropped file, opened for reading.
class DropFile {
public:
  /// Opens without following links; `invalid` when it is no regular file or malformed, other errors when it can't be
  /// read now.
  static Result<DropFile> open(const std::string& directory, const std::string& name);
  ~DropFile();
  DropFile(DropFile&&) noexcept;
  DropFile& operator=(DropFile&&) = delete;

  const DropEnvelope& envelope() const { return envelope_; }
  const Ulid& id() const { return id_; }
  /// Who wrote it.
  std::uint32_t uid() const { return uid_; }
  /// False when its name was not made by the clock of this machine: such an id must not become a message's.
  bool well_named() const { return well_named_; }
  /// The next piece of the message, at most 64 KiB; empty at the end.
  Result<std::string_view> read();

private:
  DropFile() = default;
  int descriptor_ = -1;
  std::uint32_t uid_ = 0;
  bool well_named_ = true;
  Ulid id_;
  DropEnvelope envelope_;
  std::string buffer_;
  std::string rest_;
};

/// Names of the complete files, oldest first, at most `most`.
std::vector<std::string> list_drops(const std::string& directory, std::size_t most);
/// Gives a complete file another id, durably.
Result<> rename_drop(const std::string& directory, const std::string& name, const Ulid& id);
/// False when it could not be removed.
bool remove_drop(const std::string& directory, const std::string& name);

} // namespace paquebot::intake
