#pragma once

#include "cli/client_driver.h"
#include "cli/compose.h"
#include "cli/send_wishes.h"

#include <iosfwd>

namespace paquebot::cli {

struct SendOptions {
  Letter letter;
  Wishes wishes;
  std::string text_file; ///< the text from this file, "-" for `input`; empty: letter.text
  std::string html_file; ///< the same for HTML
  Target target;
  bool progress = false; ///< show a bar for mail of more than a megabyte
};

/// Composes and sends; prints the server's final reply (its message id is there) to `out`. Refused recipients make an
/// Errc::refused error that names each, also when others were accepted. The bar goes to `terminal`.
Result<> send_letter(SendOptions options, std::istream& input, std::ostream& out, std::ostream& terminal);

} // namespace paquebot::cli
