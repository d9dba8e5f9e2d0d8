#include "mail/mime_structure.h"

#include "base/text.h"
#include "mail/content_type.h"
#include "mail/head.h"

#include <algorithm>

namespace paquebot::mail {
namespace {

constexpr std::size_t kMostParts = 1000;
constexpr std::size_t kDeepest = 30;
constexpr std::size_t kMostParameters = 100;
constexpr std::size_t kKeptFields = 256u << 10; // octets of fields of all parts together
constexpr std::size_t kSeenOfLine = 512;        // octets of a line that are looked at for a boundary

/// Reads words, quoted strings and separators of a structured field.
class MimeTokens {
public:
  explicit MimeTokens(std::string_view text) : text_(text) {}

  void skip_blanks() {
    while (at_ < text_.size()) {
      if (is_space(text_[at_]))
        ++at_;
      else if (text_[at_] == '(')
        skip_comment();
      else
        return;
    }
  }
  bool take(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool at_end() {
    skip_blanks();
    return at_ >= text_.size();
  }
  std::string word(std::string_view stops) {
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    std::string out;
    for (; at_ < text_.size() && !is_space(text_[at_]) && stops.find(text_[at_]) == std::string_view::npos; ++at_)
      out += text_[at_];
    return out;
  }
  void skip_to(char c) {
    while (at_ < text_.size() && text_[at_] != c) ++at_;
  }

private:
  void skip_comment() {
    std::size_t depth = 0;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\')
        ++at_;
      else if (text_[at_] == '(')
        ++depth;
      else if (text_[at_] == ')' && --depth == 0)
        return void(++at_);
    }
  }
  std::string quoted() {
    std::string out;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      if (text_[at_] != '\r' && text_[at_] != '\n') out += text_[at_];
    }
    if (at_ < text_.size()) ++at_;
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void read_content_type(const Field& field, MimePart& part) {
  MimeValue value = parse_mime_value(unfold(field.value()));
  const auto slash = value.token.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == value.token.size()) return;
  part.type = to_lower(value.token.substr(0, slash));
  part.subtype = to_lower(value.token.substr(slash + 1));
  part.parameters = std::move(value.parameters);
}

std::vector<std::string> languages_of(std::string_view value) {
  std::vector<std::string> out;
  for (const std::string_view one : split(value, ',')) {
    const MimeValue tag = parse_mime_value(one);
    if (!tag.token.empty() && out.size() < kMostParameters) out.push_back(tag.token);
  }
  return out;
}

void read_fields(std::string_view text, MimePart& part) {
  auto head = Head::parse(std::string(text));
  if (!head) return;
  bool typed = false;
  for (const Field& field : *head) {
    if (!field.name().empty() && !istarts_with(field.name(), "content-")) continue;
    if (field.is("Content-Type")) {
      if (!std::exchange(typed, true)) read_content_type(field, part);
    } else if (field.is("Content-Transfer-Encoding")) {
      if (part.encoding.empty()) part.encoding = first_token(field.value());
    } else if (field.is("Content-ID")) {
      if (part.id.empty()) part.id = unfold(field.value());
    } else if (field.is("Content-Description")) {
      if (part.description.empty()) part.description = unfold(field.value());
    } else if (field.is("Content-MD5")) {
      if (part.md5.empty()) part.md5 = unfold(field.value());
    } else if (field.is("Content-Location")) {
      if (part.location.empty()) part.location = unfold(field.value());
    } else if (field.is("Content-Disposition")) {
      if (part.disposition.token.empty()) part.disposition = parse_mime_value(unfold(field.value()));
    } else if (field.is("Content-Language")) {
      if (part.languages.empty()) part.languages = languages_of(unfold(field.value()));
    }
  }
}

/// What can hold no parts is text, whatever it says.
void make_leaf(MimePart& part) {
  part.type = "text";
  part.subtype = "plain";
  part.parameters.clear();
}

} // namespace

std::string_view MimeValue::parameter(std::string_view name) const {
  const auto found = std::ranges::find_if(parameters, [&](const auto& one) { return iequals(one.first, name); });
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

MimeValue parse_mime_value(std::string_view value) {
  MimeTokens tokens(value);
  MimeValue out;
  out.token = tokens.word(";(");
  // "text / plain", which some write.
  if (tokens.take('/')) out.token += "/" + tokens.word(";(");
  while (!tokens.at_end() && out.parameters.size() < kMostParameters) {
    tokens.skip_to(';');
    if (!tokens.take(';')) break;
    std::string name = tokens.word("=;(");
    if (name.empty() || !tokens.take('=')) continue;
    out.parameters.emplace_back(std::move(name), tokens.word(";("));
  }
  return out;
}

struct MimeParser::Impl {
  /// An open part. A multipart is open until its last delimiter, or one of a part around it.
  struct Open {
    MimePart* part;
    std::string boundary{};         ///< of a multipart
    bool ended = false;             ///< its last delimiter was seen: what follows is nothing
    std::uint64_t lines_before = 0; ///< line ends in front of its body
  };

  explicit Impl(std::string_view head) : root(std::make_unique<MimePart>()), at(head.size()) {
    root->head_size = root->body_offset = head.size();
    fields = head;
    open.push_back({root.get()});
    begin_body();
  }

  void feed(std::string_view text) {
    while (!text.empty()) {
      const auto end = text.find('\n');
      const std::string_view piece = text.substr(0, end == std::string_view::npos ? end : end + 1);
      text.remove_prefix(piece.size());
      const std::size_t most = in_head ? kKeptFields : kSeenOfLine;
      if (line.size() < most) line += piece.substr(0, most - line.size());
      line_size += piece.size();
      const char before_last = piece.size() > 1 ? piece[piece.size() - 2] : last;
      last = piece.back();
      if (end != std::string_view::npos) end_line(before_last == '\r' ? 2 : 1);
    }
  }

  void end_line(std::uint64_t end_size) {
    const std::uint64_t start = std::exchange(at, at + line_size);
    const bool delimits = delimiter(start, true);
    ++lines;
    if (in_head && !delimits) head_line(line_size == end_size);
    line_end = end_size;
    empty_line = line_size == end_size;
    line.clear();
    line_size = 0;
    last = 0;
  }

  /// True when the line, which begins at `start`, is a delimiter of an open multipart, the innermost first (RFC 2046
  /// section 5.1.2).
  bool delimiter(std::uint64_t start, bool goes_on) {
    if (!line.starts_with("--")) return false;
    for (std::size_t level = open.size(); level-- > 0;) {
      const std::string& boundary = open[level].boundary;
      if (boundary.empty() || !std::string_view(line).substr(2).starts_with(boundary)) continue;
      const std::string_view rest = std::string_view(line).substr(2 + boundary.size());
      const bool last_one = rest.starts_with("--");
      if (!last_one && !trim(rest).empty()) continue;
      if (!last_one && parts >= kMostParts) continue; // content of the part before
      close(level + 1, start);
      open[level].ended = open[level].ended || last_one;
      if (!open[level].ended && goes_on) begin_part(open[level].part, false);
      return true;
    }
    return false;
  }

  void begin_part(MimePart* parent, bool is_root) {
    ++parts;
    auto part = std::make_unique<MimePart>();
    part->head_offset = part->body_offset = at;
    part->is_root = is_root;
    if (parent->type == "multipart" && parent->subtype == "digest") { // RFC 2046 section 5.1.5
      part->type = "message";
      part->subtype = "rfc822";
    }
    open.push_back({part.get()});
    parent->parts.push_back(std::move(part));
    fields.clear();
    in_head = true;
  }

  void head_line(bool is_empty) {
    keep_field();
    if (!is_empty) return;
    MimePart& part = *open.back().part;
    part.head_size = at - part.head_offset;
    part.body_offset = at;
    in_head = false;
    begin_body();
  }

  void keep_field() {
    if (kept + line.size() > kKeptFields) return;
    fields += line;
    kept += line.size();
  }

  void take_fields(MimePart& part) {
    read_fields(fields, part);
    if (part.is_root) part.head = std::move(fields);
    fields.clear();
  }

  void begin_body() {
    MimePart& part = *open.back().part;
    take_fields(part);
    open.back().lines_before = lines;
    const bool room = parts < kMostParts && open.size() < kDeepest;
    if (part.type == "multipart") {
      const MimeValue type{{}, part.parameters};
      const std::string_view boundary = type.parameter("boundary");
      if (room && !boundary.empty() && boundary.size() < kSeenOfLine / 2)
        open.back().boundary = boundary;
      else
        make_leaf(part);
    } else if (part.type == "message" && (part.subtype == "rfc822" || part.subtype == "global")) {
      const bool plain = part.encoding.empty() || part.encoding == "7bit" || part.encoding == "8bit" ||
                         part.encoding == "binary"; // RFC 2046 section 5.2.1
      if (room && plain) return begin_part(&part, true);
      part.type = "application";
      part.subtype = "octet-stream";
      part.parameters.clear();
    }
  }

  /// Ends all that are open from `level` on; the line end in front of `start` is none of theirs.
  void close(std::size_t level, std::uint64_t start) {
    const std::uint64_t end = start - std::min(line_end, start);
    for (; open.size() > level; open.pop_back()) {
      MimePart& part = *open.back().part;
      if (std::exchange(in_head, false)) { // it ended within its fields
        part.head_size = std::max(end, part.head_offset) - part.head_offset;
        part.body_offset = part.head_offset + part.head_size;
        take_fields(part);
        if (part.type == "message") make_leaf(part);
      } else {
        part.body_size = std::max(end, part.body_offset) - part.body_offset;
        if (part.body_size > 0) part.lines = lines - open.back().lines_before + 1 - (line_end > 0) - empty_line;
      }
      if (part.type == "multipart" && part.parts.empty()) make_leaf(part);
    }
  }

  std::unique_ptr<MimePart> finish() {
    if (line_size > 0) {
      const std::uint64_t start = std::exchange(at, at + line_size);
      if (!delimiter(start, false) && in_head) keep_field();
      empty_line = false;
    } else {
      empty_line = true;
    }
    line_end = 0;
    close(0, at);
    return std::move(root);
  }

  std::unique_ptr<MimePart> root;
  std::vector<Open> open;
  std::string fields; ///< of the part whose head is read
  std::size_t kept = 0, parts = 1;
  std::string line; ///< as far as it is looked at
  std::uint64_t line_size = 0;
  std::uint64_t at;           ///< where the line begins
  std::uint64_t line_end = 0; ///< octets of the line end before it
  std::uint64_t lines = 0;    ///< so far
  bool empty_line = true;     ///< the one before it
  bool in_head = false;
  char last = 0; ///< octet of the line so far
};

MimeParser::MimeParser(std::string_view head) : impl_(std::make_unique<Impl>(head)) {}
MimeParser::~MimeParser() = default;
MimeParser::MimeParser(MimeParser&&) noexcept = default;
MimeParser& MimeParser::operator=(MimeParser&&) noexcept = default;
void MimeParser::feed(std::string_view body) { impl_->feed(body); }
std::unique_ptr<MimePart> MimeParser::finish() { return impl_->finish(); }

} // namespace paquebot::mail
