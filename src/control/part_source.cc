#include "control/part_source.h"

#include "base/encoding.h"
#include "base/text.h"
#include "http/path.h"
#include "mail/transfer_encoding.h"

#include <algorithm>
#include <array>

namespace paquebot::control {
namespace {

constexpr std::size_t kFilePiece = 256u << 10;
constexpr std::size_t kLongestLine = 64u << 10; // of quoted-printable, before it is cut somewhere
constexpr std::size_t kLongestName = 200;
constexpr std::size_t kGroup = 4;

constexpr auto kHarmlessTypes =
    std::to_array<std::string_view>({"image/png", "image/gif", "image/jpeg", "image/webp", "image/bmp", "image/avif",
                                     "application/pdf", "application/zip", "text/plain", "text/csv", "text/calendar"});

/// Characters that turn what is read, or can't be seen: "exe.gpj" would look like "jpg.exe" (Unicode UAX #9).
bool is_turning(std::string_view one) {
  constexpr auto turning = std::to_array<std::string_view>(
      {"\u061C", "\u200B", "\u200C", "\u200D", "\u200E", "\u200F", "\u2028", "\u2029", "\u202A", "\u202B", "\u202C",
       "\u202D", "\u202E", "\u2060", "\u2066", "\u2067", "\u2068", "\u2069", "\uFEFF"});
  return std::ranges::find(turning, one) != turning.end();
}

/// "con", "com1.txt": what Windows takes for a device.
bool is_device(std::string_view name) {
  const std::string stem = to_lower(name.substr(0, name.find('.')));
  if (stem == "con" || stem == "prn" || stem == "aux" || stem == "nul") return true;
  constexpr std::size_t numbered = 4;
  return stem.size() == numbered && (stem.starts_with("com") || stem.starts_with("lpt")) && is_digit(stem.back());
}

/// Without what lies in the middle, so that the end, which says what it is, stays.
std::string cut_name(const std::string& name) {
  if (name.size() <= kLongestName) return name;
  constexpr std::size_t longest_end = 20;
  const auto dot = name.rfind('.');
  std::string end = dot == name.npos || name.size() - dot > longest_end ? std::string() : name.substr(dot);
  std::size_t length = kLongestName - end.size();
  while (length > 0 && (static_cast<unsigned char>(name[length]) & 0xC0) == 0x80) --length;
  return name.substr(0, length) + end;
}

/// Where quoted-printable can be cut: behind a line, or in a line that has no end within reach where no escape and no
/// space would be torn from what it belongs to.
std::size_t place_to_cut(std::string_view text) {
  if (const auto end = text.rfind('\n'); end != text.npos) return end + 1;
  if (text.size() < kLongestLine) return 0;
  for (std::size_t at = text.size() - 2; at > text.size() / 2; --at)
    if (text[at - 1] != '=' && text[at - 2] != '=' && text[at - 1] != ' ' && text[at - 1] != '\t') return at;
  return text.size();
}

} // namespace

std::string file_name(std::string_view name, std::string_view number) {
  std::string out;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t length = std::max<std::size_t>(utf8_length(name.substr(at)), 1);
    const std::string_view one = name.substr(at, length);
    const bool bad = printable_length(one) == 0 || is_turning(one) || std::string_view(R"(/\:*?"<>|)").contains(one);
    out += bad ? std::string_view("_") : one;
    at += length;
  }
  const auto first = out.find_first_not_of(" .");
  out = first == out.npos ? std::string() : out.substr(first);
  out = cut_name(out);
  while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
  if (out.empty()) return "part-" + std::string(number);
  return is_device(out) ? "_" + out : out;
}

std::string attachment_field(std::string_view name) {
  std::string plain;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t length = std::max<std::size_t>(utf8_length(name.substr(at)), 1);
    const char c = name[at];
    const bool good = length == 1 && c >= ' ' && c < '\x7F' && c != '"' && c != '\\' && c != '%';
    plain += good ? c : '_';
    at += length;
  }
  std::string field = "attachment; filename=\"" + plain + "\"";
  if (plain != name) field += "; filename*=UTF-8''" + http::percent_encode(name);
  return field;
}

std::string_view file_type(const mail::MimePart& part) {
  const std::string type = part.type + "/" + part.subtype;
  const auto* found = std::ranges::find(kHarmlessTypes, type);
  return found == kHarmlessTypes.end() ? std::string_view("application/octet-stream") : *found;
}

std::optional<std::uint64_t> PartSource::length() const {
  if (place_.encoding == "base64" || place_.encoding == "quoted-printable") return {};
  return place_.size;
}

Task<Result<std::string>> PartSource::next() {
  while (!finished_) {
    std::string piece;
    if (at_ < place_.size) {
      const std::uint64_t offset = place_.offset + at_;
      const std::size_t most = std::min<std::uint64_t>(place_.size - at_, kFilePiece);
      auto read = co_await content_.read_body(place_.body, offset, most);
      if (!read) co_return std::unexpected(read.error());
      if (read->empty()) co_return fail(Errc::closed, "the message is not here any more");
      piece = std::move(*read);
      at_ += piece.size();
    }
    finished_ = at_ >= place_.size;
    std::string octets = decode(std::move(piece), finished_);
    if (!octets.empty()) co_return octets;
  }
  co_return std::string();
}

std::string PartSource::decode(std::string piece, bool last) {
  if (place_.encoding == "base64") return decode_base64(piece, last);
  if (place_.encoding == "quoted-printable") return decode_quoted(std::move(piece), last);
  return piece;
}

/// What is none of the alphabet is passed over (RFC 2045 section 6.8), padding is the end.
std::string PartSource::decode_base64(std::string_view piece, bool last) {
  for (const char c : piece) {
    padded_ = padded_ || c == '=';
    if (!padded_ && (is_alnum(c) || c == '+' || c == '/')) rest_ += c;
  }
  std::string whole = rest_;
  if (last || padded_) {
    if (whole.size() % kGroup == 1) whole.pop_back();
    while (whole.size() % kGroup != 0) whole += '=';
    rest_.clear();
  } else {
    whole.resize(whole.size() / kGroup * kGroup);
    rest_.erase(0, whole.size());
  }
  return base64_decode(whole).value_or("");
}

std::string PartSource::decode_quoted(std::string piece, bool last) {
  rest_ += piece;
  const std::size_t cut = last ? rest_.size() : place_to_cut(rest_);
  std::string octets = mail::quoted_printable_decode(std::string_view(rest_).substr(0, cut));
  rest_.erase(0, cut);
  return octets;
}

} // namespace paquebot::control
