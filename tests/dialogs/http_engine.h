#pragma once

#include "player.h"

#include <memory>

namespace paquebot::dialogs {

/// The HTTP server engine with the small site of README.md.
std::unique_ptr<Engine> make_http_engine(const Dialog& dialog);

} // namespace paquebot::dialogs
