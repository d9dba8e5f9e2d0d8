#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/store.h"

#include <string>

namespace paquebot::control {

/// A mailbox's name in a request as the store has it: UTF-8, levels parted by "/"; empty: INBOX.
Result<std::string> read_folder(const std::string& text);
/// The mailbox is there afterwards, and those above it. New ones are subscribed, as those that an account begins with.
Task<Result<>> need_folder(store::Store& store, store::Id account, std::string name);

} // namespace paquebot::control
