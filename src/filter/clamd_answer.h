#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

/// clamd's INSTREAM (clamd(8)): "zINSTREAM", NUL, pieces with their length in front, a length of zero; then one answer
/// that ends in NUL.
namespace paquebot::filter::clamd {

inline constexpr std::string_view kBegin{"zINSTREAM\0", 10};
inline constexpr std::string_view kEnd{"\0\0\0\0", 4};
inline constexpr std::size_t kMaxAnswer = 4096;

/// The length in front of a piece.
std::string length_of(std::size_t size);
/// The name of what was found, printable; empty: nothing. `answer`: without its NUL. `no_space` when the stream was too
/// long for it, `temporary` for another error of clamd, `invalid` for anything else.
Result<std::string> read_answer(std::string_view answer);

} // namespace paquebot::filter::clamd
