#include "mailauth/canonical.h"

#include "base/text.h"

#include <algorithm>
#include <cstring>

namespace paquebot::mailauth {
namespace {

bool is_wsp(char c) { return c == ' ' || c == '\t'; }
bool is_space(char c) { return is_wsp(c) || c == '\r' || c == '\n'; }

/// Appends a text with each run of white space and folding as one space, none at its ends.
void append_collapsed(std::string& out, std::string_view text) {
  text = trim(text);
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && !is_space(text[end])) ++end;
    out.append(text.substr(i, end - i));
    i = end;
    while (i < text.size() && is_space(text[i])) ++i;
    if (i > end) out += ' ';
  }
}

std::string_view without_line_end(std::string_view raw) {
  if (raw.ends_with('\n')) raw.remove_suffix(1);
  if (raw.ends_with('\r')) raw.remove_suffix(1);
  return raw;
}

/// A field's raw text without what follows "b=".
std::string without_signature(const mail::Field& field) {
  const std::string_view raw = without_line_end(field.raw);
  const auto colon = raw.find(':', field.name_length);
  std::size_t start = colon == std::string_view::npos ? raw.size() : colon + 1;
  while (start < raw.size()) {
    const auto semicolon = std::min(raw.find(';', start), raw.size());
    const std::string_view spec = raw.substr(start, semicolon - start);
    const auto equals = spec.find('=');
    if (equals != std::string_view::npos && trim(spec.substr(0, equals)) == "b")
      return std::string(raw.substr(0, start + equals + 1)) + std::string(raw.substr(semicolon));
    start = semicolon + 1;
  }
  return std::string(raw);
}

} // namespace

void BodyHash::flush() {
  std::string_view octets(buffer_.data(), used_);
  if (limit_) {
    const std::uint64_t before = size_ - used_;
    octets = octets.substr(0, before >= *limit_ ? 0 : *limit_ - before);
  }
  if (!octets.empty()) hash_.update(octets);
  used_ = 0;
}

void BodyHash::put(std::string_view octets) {
  while (!octets.empty()) {
    if (used_ == buffer_.size()) flush();
    const std::size_t part = std::min(octets.size(), buffer_.size() - used_);
    std::memcpy(buffer_.data() + used_, octets.data(), part);
    used_ += part;
    size_ += part;
    octets.remove_prefix(part);
  }
}

void BodyHash::put_line_ends() {
  for (; line_ends_ > 0; --line_ends_) put("\r\n");
}

/// Octets that are not white space to this form.
void BodyHash::text(std::string_view run) {
  put_line_ends();
  if (space_) put(" ");
  space_ = false;
  put(run);
}

/// Where the octets from `i` on that stay as they are end: a whole line where it can be, since a single space between words
/// is what the relaxed form wants.
std::size_t BodyHash::run_end(std::string_view chunk, std::size_t i) const {
  if (form_ == Canonical::simple) return std::min(chunk.find('\r', i), chunk.size());
  if (space_ && chunk[i] == ' ') return i;
  for (; i < chunk.size(); ++i) {
    const char c = chunk[i];
    if (static_cast<unsigned char>(c) > ' ') continue;
    if (c == '\r' || c == '\t') break;
    if (c == ' ' && (i + 1 == chunk.size() || is_wsp(chunk[i + 1]) || chunk[i + 1] == '\r')) break;
  }
  return i;
}

void BodyHash::feed(std::string_view chunk) {
  std::size_t i = 0;
  while (i < chunk.size()) {
    if (cr_) {
      cr_ = false;
      if (chunk[i] == '\n') {
        ++line_ends_;
        space_ = false;
        ++i;
        continue;
      }
      text("\r");
    }
    const std::size_t end = run_end(chunk, i);
    if (end > i) text(chunk.substr(i, end - i));
    i = end;
    if (i < chunk.size()) {
      (chunk[i] == '\r' ? cr_ : space_) = true;
      ++i;
    }
  }
}

Digest BodyHash::finish() {
  if (cr_) text("\r");
  cr_ = false;
  // Sections 3.4.3 and 3.4.4: an empty body is one CRLF for simple, nothing for relaxed; any other ends in one CRLF.
  if (size_ > 0 || form_ == Canonical::simple) put("\r\n");
  flush();
  return hash_.finish();
}

void append_canonical(std::string& out, const mail::Field& field, Canonical form) {
  if (form == Canonical::simple) {
    out += field.raw;
    return;
  }
  out += to_lower(field.name());
  out += ':';
  append_collapsed(out, field.value());
  out += "\r\n";
}

void append_canonical_signature(std::string& out, const mail::Field& field, Canonical form) {
  const std::string raw = without_signature(field);
  if (form == Canonical::simple) {
    out += raw;
    return;
  }
  append_canonical(out, mail::Field{raw, field.name_length}, form);
  out.resize(out.size() - 2);
}

FieldPicker::FieldPicker(const mail::Head& head, const std::vector<std::string>& names) {
  std::vector<std::string_view> wanted(names.begin(), names.end());
  std::ranges::sort(wanted);
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  for (const auto name : wanted) named_.push_back({std::string(name), {}});
  for (const auto& field : head) {
    if (field.name_length == 0) continue;
    const std::string name = to_lower(field.name());
    const auto at = std::ranges::lower_bound(named_, std::string_view(name), {}, &Named::name);
    if (at != named_.end() && at->name == name) at->fields.push_back(&field);
  }
}

const mail::Field* FieldPicker::take(std::string_view name) {
  const auto at = std::ranges::lower_bound(named_, name, {}, &Named::name);
  if (at == named_.end() || at->name != name || at->fields.empty()) return nullptr;
  const mail::Field* field = at->fields.back();
  at->fields.pop_back();
  return field;
}

std::size_t FieldPicker::left(std::string_view name) const {
  const auto at = std::ranges::lower_bound(named_, name, {}, &Named::name);
  return at == named_.end() || at->name != name ? 0 : at->fields.size();
}

} // namespace paquebot::mailauth
