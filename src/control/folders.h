#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/store.h"

#include <cstdint>
#include <optional>
#include <string>

namespace paquebot::control {

/// A mailbox's name in a request as the store has it: UTF-8, levels parted by "/"; empty: INBOX.
Result<std::string> read_folder(const std::string& text);
/// A mailbox that something is to go into.
struct FolderWish {
  std::string name;                 ///< as read_folder() gives it, but "INBOX" for INBOX
  std::uint8_t use = 0;             ///< store::Folder::special_use; INBOX has none
  std::optional<bool> subscribed{}; ///< as it was elsewhere; nothing: not known
};
/// The mailbox is there afterwards, and those above it; its name. That is another than the wished one when another has
/// the use already. A new one gets the use, and is subscribed, as those that an account begins with, unless the wish
/// says otherwise. Of one in which there never was a message, the wish's subscription is taken too.
Task<Result<std::string>> need_folder(store::Store& store, store::Id account, FolderWish wish);

} // namespace paquebot::control
