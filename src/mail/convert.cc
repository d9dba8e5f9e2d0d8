#include "mail/convert.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::mail {
namespace {

/// How much of a part is seen before its encoding is chosen.
constexpr std::size_t kWindow = 64 * 1024;
/// Lines are put together up to here; a longer one is handed on in pieces.
constexpr std::size_t kLinePiece = 4096;
constexpr std::size_t kMaxPartHead = 256 * 1024;
constexpr std::size_t kMaxDepth = 100;
/// RFC 2046 section 5.1.1 allows 70.
constexpr std::size_t kMaxBoundary = 200;

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_identity(std::string_view encoding) {
  return encoding.empty() || encoding == "7bit" || encoding == "8bit" || encoding == "binary";
}

bool mostly_8bit(std::string_view text) {
  const auto high = std::ranges::count_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  return static_cast<std::size_t>(high) > text.size() / 3;
}

/// Whether `text` is UTF-8, save for a character cut at its end.
bool is_utf8_window(std::string_view text) {
  for (std::size_t cut = 0; cut < 4 && cut <= text.size(); ++cut) {
    if (is_utf8(text.substr(0, text.size() - cut))) return true;
  }
  return false;
}

} // namespace

Result<> SevenBitConverter::result() const {
  if (error_) return std::unexpected(*error_);
  return {};
}

void SevenBitConverter::refuse(std::string_view why) {
  if (!error_) error_ = Error{Errc::unsupported, "cannot convert the message to 7 bits: " + std::string(why)};
}

Result<> SevenBitConverter::start(std::string_view head, std::string& out) {
  out_ = &out;
  head_bytes_ = head;
  finish_head();
  return result();
}

Result<> SevenBitConverter::feed(std::string_view chunk, std::string& out) {
  out_ = &out;
  while (!chunk.empty() && !error_) {
    const auto at = chunk.find('\n');
    const bool ends = at != std::string_view::npos;
    std::string_view text = chunk.substr(0, ends ? at + 1 : at);
    chunk.remove_prefix(text.size());
    if (!line_.empty() || !ends) {
      line_ += text;
      // A CR at the end may be half of a line end.
      if (!ends && (line_.size() < kLinePiece || line_.back() == '\r')) continue;
      text = line_;
    }
    piece(text, !line_continues_, ends);
    line_.clear();
    line_continues_ = !ends;
  }
  return result();
}

Result<> SevenBitConverter::finish(std::string& out) {
  out_ = &out;
  if (!line_.empty()) piece(line_, !line_continues_, false);
  if (replaced_) refuse("a multipart has no parts");
  if (place_ == Place::head) {
    // A part that ends within its header block.
    if (!is_ascii(head_bytes_)) refuse("a header field holds 8-bit text (it needs SMTPUTF8)");
    out += head_bytes_;
  } else if (place_ == Place::leaf) {
    leaf_write(std::exchange(held_, {}));
    finish_leaf();
    const bool mid_line = (mode_ == Mode::quoted_printable && !quoted_printable_.at_line_start()) ||
                          (mode_ == Mode::base64 && !base64_.at_line_start());
    if (mid_line) out += "\r\n";
  }
  return result();
}

void SevenBitConverter::piece(std::string_view text, bool starts_line, bool ends_line) {
  // The final delimiter may come without a line end.
  if (starts_line && text.starts_with("--")) {
    if (const auto found = delimiter(text)) return at_delimiter(*found, text);
  }
  switch (place_) {
    case Place::head: return head_line(text, starts_line);
    case Place::leaf: return leaf_piece(text, ends_line);
    case Place::between: return between(text);
  }
}

/// Preamble or epilogue (RFC 2046 section 5.1.1).
void SevenBitConverter::between(std::string_view text) {
  for (const char c : text) {
    const bool bad = static_cast<unsigned char>(c) >= 0x80 || c == '\0';
    *out_ += bad ? '?' : c;
    if (bad && !levels_.empty() && !levels_.back().started) replaced_ = true;
  }
}

std::optional<SevenBitConverter::Delimiter> SevenBitConverter::delimiter(std::string_view line) const {
  line.remove_prefix(2);
  while (!line.empty() && std::string_view(" \t\r\n").find(line.back()) != std::string_view::npos)
    line.remove_suffix(1);
  if (line.empty() || line.size() > kMaxBoundary + 2) return {};
  // From the innermost, where most delimiters belong; at most kMaxDepth.
  for (std::size_t i = levels_.size(); i-- > 0;) {
    const std::string& boundary = levels_[i].boundary;
    if (line == boundary) return Delimiter{i, false};
    if (line.size() == boundary.size() + 2 && line.ends_with("--") && line.starts_with(boundary))
      return Delimiter{i, true};
  }
  return {};
}

void SevenBitConverter::at_delimiter(Delimiter d, std::string_view line) {
  if (place_ == Place::head) {
    if (!is_ascii(head_bytes_)) refuse("a header field holds 8-bit text (it needs SMTPUTF8)");
    *out_ += std::exchange(head_bytes_, {});
  }
  if (place_ == Place::leaf) finish_leaf();
  *out_ += std::exchange(held_, {});
  *out_ += line;
  // What was taken for a preamble was all there is of a multipart without delimiters.
  if (replaced_ && d.level + 1 < levels_.size()) refuse("a multipart has no parts");
  replaced_ = false;
  levels_[d.level].started = true;
  levels_.resize(d.close ? d.level : d.level + 1);
  place_ = d.close ? Place::between : Place::head;
  head_bytes_.clear();
  message_head_ = false;
  default_message_ = !d.close && levels_.back().digest;
}

void SevenBitConverter::head_line(std::string_view text, bool starts_line) {
  head_bytes_ += text;
  if (head_bytes_.size() > kMaxPartHead) return refuse("the header block of a part is too large");
  if (starts_line && text.ends_with('\n') && without_line_end(text).empty()) finish_head();
}

void SevenBitConverter::finish_head() {
  if (!is_ascii(head_bytes_)) return refuse("a header field holds 8-bit text (it needs SMTPUTF8)");
  auto head = Head::parse(std::exchange(head_bytes_, {}));
  if (!head) return refuse(head.error().message);
  open_part(std::move(*head));
}

void SevenBitConverter::open_part(Head head) {
  const Field* type_field = head.find("Content-Type");
  part_type_ = parse_content_type(type_field ? type_field->value() : std::string_view());
  if (!type_field && default_message_) part_type_ = {"message", "rfc822", {}, {}, {}};
  const Field* encoding_field = head.find("Content-Transfer-Encoding");
  const bool identity = is_identity(encoding_field ? first_token(encoding_field->value()) : std::string());
  part_head_ = std::move(head);
  mode_ = Mode::undecided;

  const bool fragment = part_type_.is("message", "partial") || part_type_.is("message", "external-body");
  const bool multipart = part_type_.type == "multipart" && !part_type_.boundary.empty();
  const bool closed = part_type_.is("multipart", "signed") || part_type_.boundary.size() > kMaxBoundary ||
                      (multipart && levels_.size() == kMaxDepth);
  if (!identity || fragment || closed) {
    *out_ += part_head_.to_string();
    mode_ = Mode::opaque;
    place_ = Place::leaf;
  } else if (multipart) {
    write_head("7bit", false);
    levels_.push_back({part_type_.boundary, part_type_.subtype == "digest"});
    place_ = Place::between;
  } else if (part_type_.is("message", "rfc822")) {
    write_head("7bit", false);
    place_ = Place::head;
    message_head_ = true;
    default_message_ = false;
  } else {
    place_ = Place::leaf;
  }
}

void SevenBitConverter::leaf_piece(std::string_view text, bool ends_line) {
  if (!held_.empty()) leaf_write(std::exchange(held_, {}));
  const std::string_view content = ends_line ? without_line_end(text) : text;
  leaf_write(content);
  held_ = text.substr(content.size());
}

void SevenBitConverter::leaf_write(std::string_view bytes) {
  if (mode_ == Mode::opaque) {
    if (!is_ascii(bytes)) refuse("8-bit content in a part that must not be changed");
    *out_ += bytes;
  } else if (mode_ == Mode::undecided) {
    window_ += bytes;
    scan_.feed(bytes);
    if (window_.size() >= kWindow) decide(true);
  } else {
    encode(bytes);
  }
}

void SevenBitConverter::finish_leaf() {
  if (mode_ == Mode::undecided) decide(false);
  if (mode_ == Mode::quoted_printable) quoted_printable_.finish(*out_);
  if (mode_ == Mode::base64) base64_.finish(*out_);
}

void SevenBitConverter::encode(std::string_view bytes) {
  if (mode_ == Mode::quoted_printable) {
    quoted_printable_.feed(bytes, *out_);
  } else {
    base64_.feed(bytes, *out_);
  }
}

void SevenBitConverter::decide(bool window_full) {
  const std::string window = std::exchange(window_, {});
  const ContentScan scan = std::exchange(scan_, {});
  if (scan.seven_bit() && !window_full) {
    write_head("7bit", false);
    *out_ += window;
    mode_ = Mode::opaque;
    return;
  }
  // A large part that is plain so far may hold anything later, and its head has to go out now.
  const bool text = part_type_.type == "text" || part_type_.type == "message";
  mode_ = text && !mostly_8bit(window) ? Mode::quoted_printable : Mode::base64;
  quoted_printable_ = {};
  base64_ = {};
  if (message_head_ && !part_head_.find("Content-Type") && scan.has_8bit) {
    part_head_.append("Content-Type",
                      is_utf8_window(window) ? "text/plain; charset=utf-8" : "text/plain; charset=unknown-8bit");
  }
  write_head(mode_ == Mode::base64 ? "base64" : "quoted-printable", true);
  encode(window);
}

void SevenBitConverter::write_head(std::string_view encoding, bool always) {
  // "7bit" is what a missing field means: it is only put where something else stood.
  const auto& fields = part_head_.fields();
  const auto at = std::ranges::find_if(fields, [](const Field& f) { return f.is("Content-Transfer-Encoding"); });
  if (at == fields.end()) {
    if (always) part_head_.append("Content-Transfer-Encoding", encoding);
  } else if (first_token(at->value()) != encoding) {
    part_head_.replace(static_cast<std::size_t>(at - fields.begin()), "Content-Transfer-Encoding", encoding);
  }
  if (always && message_head_ && !part_head_.find("MIME-Version")) part_head_.append("MIME-Version", "1.0");
  *out_ += part_head_.to_string();
}

} // namespace paquebot::mail
