#pragma once

#include "player.h"

#include <memory>

namespace paquebot::dialogs {

/// The IMAP server engine with the fixed directory and mailboxes of README.md.
std::unique_ptr<Engine> make_imap_engine(const Dialog& dialog);

} // namespace paquebot::dialogs
