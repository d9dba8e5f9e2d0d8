#pragma once

#include "player.h"

#include <memory>

namespace paquebot::dialogs {

/// The SMTP and LMTP server engine with the fixed directory of README.md.
std::unique_ptr<Engine> make_smtp_engine(const Dialog& dialog);

} // namespace paquebot::dialogs
