#include "http/body_reader.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::http {

namespace {
constexpr std::size_t kMaxSizeDigits = 16; // of a chunk's size: what fits in 64 bits
} // namespace

BodyReader::BodyReader(Extent extent, BodyBounds bounds)
    : framing_(extent.framing), bounds_(bounds), left_(extent.length) {
  switch (framing_) {
    case Framing::none: break;
    case Framing::length: state_ = left_ == 0 ? State::done : State::content; break;
    case Framing::chunked: state_ = State::chunk_line; break;
    case Framing::until_close:
      state_ = State::content;
      left_ = UINT64_MAX;
      break;
  }
}

std::string_view BodyReader::take(std::string_view& input) {
  const auto piece = input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size())));
  input.remove_prefix(piece.size());
  left_ -= piece.size();
  taken_ += piece.size();
  if (left_ == 0) state_ = framing_ == Framing::chunked ? State::chunk_end : State::done;
  return piece;
}

Parsed<std::string_view> BodyReader::next(std::string_view& input) {
  waits_ = false;
  while (state_ != State::done && !waits_ && !input.empty()) {
    if (state_ == State::content) {
      const auto piece = take(input);
      if (taken_ > most_) return fault(413, "the content is too large");
      return piece;
    }
    if (const auto read = read_line(input); !read) return std::unexpected(read.error());
  }
  return std::string_view();
}

Parsed<void> BodyReader::read_line(std::string_view& input) {
  const std::size_t trailer_left = bounds_.trailer - std::min<std::uint64_t>(trailer_, bounds_.trailer);
  const std::size_t most = state_ == State::chunk_end ? 2
                           : state_ == State::trailer ? trailer_left
                                                      : bounds_.chunk_line;
  switch (line_.read(input, most)) {
    case LineReader::Status::more: waits_ = true; return {};
    case LineReader::Status::bad: return fault(400, "a chunk that is none");
    case LineReader::Status::too_long:
      if (state_ == State::trailer) return fault(431, "too many trailer fields");
      return fault(400,
                   state_ == State::chunk_end ? "a chunk that is longer than it says" : "a chunk with too long a line");
    case LineReader::Status::line: break;
  }
  if (state_ == State::trailer) return trailer_line();
  if (state_ == State::chunk_line) return chunk_line();
  state_ = State::chunk_line;
  return {};
}

Parsed<void> BodyReader::chunk_line() {
  const auto line = line_.line();
  std::size_t digits = 0;
  std::uint64_t size = 0;
  while (digits < line.size() && hex_value(line[digits]) >= 0) {
    if (digits == kMaxSizeDigits) return fault(400, "a chunk size of too many digits");
    size = size * 16 + static_cast<std::uint64_t>(hex_value(line[digits++]));
  }
  if (digits == 0) return fault(400, "a chunk without a size");
  const auto rest = line.substr(digits);
  // RFC 9112 section 7.1.1 allows white space before the semicolon of an extension, and nowhere else.
  if (!rest.empty() && !trim(rest).starts_with(';')) return fault(400, "something behind a chunk's size");
  extensions_ += rest.size();
  if (extensions_ > bounds_.chunk_extensions) return fault(400, "too many chunk extensions");
  if (size > most_ || taken_ > most_ - size) return fault(413, "the content is too large");
  left_ = size;
  state_ = size == 0 ? State::trailer : State::content;
  return {};
}

Parsed<void> BodyReader::trailer_line() {
  if (line_.line().empty()) {
    state_ = State::done;
    return {};
  }
  trailer_ += line_.line().size() + 2;
  const auto field = parse_field(line_.line());
  if (!field) return std::unexpected(field.error());
  return {};
}

} // namespace paquebot::http
