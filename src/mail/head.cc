#include "mail/head.h"

#include "base/text.h"
#include "mail/lines.h"

#include <algorithm>

namespace paquebot::mail {
namespace {

/// A name longer than a line may be is none; also the bound on how often a first line is looked at again.
constexpr std::size_t kMaxName = 998;

/// Room for the fields of most messages and what we add.
constexpr std::size_t kUsualFields = 32;
constexpr std::size_t kUsualHead = 1024; // octets

/// ftext of RFC 5322 section 3.6.8, with the UTF-8 of RFC 6532 read tolerantly.
bool is_name_char(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u > 32 && u != 127 && c != ':';
}

/// "From user@example.org Mon Nov 23 ...", but not "From : user@example.org".
bool is_mbox_line(std::string_view line) {
  while (!line.empty() && line[0] == '>') line.remove_prefix(1);
  return line.starts_with("From ") && line.size() > 5 && !is_wsp(line[5]) && is_name_char(line[5]);
}

/// Octets of the field name at the start of a line; 0 when the line is no field.
std::size_t name_length_of(std::string_view line) {
  const auto end = std::ranges::find_if_not(line, is_name_char);
  const auto length = static_cast<std::size_t>(end - line.begin());
  // White space before the colon is obsolete, but allowed (RFC 5322 section 4.5).
  const auto colon = std::find_if_not(end, line.end(), is_wsp);
  return colon != line.end() && *colon == ':' ? length : 0;
}

} // namespace

HeadSplitter::Verdict HeadSplitter::judge_first_line() const {
  const std::string_view line = head_;
  const auto end = std::ranges::find_if_not(line, is_name_char);
  const auto after = std::find_if_not(end, line.end(), is_wsp);
  if (after != line.end() && *after == ':') return end == line.begin() ? Verdict::body : Verdict::field;
  if (is_mbox_line(line)) return Verdict::field;
  if (after == line.end()) return line.size() > kMaxName ? Verdict::body : Verdict::unknown;
  // An empty first line, perhaps without its LF yet, ends an empty head.
  const bool empty = line == "\r" || line == "\r\n" || line == "\n";
  if (empty) return line.ends_with('\n') ? Verdict::field : Verdict::unknown;
  return Verdict::body;
}

Result<std::string_view> HeadSplitter::all_body(std::string_view rest) {
  spill_ = std::exchange(head_, "\r\n");
  spill_ += rest;
  state_ = State::body;
  return std::string_view(spill_);
}

Result<std::string_view> HeadSplitter::feed(std::string_view chunk) {
  if (state_ == State::body) return chunk;
  if (head_.empty()) head_.reserve(std::min(chunk.size(), kUsualHead));
  while (!chunk.empty()) {
    const auto at = chunk.find('\n');
    const std::string_view piece = chunk.substr(0, at == std::string_view::npos ? at : at + 1);
    if (head_.size() + piece.size() > max_head_) {
      return fail(Errc::invalid, "the header block is larger than " + std::to_string(max_head_) + " octets");
    }
    head_ += piece;
    chunk.remove_prefix(piece.size());
    if (state_ == State::first_line) {
      const Verdict verdict = judge_first_line();
      if (verdict == Verdict::body) return all_body(chunk);
      if (verdict == Verdict::unknown) continue;
      if (is_mbox_line(head_)) head_.insert(0, "X-Mailbox-Line: ");
      state_ = State::fields;
    }
    if (!piece.ends_with('\n')) return std::string_view();
    const std::string_view line = std::string_view(head_).substr(line_start_);
    line_start_ = head_.size();
    if (line == "\r\n" || line == "\n") {
      state_ = State::body;
      return chunk;
    }
  }
  return std::string_view();
}

Result<std::string_view> HeadSplitter::finish() {
  if (state_ == State::body) return std::string_view();
  if (state_ == State::first_line && !head_.empty()) return all_body({});
  if (!head_.empty() && !head_.ends_with('\n')) head_ += "\r\n";
  head_ += "\r\n";
  state_ = State::body;
  return std::string_view();
}

std::string_view Field::value() const {
  if (name_length == 0) return without_line_end(raw);
  return without_line_end(raw.substr(raw.find(':', name_length) + 1));
}

bool Field::is(std::string_view wanted) const { return name_length != 0 && iequals(name(), wanted); }

bool Field::resembles(std::string_view wanted) const {
  if (is(wanted)) return false;
  std::string name;
  for (const char c : raw) {
    if (c == ':') return iequals(name, wanted);
    const auto octet = static_cast<unsigned char>(c);
    if (octet <= ' ' || octet >= 127) continue;
    name += c;
    if (name.size() > wanted.size()) return false;
  }
  return false;
}

std::string_view Head::keep(std::string text) { return texts_.emplace_front(std::move(text)); }

Result<Head> Head::parse(std::string bytes) {
  Head head;
  head.fields_.reserve(kUsualFields);
  std::string_view rest = head.keep(std::move(bytes));
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (without_line_end(line).empty()) break;
    if (is_wsp(line[0]) && !head.fields_.empty()) {
      std::string_view& raw = head.fields_.back().raw;
      raw = std::string_view(raw.data(), raw.size() + line.size());
      continue;
    }
    if (head.fields_.size() == kMaxFields) return fail(Errc::invalid, "the message has too many header fields");
    head.fields_.push_back({line, name_length_of(line)});
  }
  // A last line without its end would swallow what is appended.
  if (!head.fields_.empty() && !head.fields_.back().raw.ends_with('\n')) {
    Field& last = head.fields_.back();
    last.raw = head.keep(std::string(last.raw) + "\r\n");
  }
  return head;
}

const Field* Head::find(std::string_view name) const {
  const auto at = std::ranges::find_if(fields_, [name](const Field& f) { return f.is(name); });
  return at == fields_.end() ? nullptr : &*at;
}

std::size_t Head::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(fields_, [name](const Field& f) { return f.is(name); }));
}

std::string Head::value(std::string_view name) const {
  const Field* field = find(name);
  return field ? unfold(field->value()) : std::string();
}

Field Head::compose(std::string_view name, std::string_view value) {
  std::string text(name);
  text += ": ";
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool fold = value.substr(i).starts_with("\r\n") && i + 2 < value.size() && is_wsp(value[i + 2]);
    if (fold) {
      text += "\r\n";
      ++i;
    } else {
      text += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
    }
  }
  text += "\r\n";
  return {keep(std::move(text)), name.size()};
}

void Head::prepend(std::string_view name, std::string_view value) {
  fields_.insert(fields_.begin(), compose(name, value));
}
void Head::append(std::string_view name, std::string_view value) { fields_.push_back(compose(name, value)); }

void Head::prepend_raw(std::string field) {
  const std::string_view raw = keep(std::move(field));
  fields_.insert(fields_.begin(), Field{raw, name_length_of(raw)});
}

void Head::replace(std::size_t index, std::string_view name, std::string_view value) {
  fields_.at(index) = compose(name, value);
}

void Head::replace_raw(std::size_t index, std::string field) {
  const std::string_view raw = keep(std::move(field));
  fields_.at(index) = Field{raw, name_length_of(raw)};
}

void Head::remove(std::size_t index) { fields_.erase(fields_.begin() + static_cast<std::ptrdiff_t>(index)); }

std::size_t Head::remove(std::string_view name) {
  return std::erase_if(fields_, [name](const Field& f) { return f.is(name); });
}

std::size_t Head::remove_alike(std::string_view name) {
  return std::erase_if(fields_, [name](const Field& f) { return f.is(name) || f.resembles(name); });
}

std::size_t Head::remove_if(const std::function<bool(const Field&)>& unwanted) {
  return std::erase_if(fields_, unwanted);
}

std::string Head::to_string() const {
  std::size_t size = 2;
  for (const Field& field : fields_) size += field.raw.size();
  std::string out;
  out.reserve(size);
  for (const Field& field : fields_) out += field.raw;
  out += "\r\n";
  return out;
}

std::string unfold(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (const char c : value) {
    if (c != '\r' && c != '\n') out += c;
  }
  return std::string(trim(out));
}

} // namespace paquebot::mail
