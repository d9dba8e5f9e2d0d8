#pragma once

#include "cli/import.h"
#include "cli/progress.h"
#include "cli/temp_file.h"
#include "cli/verbs.h"
#include "imap/uid_set.h"
#include "mail/head.h"
#include "mailauth/crypto.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::cli {

/// Carries messages to the store over the control API: a small one in one request, the body of a larger one in pieces.
/// What tells a message from others is its content (or ImportedMessage::origin) with the mailbox it goes into, and how
/// many of the same there were before it.
class ImportCarrier {
public:
  /// `again`: take what was imported before.
  ImportCarrier(Session& session, const std::string& login, ProgressBar& bar, bool again);

  Result<Imported> carry(const ImportedMessage& message, const ImportContent& content);
  /// Makes a mailbox that is not there. Messages for it go into the one that has its use here.
  Result<> make_folder(const ImportedFolder& folder);
  /// At the end: mailboxes all of whose messages have the uids of where they are from get the uidvalidity of there. How
  /// many there are.
  Result<std::uint64_t> keep_uids();

private:
  /// What is known of the uids of a mailbox.
  struct Uids {
    std::uint32_t validity = 0, next = 0;
    imap::UidSet all;
    bool good = true; ///< of one mailbox, and rising
  };
  const std::string& target_of(const std::string& folder) const;
  Result<Imported> carry_message(ImportedMessage& message, const ImportContent& content);
  void read_mbox_fields(std::string& head, ImportedMessage& message);
  void note_uid(const ImportedMessage& message);
  Result<std::string> read(const ImportedMessage& message, mail::HeadSplitter& splitter, const ImportContent& content);
  std::string number(const ImportedMessage& message, std::string_view digest);
  Result<bool> known(const std::string& digest);
  Result<Imported> bring(const ImportedMessage& message, std::string head, const std::string& digest);
  Result<> upload();
  Result<Imported> hand_in(const ImportedMessage& message, std::string head, const std::string& digest);

  Session& session_;
  std::string account_; ///< path of what is asked for
  std::string path_;
  ProgressBar& bar_;
  bool again_;
  std::string body_;
  std::optional<TempFile> spilled_; ///< the body of a large message
  std::string upload_;              ///< number of the upload under way
  mailauth::Sha256 hash_;
  std::map<std::string, std::string> targets_; ///< mailboxes that are called otherwise here
  std::map<std::string, Uids> uids_;           ///< by mailbox, as it is called elsewhere
  std::map<std::string, unsigned> seen_;       ///< how many messages of these octets there were
};

} // namespace paquebot::cli
