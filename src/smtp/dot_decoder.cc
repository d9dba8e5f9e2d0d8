#include "smtp/dot_decoder.h"

#include <bit>
#include <cstdint>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace paquebot::smtp {
namespace {

constexpr std::size_t kGroup = 32; // octets looked at together

/// A bit for each octet of a group that may be a CR, an LF or a NUL: none of those is greater than CR, and little else
/// of a message.
std::uint32_t line_ends(const char* group) {
#ifdef __SSE2__
  const __m128i cr = _mm_set1_epi8('\r');
  const auto found = [cr](const char* octets) {
    const __m128i all = _mm_loadu_si128(reinterpret_cast<const __m128i*>(octets));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(all, cr), cr)));
  };
  return found(group) | found(group + 16) << 16;
#else
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < kGroup; ++i)
    found |= static_cast<std::uint32_t>(static_cast<unsigned char>(group[i]) <= '\r') << i;
  return found;
#endif
}

} // namespace

std::string_view DotDecoder::next(std::string_view& input) {
  while (!input.empty() && !done()) {
    std::string_view piece;
    if (step_over_dot(input, piece)) {
      if (!piece.empty()) return piece;
      continue;
    }
    const std::size_t length = run_length(input);
    piece = input.substr(0, length);
    input.remove_prefix(length);
    if (!piece.empty()) return piece;
  }
  return {};
}

/// Handles one octet at or behind a dot that begins a line. False when the input does not stand at such a place.
bool DotDecoder::step_over_dot(std::string_view& input, std::string_view& piece) {
  const char c = input.front();
  switch (state_) {
    case State::line_start:
      if (c != '.') return false;
      state_ = State::after_dot;
      break;
    case State::after_dot:
      if (c != '\r') {
        state_ = State::within; // the dot was stuffing
        return false;
      }
      state_ = State::after_dot_cr;
      break;
    case State::after_dot_cr:
      if (c != '\n') {
        bare_cr_ = true;
        state_ = State::within;
        piece = "\r"; // it was held back; `c` is looked at again
        return true;
      }
      state_ = State::done;
      break;
    default: return false;
  }
  input.remove_prefix(1);
  return true;
}

/// How much of the input is content up to the next line that begins with a dot.
std::size_t DotDecoder::run_length(std::string_view input) {
  const char* const octets = input.data();
  const std::size_t size = input.size();
  const bool after_cr = state_ == State::after_cr;
  bool bare_cr = after_cr && octets[0] != '\n', bare_lf = false, nul = false;
  // Looks at an octet that may be a CR, an LF or a NUL: whether a line that begins with a dot is behind it.
  const auto look = [&, octets, size, after_cr](std::size_t at) {
    const std::size_t next = at + 1;
    if (octets[at] == '\r') {
      bare_cr = bare_cr || (next < size && octets[next] != '\n');
    } else if (octets[at] == '\n') {
      if (at == 0 ? after_cr : octets[at - 1] == '\r') return next < size && octets[next] == '.';
      bare_lf = true;
    } else if (octets[at] == '\0') {
      nul = true;
    }
    return false;
  };
  std::size_t at = 0;
  bool found = false;
  for (; !found && at + kGroup <= size; at += kGroup) {
    for (std::uint32_t ends = line_ends(octets + at); ends != 0 && !found; ends &= ends - 1) {
      const auto one = static_cast<std::size_t>(std::countr_zero(ends));
      found = look(at + one);
      if (found) at += one + 1 - kGroup;
    }
  }
  for (; !found && at < size; ++at) found = look(at);
  bare_cr_ = bare_cr_ || bare_cr;
  bare_lf_ = bare_lf_ || bare_lf;
  nul_ = nul_ || nul;
  if (found) {
    state_ = State::line_start;
    return at;
  }
  const bool ends_in_cr = size == 1 ? after_cr : octets[size - 2] == '\r';
  state_ = octets[size - 1] == '\r'                 ? State::after_cr
           : octets[size - 1] == '\n' && ends_in_cr ? State::line_start
                                                    : State::within;
  return size;
}

} // namespace paquebot::smtp
