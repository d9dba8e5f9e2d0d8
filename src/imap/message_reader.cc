#include "imap/message_reader.h"

#include "base/text.h"
#include "mail/transfer_encoding.h"

#include <algorithm>

namespace paquebot::imap {
namespace {

constexpr std::size_t kBodyPiece = 256u << 10;
constexpr std::size_t kLongestLine = 64u << 10; // of quoted-printable; longer ones are taken in pieces

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

} // namespace

PartDecoder::Encoding PartDecoder::encoding_of(const mail::MimePart& part) {
  if (part.encoding == "base64") return Encoding::base64;
  if (part.encoding == "quoted-printable") return Encoding::quoted_printable;
  const bool plain =
      part.encoding.empty() || part.encoding == "7bit" || part.encoding == "8bit" || part.encoding == "binary";
  return plain ? Encoding::none : Encoding::unknown;
}

void PartDecoder::feed_base64(std::string_view chunk, std::string& out) {
  for (const char c : chunk) {
    if (c == '=') ended_ = true;
    if (ended_ || base64_value(c) < 0) continue;
    held_ += c;
    if (held_.size() < 4) continue;
    std::uint32_t bits = 0;
    for (const char one : held_) bits = bits << 6 | static_cast<std::uint32_t>(base64_value(one));
    for (const unsigned shift : {16u, 8u, 0u}) out += static_cast<char>(bits >> shift & 0xFF);
    held_.clear();
  }
}

void PartDecoder::feed(std::string_view chunk, std::string& out) {
  if (encoding_ == Encoding::base64) return feed_base64(chunk, out);
  if (encoding_ != Encoding::quoted_printable) return void(out += chunk);
  held_ += chunk;
  auto whole = held_.rfind('\n');
  if (whole == std::string::npos && held_.size() > kLongestLine) {
    // Not within an escape; white space at the end of a line may go, so it is held as well.
    whole = held_.size() - 4;
    while (whole > 0 && (held_[whole] == '=' || is_space(held_[whole]) || held_[whole - 1] == '=')) --whole;
  }
  if (whole == std::string::npos || whole == 0) return;
  out += mail::quoted_printable_decode(std::string_view(held_).substr(0, whole + 1));
  held_.erase(0, whole + 1);
}

void PartDecoder::finish(std::string& out) {
  if (encoding_ == Encoding::quoted_printable) {
    out += mail::quoted_printable_decode(held_);
  } else if (encoding_ == Encoding::base64 && held_.size() > 1) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i)
      bits = bits << 6 | (i < held_.size() ? static_cast<std::uint32_t>(base64_value(held_[i])) : 0u);
    out += static_cast<char>(bits >> 16 & 0xFF);
    if (held_.size() == 3) out += static_cast<char>(bits >> 8 & 0xFF);
  }
  held_.clear();
}

void MessageReader::begin(Content content) {
  end();
  content_ = std::move(content);
}

void MessageReader::end() {
  content_ = {};
  parser_.reset();
  structure_.reset();
  std::string().swap(buffer_);
  buffer_at_ = scanned_ = 0;
  failed_ = false;
}

bool MessageReader::scan(const std::function<void()>& resume) {
  if (structure_) return true;
  if (!parser_) {
    parser_.emplace(content_.head);
    scanned_ = content_.head.size();
  }
  while (scanned_ < size()) {
    std::string_view bytes;
    if (!piece(scanned_, size(), bytes, resume)) return false;
    parser_->feed(bytes);
    scanned_ += bytes.size();
  }
  structure_ = parser_->finish();
  parser_.reset();
  return true;
}

bool MessageReader::piece(std::uint64_t at, std::uint64_t end, std::string_view& bytes,
                          const std::function<void()>& resume) {
  const std::uint64_t head = content_.head.size();
  if (at < head) {
    bytes = std::string_view(content_.head).substr(at, end - at);
    return true;
  }
  if (content_.text) {
    bytes =
        std::string_view(*content_.text).substr(std::min<std::uint64_t>(at - head, content_.text->size()), end - at);
    if (!bytes.empty()) return true;
    failed_ = true; // it is shorter than was said
    return false;
  }
  if (at >= buffer_at_ && at < buffer_at_ + buffer_.size()) {
    bytes = std::string_view(buffer_).substr(at - buffer_at_, end - at);
    return true;
  }
  buffer_at_ = at;
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(kBodyPiece, end - at));
  ask_(AskBody{content_.row.uid, at - head, most}, [this, resume](Piece& answer) {
    failed_ = answer.fault != Fault::none || answer.bytes.empty();
    buffer_ = std::move(answer.bytes);
    resume();
  });
  return false;
}

const mail::MimePart* find_part(const mail::MimePart& message, const std::vector<std::uint32_t>& numbers) {
  const mail::MimePart* at = &message;
  bool whole = true; // `at` is a message, or one within a message/rfc822: its only part has the number 1
  for (const std::uint32_t number : numbers) {
    if (!whole && at->is_message()) {
      at = at->parts[0].get();
      whole = true;
    }
    if (at->is_multipart()) {
      if (number > at->parts.size()) return nullptr;
      at = at->parts[number - 1].get();
    } else if (!whole || number != 1) {
      return nullptr;
    }
    whole = false;
  }
  return at;
}

} // namespace paquebot::imap
