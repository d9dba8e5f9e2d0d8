#pragma once

#include <cstddef>
#include <string_view>

namespace paquebot {

/// As printable_length() (base/text.h), but 0 also for what makes a text look like another one: marks and controls of
/// the direction of writing ("exe.fdp" could look like "pdf.exe"), and the line ends of Unicode. For logs, names of
/// files, and what people read in a terminal; printable() escapes the same.
std::size_t visible_length(std::string_view text);

} // namespace paquebot
