#include "imap/texts.h"

#include "base/text.h"
#include "mail/head.h"
#include "mail/readings.h"

#include <algorithm>
#include <array>
#include <glib.h>
#include <utility>

namespace paquebot::imap {
namespace {

bool is_latin(const mail::MimePart& part) {
  const mail::MimeValue type{{}, part.parameters};
  const std::string_view charset = type.parameter("charset");
  return std::ranges::any_of(std::to_array<std::string_view>({"iso-8859-1", "iso-8859-15", "windows-1252", "latin1"}),
                             [charset](std::string_view name) { return iequals(charset, name); });
}

} // namespace

std::string fold_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      out += to_lower(text[0]);
      text.remove_prefix(1);
      continue;
    }
    const std::size_t length = utf8_length(text);
    if (length <= 1) {
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    char folded[6];
    const gunichar lower = g_unichar_tolower(g_utf8_get_char(text.data()));
    out.append(folded, static_cast<std::size_t>(g_unichar_to_utf8(lower, folded)));
    text.remove_prefix(length);
  }
  return out;
}

std::string fold_value(std::string_view value) { return fold_text(mail::decode_words(mail::unfold(value))); }

void each_field(const std::string& head, const std::function<void(const std::string& text)>& look) {
  const auto fields = mail::Head::parse(head);
  if (!fields) return;
  for (const mail::Field& field : *fields) look(fold_text(field.name()) + ": " + fold_value(field.value()));
}

std::string TextFolder::feed(std::string_view octets, bool latin) {
  if (latin) {
    for (const char c : octets) {
      const auto octet = static_cast<unsigned char>(c);
      if (octet >= 0x80) raw_ += static_cast<char>(octet >= 0xC0 ? 0xC3 : 0xC2);
      raw_ += static_cast<char>(octet >= 0xC0 ? octet - 0x40 : octet);
    }
  } else {
    raw_ += octets;
  }
  // A character that is not whole yet waits.
  std::size_t whole = raw_.size();
  while (whole > 0 && raw_.size() - whole < 3 && (static_cast<unsigned char>(raw_[whole - 1]) & 0xC0) == 0x80) --whole;
  if (whole > 0 && static_cast<unsigned char>(raw_[whole - 1]) >= 0xC0 &&
      utf8_length(std::string_view(raw_).substr(whole - 1)) == 0)
    --whole;
  else
    whole = raw_.size();
  std::string folded = fold_text(std::string_view(raw_).substr(0, whole));
  raw_.erase(0, whole);
  return folded;
}

std::string TextFolder::end() { return fold_text(std::exchange(raw_, {})); }

void BodyTexts::find(const mail::MimePart& part, std::vector<Range>& out) {
  if (part.is_root)
    out.push_back({part.head_offset, part.head_offset + part.head_size, PartDecoder::Encoding::none, false});
  if (part.type == "text")
    out.push_back(
        {part.body_offset, part.body_offset + part.body_size, PartDecoder::encoding_of(part), is_latin(part)});
  for (const auto& one : part.parts) find(*one, out);
}

void BodyTexts::begin() {
  begun_ = false;
  parts_.clear();
  decoder_.reset();
  folder_.end();
}

bool BodyTexts::walk(MessageReader& reader, const std::function<void()>& resume, const Sink& sink,
                     const std::function<bool()>& wanted) {
  if (!reader.scan(resume)) return false;
  if (!std::exchange(begun_, true)) {
    find(reader.structure(), parts_);
    std::ranges::reverse(parts_);
  }
  while (!parts_.empty() && (!wanted || wanted())) {
    if (!read_part(reader, resume, sink, wanted, parts_.back())) return false;
    parts_.pop_back();
  }
  return true;
}

bool BodyTexts::read_part(MessageReader& reader, const std::function<void()>& resume, const Sink& sink,
                          const std::function<bool()>& wanted, const Range& part) {
  if (!decoder_) {
    decoder_.emplace(part.encoding);
    at_ = part.from;
  }
  std::string decoded;
  while (at_ < part.to) {
    if (wanted && !wanted()) return true;
    std::string_view bytes;
    if (!reader.piece(at_, part.to, bytes, resume)) return false;
    at_ += bytes.size();
    decoded.clear();
    decoder_->feed(bytes, decoded);
    sink.text(folder_.feed(decoded, part.latin));
  }
  decoded.clear();
  decoder_->finish(decoded);
  sink.text(folder_.feed(decoded, part.latin));
  sink.text(folder_.end());
  sink.end_part();
  decoder_.reset();
  return true;
}

} // namespace paquebot::imap
