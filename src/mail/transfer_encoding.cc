#include "mail/transfer_encoding.h"

#include "base/encoding.h"

#include <algorithm>

namespace paquebot::mail {
namespace {

constexpr std::size_t kLine = 76;
/// How far the end of a line is looked for after "=".
constexpr std::size_t kMaxSoftBreak = 100;
constexpr std::string_view kHex = "0123456789ABCDEF";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// Octets of a soft line break after "=": white space and a line end; 0 when it is none.
std::size_t soft_break_length(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && at < kMaxSoftBreak && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r')) ++at;
  if (at == text.size()) return at;
  return text[at] == '\n' ? at + 1 : 0;
}

} // namespace

std::string quoted_printable_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char c = text[0];
    text.remove_prefix(1);
    if (c != '=') {
      out += c;
      continue;
    }
    const int high = text.empty() ? -1 : hex_value(text[0]);
    const int low = text.size() < 2 ? -1 : hex_value(text[1]);
    if (high >= 0 && low >= 0) {
      out += static_cast<char>(high << 4 | low);
      text.remove_prefix(2);
    } else if (const std::size_t length = soft_break_length(text); length > 0) {
      text.remove_prefix(length);
    } else if (!text.empty()) {
      out += c;
    }
  }
  return out;
}

void QuotedPrintableEncoder::soft_break(std::size_t need, std::string& out) {
  // One column stays free for the "=" of a soft break.
  if (column_ + need <= kLine - 1) return;
  out += "=\r\n";
  column_ = 0;
}

void QuotedPrintableEncoder::put_encoded(char c, std::string& out) {
  soft_break(3, out);
  const auto u = static_cast<unsigned char>(c);
  out += '=';
  out += kHex[u >> 4];
  out += kHex[u & 15];
  column_ += 3;
}

void QuotedPrintableEncoder::put(char c, std::string& out) {
  if (c < '!' || c > '~' || c == '=') return put_encoded(c, out);
  soft_break(1, out);
  // No line of ours begins with "From ", and none becomes the delimiter of a multipart.
  if (column_ == 0 && (c == 'F' || c == '-')) return put_encoded(c, out);
  out += c;
  ++column_;
}

void QuotedPrintableEncoder::flush_space(bool line_ends, std::string& out) {
  if (space_ == 0) return;
  if (line_ends) {
    put_encoded(space_, out);
  } else {
    soft_break(1, out);
    out += space_;
    ++column_;
  }
  space_ = 0;
}

void QuotedPrintableEncoder::end_line(std::string& out) {
  flush_space(true, out);
  out += "\r\n";
  column_ = 0;
}

void QuotedPrintableEncoder::feed(std::string_view chunk, std::string& out) {
  for (const char c : chunk) {
    if (c == '\n') {
      cr_ = false;
      end_line(out);
      continue;
    }
    if (cr_) {
      flush_space(false, out);
      put_encoded('\r', out);
      cr_ = false;
    }
    if (c == '\r') {
      cr_ = true;
      continue;
    }
    flush_space(false, out);
    if (c == ' ' || c == '\t') {
      space_ = c;
    } else {
      put(c, out);
    }
  }
}

void QuotedPrintableEncoder::finish(std::string& out) {
  flush_space(!cr_, out);
  if (cr_) put_encoded('\r', out);
  cr_ = false;
}

void Base64Encoder::put(std::string_view group, std::string& out) {
  if (column_ == kLine) {
    out += "\r\n";
    column_ = 0;
  }
  out += base64_encode(group);
  column_ += 4;
}

void Base64Encoder::feed(std::string_view chunk, std::string& out) {
  while (!rest_.empty() && rest_.size() < 3 && !chunk.empty()) {
    rest_ += chunk[0];
    chunk.remove_prefix(1);
  }
  if (rest_.size() == 3) {
    put(rest_, out);
    rest_.clear();
  }
  // Whole lines of 57 octets at once where possible, single groups elsewhere.
  while (chunk.size() >= 3) {
    if (column_ == kLine) {
      out += "\r\n";
      column_ = 0;
    }
    const std::size_t octets = std::min((kLine - column_) / 4 * 3, chunk.size() / 3 * 3);
    out += base64_encode(chunk.substr(0, octets));
    column_ += octets / 3 * 4;
    chunk.remove_prefix(octets);
  }
  rest_ += chunk;
}

void Base64Encoder::finish(std::string& out) {
  if (!rest_.empty()) put(rest_, out);
  rest_.clear();
}

} // namespace paquebot::mail
