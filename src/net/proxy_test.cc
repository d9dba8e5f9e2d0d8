#include "net/proxy.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace paquebot::net {
namespace {

/// What comes of a connection that begins with these octets, given in pieces of at most `piece`: "client>server",
/// "real" or "no", and behind a "|" what was not read.
std::string outcome(std::string_view stream, std::size_t piece) {
  ProxyReader reader;
  while (!reader.done()) {
    if (stream.empty()) return "more";
    const auto taken = stream.substr(0, std::min(reader.wants(), piece));
    stream.remove_prefix(taken.size());
    if (!reader.feed(taken)) return "no";
  }
  const auto& header = reader.header();
  const std::string ends =
      header.proxied ? header.source.to_string() + ">" + header.destination.to_string() : std::string("real");
  return ends + "|" + std::string(stream);
}

void check(std::string_view stream, std::string_view wanted) {
  for (const std::size_t piece : {1, 2, 3, 7, 4096})
    EXPECT_EQ(outcome(stream, piece), wanted) << stream << " " << piece;
}

std::string block(char command, char family, std::string_view rest, std::size_t length) {
  std::string text("\r\n\r\n\0\r\nQUIT\n", 12);
  text += command;
  text += family;
  text += static_cast<char>(length >> 8);
  text += static_cast<char>(length & 0xFF);
  return text.append(rest);
}

std::string block(char command, char family, std::string_view rest) {
  return block(command, family, rest, rest.size());
}

TEST(ProxyReader, VersionOne) {
  check("PROXY TCP4 192.0.2.1 198.51.100.2 1025 25\r\nEHLO x\r\n", "192.0.2.1:1025>198.51.100.2:25|EHLO x\r\n");
  check("PROXY TCP4 1.1.1.1 2.2.2.2 0 65535\r\n\r\n", "1.1.1.1:0>2.2.2.2:65535|\r\n");
  check("PROXY TCP6 2001:DB8::1 ::1 1 2\r\nx", "[2001:db8::1]:1>[::1]:2|x");
  check("PROXY UNKNOWN\r\nx", "real|x");
  check("PROXY UNKNOWN whatever \x01 it says\r\nx", "real|x");
  const std::string longest = "PROXY UNKNOWN " + std::string(107 - 16, 'x') + "\r\n";
  ASSERT_EQ(longest.size(), 107U);
  check(longest + "y", "real|y");
}

TEST(ProxyReader, WrongVersionOne) {
  for (const std::string_view line : {"PROXY TCP4 192.0.2.1 198.51.100.2 1025 25 \r\n",
                                      "PROXY TCP4  192.0.2.1 198.51.100.2 1025 25\r\n",
                                      "PROXY TCP4 192.0.2.1 198.51.100.2 1025\r\n",
                                      "PROXY TCP4 192.0.2.1 198.51.100.2 01025 25\r\n",
                                      "PROXY TCP4 192.0.2.01 198.51.100.2 1025 25\r\n",
                                      "PROXY TCP4 192.0.2 198.51.100.2 1025 25\r\n",
                                      "PROXY TCP4 192.0.2.256 198.51.100.2 1 25\r\n",
                                      "PROXY TCP4 192.0.2.1 198.51.100.2 65536 25\r\n",
                                      "PROXY TCP4 192.0.2.1 198.51.100.2 +1 25\r\n",
                                      "PROXY TCP4 ::1 ::2 1025 25\r\n",
                                      "PROXY TCP6 192.0.2.1 198.51.100.2 1025 25\r\n",
                                      "PROXY UDP4 192.0.2.1 198.51.100.2 1025 25\r\n",
                                      "PROXY tcp4 192.0.2.1 198.51.100.2 1025 25\r\n",
                                      "PROXY UNKNOWNX x\r\n",
                                      "PROXY  UNKNOWN\r\n",
                                      "PROXY TCP4 192.0.2.1\r198.51.100.2 1025 25\r\n",
                                      "PROXY TCP4 192.0.2.1\n198.51.100.2 1025 25\r\n",
                                      "EHLO client.example\r\n",
                                      "proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
                                      "PROXYTCP4 1.1.1.1 2.2.2.2 1 2\r\n",
                                      "\x16\x03\x01 a client's hello",
                                      "QUIT\r\n-----------",
                                      "PROXX TCP4 1.1.1.1 2.2.2.2 1 2\r\n"})
    check(line, "no");
  check("PROXY UNKNOWN " + std::string(200, 'x') + "\r\n", "no");
  check("PROXY TCP4 192.0.2.1 198.51.100.2 1025 25\n" + std::string(200, 'x'), "no"); // a lone LF is no end
  check("PROXY TCP4 192.0.2.1", "more");
  check("", "more");
}

TEST(ProxyReader, VersionTwo) {
  const std::string four("\xC0\x00\x02\x01\xC6\x33\x64\x02\x04\x01\x00\x19", 12);
  const std::string six("\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01"
                        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
                        "\xFF\xFF\x01\xBB",
                        36);
  const std::string mapped("\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\x00\x02\x01"
                           "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\x7F\0\0\x01"
                           "\0\x01\0\x02",
                           36);
  check(block(0x21, 0x11, four) + "EHLO", "192.0.2.1:1025>198.51.100.2:25|EHLO");
  check(block(0x21, 0x21, six) + "EHLO", "[2001:db8::1]:65535>[::1]:443|EHLO");
  check(block(0x21, 0x21, mapped), "192.0.2.1:1>127.0.0.1:2|");
  check(block(0x21, 0x11,
              four + std::string("\x03\x00\x04"
                                 "abcd\x20\x00\x01x",
                                 11)) +
            "x", // TLVs are skipped
        "192.0.2.1:1025>198.51.100.2:25|x");
  check(block(0x21, 0x11, four + "no TLV at all") + "x", "192.0.2.1:1025>198.51.100.2:25|x");
  check(block(0x20, 0x00, "") + "x", "real|x");   // LOCAL
  check(block(0x20, 0x11, four) + "x", "real|x"); // whatever it says
  check(block(0x20, '\xFF', "junk") + "x", "real|x");
  check(block(0x21, 0x00, "junk") + "x", "real|x"); // UNSPEC
  check(block(0x21, 0x10, "") + "x", "real|x");
  check(block(0x21, 0x12, four) + "x", "real|x"); // UDP
  check(block(0x21, 0x22, six) + "x", "real|x");
  check(block(0x21, 0x31, std::string(216, 'p')) + "x", "real|x"); // UNIX
  check(block(0x21, 0x32, std::string(216, 'p')) + "x", "real|x");
  check(block(0x20, 0x00, std::string(ProxyReader::kMost - 16, 'x')) + "y", "real|y");
}

TEST(ProxyReader, WrongVersionTwo) {
  const std::string four("\xC0\x00\x02\x01\xC6\x33\x64\x02\x04\x01\x00\x19", 12);
  check(block(0x11, 0x11, four), "no");
  check(block(0x31, 0x11, four), "no");
  check(block(0x22, 0x11, four), "no");
  check(block(0x2F, 0x11, four), "no");
  check(block(0x21, 0x41, four), "no");
  check(block(0x21, 0x13, four), "no");
  check(block(0x21, 0x11, four.substr(1)), "no");
  check(block(0x21, 0x21, four), "no");
  check(block(0x21, 0x31, four), "no");
  check(block(0x21, 0x11, four, 100), "more");
  check(block(0x20, 0x00, "", ProxyReader::kMost - 15), "no");
  check(block(0x21, 0x11, four, 65535), "no");
  check(std::string("\r\n\r\n\0\r\nQUIT\r", 12) + four, "no");
}

} // namespace
} // namespace paquebot::net
