#pragma once

#include <string>

namespace paquebot::sasl {

/// Overwrites a secret before its memory is given back; the compiler may not leave it out. `text` is empty afterwards.
void wipe(std::string& text);

} // namespace paquebot::sasl
