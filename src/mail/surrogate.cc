#include "mail/surrogate.h"

#include "base/text.h"
#include "mail/content_type.h"
#include "mail/lines.h"
#include "mail/surrogate_field.h"

#include <algorithm>
#include <utility>

namespace paquebot::mail {
namespace {

constexpr std::size_t kMaxField = 64u << 10;
/// Octets that the fields of one message may grow by: each address of a list becomes some twenty times as long.
constexpr std::size_t kMostGrowth = 1u << 20;
constexpr std::size_t kMaxLevels = 100;
constexpr std::size_t kMaxDelimiter = 1024; // octets of a line
constexpr std::size_t kMaxBoundary = 256;   // octets; RFC 2046 section 5.1.1 allows 70

bool is_field(std::string_view line, std::string_view name) {
  return line.size() > name.size() && iequals(line.substr(0, name.size()), name) &&
         trim(line.substr(name.size(), line.find(':') - name.size())).empty();
}

void append_ascii(std::string_view text, std::string& out) {
  for (char c : text) out += (static_cast<unsigned char>(c) & 0x80) != 0 ? '?' : c;
}

} // namespace

std::string_view Surrogate::feed(std::string_view piece, bool last) {
  if (place_ == Place::rest) return piece;
  out_.clear();
  while (!piece.empty()) {
    if (place_ == Place::rest) {
      out_ += piece;
      break;
    }
    place_ == Place::head ? take_head(piece) : take_body(piece);
  }
  if (!last) return out_;
  if (place_ == Place::head) {
    const std::string line = std::exchange(line_, {});
    if (!line.empty()) head_line(line); // a head that ends without its empty line
    end_field();
  } else {
    out_ += line_;
  }
  line_.clear();
  return out_;
}

void Surrogate::take_head(std::string_view& piece) {
  const std::size_t end = piece.find('\n');
  const std::string_view part = piece.substr(0, end == std::string_view::npos ? end : end + 1);
  piece.remove_prefix(part.size());
  if (line_.empty() && end != std::string_view::npos) return head_line(part);
  line_ += part;
  if (end == std::string_view::npos && line_.size() <= kMaxHead) return;
  const std::string line = std::exchange(line_, {});
  head_line(line);
}

void Surrogate::head_line(std::string_view line) {
  const std::string_view text = without_line_end(line);
  const bool begins = !std::exchange(cut_, !line.ends_with('\n'));
  if (begins && text.starts_with("--") && at_delimiter(line)) return;
  if (begins && text.empty()) {
    end_head();
    out_ += line;
    return;
  }
  if (begins && text.front() != ' ' && text.front() != '\t') end_field();
  if (!overlong_ && field_.size() + line.size() <= kMaxField) {
    field_ += line;
    return;
  }
  append_ascii(field_, out_);
  field_.clear();
  overlong_ = true;
  append_ascii(line, out_);
}

void Surrogate::end_field() {
  overlong_ = false;
  if (field_.empty()) return;
  note_field(field_);
  if (is_ascii(field_)) {
    out_ += field_;
  } else if (grown_ > kMostGrowth) {
    append_ascii(field_, out_);
  } else {
    const std::string made = surrogate_field(field_);
    grown_ += made.size() - std::min(made.size(), field_.size());
    out_ += made;
  }
  field_.clear();
}

void Surrogate::note_field(std::string_view field) {
  if (!typed_ && is_field(field, "Content-Type")) {
    typed_ = true;
    type_ = field.substr(field.find(':') + 1);
  } else if (is_field(field, "Content-Transfer-Encoding")) {
    const std::string encoding = first_token(field.substr(field.find(':') + 1));
    encoded_ = encoding == "base64" || encoding == "quoted-printable";
  }
}

void Surrogate::end_head() {
  end_field();
  const ContentType type = typed_ ? parse_content_type(type_) : ContentType{};
  const bool message = typed_ ? type.is("message", "rfc822") || type.is("message", "global") : default_message_;
  const bool multipart = type.type == "multipart" && !type.boundary.empty() && type.boundary.size() <= kMaxBoundary &&
                         levels_.size() < kMaxLevels;
  if (multipart) levels_.push_back({type.boundary, type.subtype == "digest"});
  place_ = message && !encoded_ ? Place::head : levels_.empty() ? Place::rest : Place::body;
  line_start_ = true;
  typed_ = encoded_ = default_message_ = false;
  type_.clear();
}

void Surrogate::take_body(std::string_view& piece) {
  if (line_start_ && line_.empty() && piece.front() != '-') line_start_ = false;
  if (!line_start_) { // all up to the next line that may be a delimiter
    const std::size_t end = piece.find("\n-");
    const std::string_view part = piece.substr(0, end == std::string_view::npos ? end : end + 1);
    out_ += part;
    piece.remove_prefix(part.size());
    line_start_ = part.ends_with('\n');
    return;
  }
  const std::size_t end = std::min(piece.find('\n'), piece.size() - 1) + 1;
  const std::string_view part = piece.substr(0, std::min(end, kMaxDelimiter));
  line_ += part;
  piece.remove_prefix(part.size());
  const bool whole = line_.ends_with('\n');
  if (!whole && line_.size() < kMaxDelimiter && std::string_view("--").starts_with(line_.substr(0, 2))) return;
  const std::string line = std::exchange(line_, {});
  line_start_ = whole;
  if (!whole || !line.starts_with("--") || !at_delimiter(line)) out_ += line;
}

/// RFC 2046 section 5.1.1: "--", the boundary, "--" at the end of the multipart, blanks.
bool Surrogate::at_delimiter(std::string_view line) {
  std::string_view text = without_line_end(line).substr(2);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  for (std::size_t n = levels_.size(); n-- > 0;) {
    const std::string& boundary = levels_[n].boundary;
    const bool closing = text.size() == boundary.size() + 2 && text.ends_with("--");
    if (!text.starts_with(boundary) || (!closing && text.size() != boundary.size())) continue;
    end_field();
    typed_ = encoded_ = false;
    type_.clear();
    out_ += line;
    levels_.resize(closing ? n : n + 1);
    default_message_ = !closing && levels_[n].digest;
    line_start_ = true;
    place_ = !closing ? Place::head : levels_.empty() ? Place::rest : Place::body;
    return true;
  }
  return false;
}

} // namespace paquebot::mail
