#include "mailauth/canonical.h"

#include "base/text.h"
#include "mail/lines.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace paquebot::mailauth {
namespace {

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

constexpr unsigned char byte(char c) { return static_cast<unsigned char>(c); }

/// Longer texts are hashed where they lie.
constexpr std::size_t kCopied = 256;
constexpr std::size_t kBlock = 32;

/// Whether this block of a body stays as it is in the relaxed form; looks at the two octets behind it too. May say no
/// where it would. Without branches, so that the compiler takes many octets at a time.
bool all_stay(const char* block) {
  unsigned char changed = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const unsigned char c = byte(block[i]);
    const unsigned char next = byte(block[i + 1]);
    const unsigned char after = byte(block[i + 2]);
    const auto space = static_cast<unsigned char>((c == ' ') & (next <= ' '));
    const auto line_end = static_cast<unsigned char>((c == '\r') & ((next != '\n') | (after <= ' ')));
    changed |= static_cast<unsigned char>((c == '\t') | space | line_end);
  }
  return changed == 0;
}

/// A field's raw text without what follows "b=".
std::string without_signature(const mail::Field& field) {
  const std::string_view raw = mail::without_line_end(field.raw);
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

/// `before`: octets of the canonical body before these.
void BodyHash::hash(std::string_view octets, std::uint64_t before) {
  if (limit_) octets = octets.substr(0, before >= *limit_ ? 0 : *limit_ - before);
  if (!octets.empty()) hash_.update(octets);
}

void BodyHash::flush() {
  hash({buffer_.data(), used_}, size_ - used_);
  used_ = 0;
}

void BodyHash::put(std::string_view octets) {
  if (used_ + octets.size() > buffer_.size()) flush();
  if (octets.size() > kCopied) {
    flush();
    hash(octets, size_);
  } else {
    std::memcpy(buffer_.data() + used_, octets.data(), octets.size());
    used_ += octets.size();
  }
  size_ += octets.size();
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

/// Where the octets from `i` on that stay as they are end: many lines where it can be, since a single space between
/// words and a single line end between texts is what both forms want.
std::size_t BodyHash::run_end(std::string_view chunk, std::size_t i) const {
  if (form_ == Canonical::simple) {
    for (;;) {
      i = chunk.find('\r', i);
      if (i == std::string_view::npos) return chunk.size();
      if (i + 2 >= chunk.size() || chunk[i + 1] != '\n' || chunk[i + 2] == '\r') return i;
      i += 2;
    }
  }
  if (space_ && (chunk[i] == ' ' || chunk[i] == '\r')) return i;    // that space may not count
  const std::size_t last = chunk.size() < 2 ? 0 : chunk.size() - 2; // what two octets follow
  for (;;) {
    while (i + kBlock <= last && all_stay(chunk.data() + i)) i += kBlock;
    const std::size_t end = std::min(i + kBlock, chunk.size());
    for (; i < end; ++i) {
      const char c = chunk[i];
      if (static_cast<unsigned char>(c) > ' ') continue;
      if (c == '\t') return i;
      if (c == ' ' && (i + 1 == chunk.size() || is_wsp(chunk[i + 1]) || chunk[i + 1] == '\r')) return i;
      if (c == '\r' && (i >= last || chunk[i + 1] != '\n' || byte(chunk[i + 2]) <= ' ')) return i;
    }
    if (i == chunk.size()) return i;
  }
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
  for (const char c : field.name()) out += to_lower(c);
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

FieldIndex::FieldIndex(const mail::Head& head) {
  std::size_t octets = 0;
  for (const auto& field : head) octets += field.name_length;
  names_ = std::make_unique<char[]>(octets);
  entries_.reserve(head.fields().size());
  char* at = names_.get();
  std::uint32_t place = 0;
  for (const auto& field : head) {
    if (field.name_length == 0) continue;
    const std::string_view name = field.name();
    std::ranges::transform(name, at, [](char c) { return to_lower(c); });
    entries_.push_back({{at, name.size()}, &field, place++, 0});
    at += name.size();
  }
  std::ranges::sort(entries_, [](const Entry& a, const Entry& b) {
    const int order = a.name.compare(b.name);
    return order != 0 ? order < 0 : a.place < b.place;
  });
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (i == 0 || entries_[i].name != entries_[i - 1].name) kinds_.push_back({i, 0});
    ++kinds_.back().count;
    entries_[i].kind = static_cast<std::uint32_t>(kinds_.size() - 1);
  }
}

const mail::Field* FieldPicker::take(std::string_view name) {
  const auto at = std::ranges::lower_bound(index_.entries_, name, {}, &FieldIndex::Entry::name);
  if (at == index_.entries_.end() || at->name != name) return nullptr;
  const auto& [first, count] = index_.kinds_[at->kind];
  std::size_t& taken = taken_[at->kind];
  return taken == count ? nullptr : index_.entries_[first + count - ++taken].field;
}

std::vector<FieldPicker::Left> FieldPicker::left() const {
  std::vector<Left> names;
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    const auto& [first, count] = index_.kinds_[i];
    if (taken_[i] > 0 && taken_[i] < count)
      names.push_back({index_.entries_[first].name, index_.entries_[first].field, i});
  }
  return names;
}

bool FieldPicker::says_more(const Left& left) const {
  const auto& [first, count] = index_.kinds_[left.kind];
  const auto value = [&](std::size_t n) { return mail::unfold(index_.entries_[first + n].field->value()); };
  const std::size_t not_taken = count - taken_[left.kind];
  std::set<std::string> covered;
  for (std::size_t n = not_taken; n < count; ++n) covered.insert(value(n));
  for (std::size_t n = 0; n < not_taken; ++n)
    if (!covered.contains(value(n))) return true;
  return false;
}

} // namespace paquebot::mailauth
