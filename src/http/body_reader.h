#pragma once

#include "http/grammar.h"
#include "http/line_reader.h"

namespace paquebot::http {

struct BodyBounds {
  std::uint32_t chunk_line = 512;         ///< octets of a chunk's first line with its extensions and CRLF
  std::uint32_t chunk_extensions = 16384; ///< octets of all extensions together
  std::uint32_t trailer = 8192;           ///< octets of all trailer fields together
};

/// The content out of a message's body, without copying it (RFC 9112 sections 6 and 7.1). Trailer fields are read, held
/// to the grammar and dropped. Chunk extensions are passed over. Any cut of the input gives the same content.
class BodyReader {
public:
  BodyReader() = default;
  BodyReader(Extent extent, BodyBounds bounds);

  /// Content beyond that many octets is 413. Before the first next().
  void set_most(std::uint64_t octets) { most_ = octets; }
  /// Takes from the front of `input` and gives the next piece of content: a view into `input`, as long as possible, or
  /// empty when the input is used up or the content is whole. 400 for what is malformed; nothing may be read after an
  /// error.
  Parsed<std::string_view> next(std::string_view& input);
  /// The content is whole: what is left of the input belongs to the next message. Never with Framing::until_close.
  bool done() const { return state_ == State::done; }
  Framing framing() const { return framing_; }
  /// Octets of content handed out.
  std::uint64_t taken() const { return taken_; }

private:
  enum class State : std::uint8_t { done, content, chunk_line, chunk_end, trailer };

  std::string_view take(std::string_view& input);
  Parsed<void> read_line(std::string_view& input);
  Parsed<void> chunk_line();
  Parsed<void> trailer_line();

  Framing framing_ = Framing::none;
  State state_ = State::done;
  BodyBounds bounds_;
  LineReader line_;
  std::uint64_t left_ = 0; // octets of content to come, of the chunk or of all
  std::uint64_t most_ = UINT64_MAX;
  std::uint64_t taken_ = 0;
  std::uint64_t extensions_ = 0;
  std::uint64_t trailer_ = 0;
  bool waits_ = false; // the input is used up within a line
};

} // namespace paquebot::http
