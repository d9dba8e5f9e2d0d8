#include "mail/convert.h"

#include "base/text.h"
#include "mail/lines.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace paquebot::mail {
namespace {

/// How much of a part is seen before its encoding is chosen.
constexpr std::size_t kWindow = 64 * 1024;
/// Lines are put together up to here; a longer one is handed on in pieces.
constexpr std::size_t kLinePiece = 4096;
constexpr std::size_t kMaxPartHead = 256 * 1024;
constexpr std::size_t kMaxDepth = 100;
/// RFC 2046 section 5.1.1 allows 70.
constexpr std::size_t kMaxConvertedBoundary = 200;

bool is_identity(std::string_view encoding) {
  return encoding.empty() || encoding == "7bit" || encoding == "8bit" || encoding == "binary";
}

/// Lines end with CRLF, and there is no NUL.
bool is_canonical(std::string_view text) {
  ContentScan scan;
  scan.feed(text);
  scan.finish();
  return !scan.has_nul && !scan.bare_cr && !scan.bare_lf;
}

bool mostly_8bit(std::string_view text) {
  const auto high = std::ranges::count_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  return static_cast<std::size_t>(high) > text.size() / 3;
}

/// Fragments (RFC 2046 sections 5.2.2, 5.2.3), and reports that programs read as they are (RFC 3464 section 2.1, RFC
/// 8098 section 3.1).
bool must_stay(const ContentType& type) {
  constexpr std::string_view kKinds[] = {"partial", "external-body", "delivery-status", "disposition-notification"};
  return type.type == "message" && std::ranges::find(kKinds, type.subtype) != std::end(kKinds);
}

} // namespace

Result<> MessageConverter::result() const {
  if (error_) return std::unexpected(*error_);
  return {};
}

void MessageConverter::refuse(std::string_view why) {
  if (!error_) error_ = Error{Errc::unsupported, "cannot convert the message: " + std::string(why)};
}

bool MessageConverter::may_stay(std::string_view head) const {
  return ((how_.to_eight_bit && !how_.ascii_heads) || is_ascii(head)) && (!how_.from_binary || is_canonical(head));
}

void MessageConverter::refuse_head() {
  refuse((how_.to_eight_bit && !how_.ascii_heads) || (how_.from_binary && is_ascii(head_bytes_))
             ? "a header block holds NUL, or CR or LF alone"
             : "a header field holds 8-bit text (it needs SMTPUTF8)");
}

bool MessageConverter::fits(const ContentScan& scan) const {
  if (scan.has_nul || scan.longest_line > kMaxLine || (scan.has_8bit && !how_.to_eight_bit)) return false;
  return !how_.from_binary || (!scan.bare_cr && !scan.bare_lf);
}

Result<> MessageConverter::start(std::string_view head, std::string& out) {
  out_ = &out;
  head_bytes_ = head;
  finish_head();
  return result();
}

Result<> MessageConverter::feed(std::string_view chunk, std::string& out) {
  out_ = &out;
  while (!chunk.empty() && !error_) {
    const auto at = chunk.find('\n');
    std::string_view text = chunk.substr(0, at == std::string_view::npos ? at : at + 1);
    chunk.remove_prefix(text.size());
    if (!line_.empty() || at == std::string_view::npos) {
      line_ += text;
      text = line_;
    }
    const bool ends = text.ends_with(how_.from_binary ? "\r\n" : "\n");
    if (!ends && text.size() < kLinePiece) {
      if (line_.empty()) line_ = text;
      continue;
    }
    // A CR at the end may be half of a line end.
    std::string rest;
    if (!ends && text.ends_with('\r')) {
      text.remove_suffix(1);
      rest = "\r";
    }
    if (!text.empty()) {
      piece(text, !line_continues_, ends);
      line_continues_ = !ends;
    }
    line_ = std::move(rest);
  }
  return result();
}

Result<> MessageConverter::finish(std::string& out) {
  out_ = &out;
  at_end_ = true;
  if (!line_.empty()) piece(line_, !line_continues_, false);
  if (replaced_) refuse("a multipart has no parts");
  if (place_ == Place::head) {
    // A part that ends within its header block.
    if (!may_stay(head_bytes_)) refuse_head();
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

void MessageConverter::piece(std::string_view text, bool starts_line, bool ends_line) {
  // The final delimiter may come without a line end.
  if (starts_line && (ends_line || at_end_) && text.starts_with("--")) {
    if (const auto found = delimiter(text)) return at_delimiter(*found, text);
  }
  switch (place_) {
    case Place::head: return head_line(text, starts_line);
    case Place::leaf: return leaf_piece(text, ends_line);
    case Place::between: return between(text, ends_line);
  }
}

/// Preamble or epilogue (RFC 2046 section 5.1.1).
void MessageConverter::between(std::string_view text, bool ends_line) {
  const std::size_t line_end = ends_line ? text.size() - without_line_end(text).size() : 0;
  for (const char c : text.substr(0, text.size() - line_end)) {
    const bool high = static_cast<unsigned char>(c) >= 0x80 && !how_.to_eight_bit;
    const bool bad = high || c == '\0' || (how_.from_binary && (c == '\r' || c == '\n'));
    if (between_ == kMaxLine) { // the blank keeps what is behind it from being a delimiter
      *out_ += "\r\n ";
      between_ = 1;
    }
    ++between_;
    *out_ += bad ? '?' : c;
    if (bad && !levels_.empty() && !levels_.back().started) replaced_ = true;
  }
  *out_ += text.substr(text.size() - line_end);
  if (ends_line) between_ = 0;
}

std::optional<MessageConverter::Delimiter> MessageConverter::delimiter(std::string_view line) const {
  line.remove_prefix(2);
  if (how_.from_binary && line.ends_with("\r\n")) line.remove_suffix(2);
  const std::string_view padding = how_.from_binary ? " \t" : " \t\r\n";
  while (!line.empty() && padding.find(line.back()) != std::string_view::npos) line.remove_suffix(1);
  if (line.empty() || line.size() > kMaxConvertedBoundary + 2) return {};
  // From the innermost, where most delimiters belong; at most kMaxDepth.
  for (std::size_t i = levels_.size(); i-- > 0;) {
    const std::string& boundary = levels_[i].boundary;
    if (line == boundary) return Delimiter{i, false};
    if (line.size() == boundary.size() + 2 && line.ends_with("--") && line.starts_with(boundary))
      return Delimiter{i, true};
  }
  return {};
}

void MessageConverter::at_delimiter(Delimiter d, std::string_view line) {
  if (place_ == Place::head) {
    if (!may_stay(head_bytes_)) refuse_head();
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
  between_ = 0;
  message_head_ = false;
  default_message_ = !d.close && levels_.back().digest;
}

void MessageConverter::head_line(std::string_view text, bool starts_line) {
  head_bytes_ += text;
  if (head_bytes_.size() > kMaxPartHead) return refuse("the header block of a part is too large");
  if (starts_line && text.ends_with('\n') && without_line_end(text).empty()) finish_head();
}

void MessageConverter::finish_head() {
  if (!may_stay(head_bytes_)) return refuse_head();
  auto head = Head::parse(std::exchange(head_bytes_, {}));
  if (!head) return refuse(head.error().message);
  open_part(std::move(*head));
}

void MessageConverter::open_part(Head head) {
  const Field* type_field = head.find("Content-Type");
  part_type_ = parse_content_type(type_field ? type_field->value() : std::string_view());
  if (!type_field && default_message_) part_type_ = {"message", "rfc822", {}, {}, {}};
  const Field* encoding_field = head.find("Content-Transfer-Encoding");
  const bool identity = is_identity(encoding_field ? first_token(encoding_field->value()) : std::string());
  part_head_ = std::move(head);
  mode_ = Mode::undecided;
  opaque_ = {};

  const bool multipart = part_type_.type == "multipart";
  const std::size_t boundary = part_type_.boundary.size();
  const bool readable = boundary > 0 && boundary <= kMaxConvertedBoundary && levels_.size() < kMaxDepth;
  const bool is_signed = part_type_.is("multipart", "signed") && !how_.ascii_heads;
  if (how_.ascii_heads && identity && multipart && !readable)
    return refuse("the parts of a multipart can't be told apart");
  if (!identity || (multipart && (!readable || is_signed)) || must_stay(part_type_)) {
    leave_one_encoding();
    *out_ += part_head_.to_string();
    mode_ = Mode::opaque;
    place_ = Place::leaf;
  } else if (multipart) {
    write_head(label(true), false);
    levels_.push_back({part_type_.boundary, part_type_.subtype == "digest"});
    place_ = Place::between;
    between_ = 0;
  } else if (part_type_.is("message", "rfc822")) {
    write_head(label(true), false);
    place_ = Place::head;
    message_head_ = true;
    default_message_ = false;
  } else {
    place_ = Place::leaf;
  }
}

void MessageConverter::leaf_piece(std::string_view text, bool ends_line) {
  if (!held_.empty()) leaf_write(std::exchange(held_, {}));
  const std::string_view content = ends_line ? without_line_end(text) : text;
  leaf_write(content);
  held_ = text.substr(content.size());
}

void MessageConverter::leaf_write(std::string_view bytes) {
  if (mode_ == Mode::opaque) {
    if (!how_.to_eight_bit && !is_ascii(bytes)) refuse("8-bit content in a part that must not be changed");
    opaque_.feed(bytes);
    refuse_opaque();
    *out_ += bytes;
  } else if (mode_ == Mode::undecided) {
    window_ += bytes;
    scan_.feed(bytes);
    if (window_.size() >= kWindow) decide(true);
  } else {
    encode(bytes);
  }
}

void MessageConverter::refuse_opaque() {
  if (how_.from_binary && (opaque_.has_nul || opaque_.bare_cr || opaque_.bare_lf))
    refuse("binary content in a part that must not be changed");
}

void MessageConverter::finish_leaf() {
  if (mode_ == Mode::opaque) {
    opaque_.finish();
    refuse_opaque();
  }
  if (mode_ == Mode::undecided) decide(false);
  if (mode_ == Mode::quoted_printable) quoted_printable_.finish(*out_);
  if (mode_ == Mode::base64) base64_.finish(*out_);
}

void MessageConverter::encode(std::string_view bytes) {
  if (mode_ == Mode::quoted_printable) {
    quoted_printable_.feed(bytes, *out_);
  } else {
    base64_.feed(bytes, *out_);
  }
}

void MessageConverter::decide(bool window_full) {
  const std::string window = std::exchange(window_, {});
  ContentScan scan = std::exchange(scan_, {});
  if (!window_full) scan.finish();
  if (fits(scan) && !window_full) {
    write_head(label(scan.has_8bit), false);
    *out_ += window;
    mode_ = Mode::opaque;
    return;
  }
  // A large part that is plain so far may hold anything later, and its head has to go out now.
  const bool text = part_type_.type == "text" || part_type_.type == "message";
  // Quoted-printable of lines knows no line end but one; base64 knows none, and loses nothing.
  mode_ = text && !how_.from_binary && !mostly_8bit(window) ? Mode::quoted_printable : Mode::base64;
  quoted_printable_ = {};
  base64_ = {};
  // What a window shows says nothing of what is behind it.
  if (message_head_ && !part_head_.find("Content-Type") && (scan.has_8bit || window_full)) {
    part_head_.append("Content-Type", !window_full && is_utf8(window) ? "text/plain; charset=utf-8"
                                                                      : "text/plain; charset=unknown-8bit");
  }
  write_head(mode_ == Mode::base64 ? "base64" : "quoted-printable", true);
  encode(window);
}

/// What Content-Transfer-Encoding says of a part that stays as it is, or of the parts within.
std::string MessageConverter::label(bool eight_bit) const {
  if (!how_.to_eight_bit) return "7bit";
  const Field* field = part_head_.find("Content-Transfer-Encoding");
  const std::string said = field ? first_token(field->value()) : std::string();
  return said != "binary" ? said : eight_bit ? "8bit" : "7bit";
}

/// RFC 2045 section 5 knows one such field; programs differ in which of two they believe.
void MessageConverter::leave_one_encoding() {
  bool first = true;
  part_head_.remove_if(
      [&first](const Field& f) { return f.is("Content-Transfer-Encoding") && !std::exchange(first, false); });
}

void MessageConverter::write_head(std::string_view encoding, bool always) {
  leave_one_encoding();
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
