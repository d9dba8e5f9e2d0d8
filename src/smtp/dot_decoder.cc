#include "smtp/dot_decoder.h"

#include <cstring>

namespace paquebot::smtp {
namespace {

const char* find(const char* from, const char* end, char c) {
  return from == end ? nullptr : static_cast<const char*>(std::memchr(from, c, static_cast<std::size_t>(end - from)));
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
        bare_ = true;
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

/// How much of the input is content up to the next line that begins with a dot. Line by line: the LF is searched,
/// then what is before it for a stray CR; both by memchr.
std::size_t DotDecoder::run_length(std::string_view input) {
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  const char* at = begin;
  bool after_cr = state_ == State::after_cr;
  while (at != end) {
    if (after_cr && *at != '\n') bare_ = true;
    const char* const lf = find(at, end, '\n');
    const char* const line_end = lf == nullptr ? end : lf;
    // The CR that belongs to this LF, or the last octet of the input, may be a fine CR; any before is bare.
    const char* const cr = find(at, line_end, '\r');
    if (cr != nullptr && cr + 1 != line_end) bare_ = true;
    const bool ends_in_cr = line_end == at ? after_cr : line_end[-1] == '\r';
    if (lf == nullptr) {
      state_ = ends_in_cr ? State::after_cr : State::within;
      return input.size();
    }
    at = lf + 1;
    after_cr = false;
    if (!ends_in_cr) {
      bare_ = true;
      state_ = State::within;
      continue;
    }
    state_ = State::line_start;
    if (at != end && *at == '.') break;
  }
  return static_cast<std::size_t>(at - begin);
}

} // namespace paquebot::smtp
