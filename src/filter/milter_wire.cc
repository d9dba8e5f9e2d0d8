#include "filter/milter_wire.h"

#include <algorithm>

namespace paquebot::filter::milter {

void put_u16(std::string& out, std::uint16_t number) {
  out += static_cast<char>(number >> 8);
  out += static_cast<char>(number & 0xff);
}

void put_u32(std::string& out, std::uint32_t number) {
  put_u16(out, static_cast<std::uint16_t>(number >> 16));
  put_u16(out, static_cast<std::uint16_t>(number & 0xffff));
}

void put_text(std::string& out, std::string_view text) {
  const std::size_t start = out.size();
  out += text;
  std::replace(out.begin() + static_cast<std::ptrdiff_t>(start), out.end(), '\0', ' ');
  out += '\0';
}

void put_packet(std::string& out, char command, std::string_view data) {
  put_u32(out, static_cast<std::uint32_t>(data.size() + 1));
  out += command;
  out += data;
}

namespace {

std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t number = 0;
  for (const char c : bytes.substr(0, 4)) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

} // namespace

Result<std::optional<Packet>> take_packet(std::string_view& input) {
  if (input.size() < 4) return std::optional<Packet>();
  const std::uint32_t length = read_u32(input);
  if (length == 0 || length > kMaxPacket)
    return fail(Errc::invalid, "a packet of the length " + std::to_string(length));
  if (input.size() < 4 + std::size_t{length}) return std::optional<Packet>();
  const Packet packet{input[4], input.substr(5, length - 1)};
  input.remove_prefix(4 + std::size_t{length});
  return packet;
}

std::uint32_t Reader::u32() {
  if (!ok_ || rest_.size() < 4) {
    ok_ = false;
    return 0;
  }
  const std::uint32_t number = read_u32(rest_);
  rest_.remove_prefix(4);
  return number;
}

std::string_view Reader::text() {
  const auto end = rest_.find('\0');
  if (!ok_ || end == rest_.npos) {
    ok_ = false;
    return {};
  }
  const std::string_view text = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return text;
}

} // namespace paquebot::filter::milter
