// The dot codecs, the line reader and the reply parser: tables, and every way to cut the input.

#include "smtp/dot_decoder.h"
#include "smtp/dot_encoder.h"
#include "smtp/line_reader.h"
#include "smtp/reply_parser.h"

#include <gtest/gtest.h>
#include <numeric>
#include <optional>
#include <random>

namespace paquebot::smtp {
namespace {

using namespace std::string_literals;

struct Decoded {
  std::string content;
  bool done = false, bare = false;
  std::string left;
  bool operator==(const Decoded&) const = default;
  friend void PrintTo(const Decoded& d, std::ostream* out) {
    *out << testing::PrintToString(d.content) << (d.done ? " done" : "") << (d.bare ? " bare" : "") << " left "
         << testing::PrintToString(d.left);
  }
};

/// Decodes `input` in pieces that end at the octets of `cuts`.
Decoded decode(const std::string& input, const std::vector<std::size_t>& cuts) {
  DotDecoder decoder;
  Decoded out;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t to = i < cuts.size() ? cuts[i] : input.size();
    const std::string piece = input.substr(from, to - from);
    from = to;
    std::string_view rest = piece;
    for (;;) {
      const auto content = decoder.next(rest);
      if (content.empty()) break;
      out.content += content;
    }
    out.left += rest;
  }
  out.done = decoder.done();
  out.bare = decoder.bare();
  return out;
}

TEST(DotDecoder, Table) {
  const struct {
    std::string input;
    Decoded expected;
  } cases[] = {
      {".\r\n", {"", true, false, ""}},
      {"a\r\n.\r\nNOOP\r\n", {"a\r\n", true, false, "NOOP\r\n"}},
      {"a\r\n..b\r\n.\r\n", {"a\r\n.b\r\n", true, false, ""}},
      {"..\r\n.\r\n", {".\r\n", true, false, ""}},
      {".a\r\n.\r\n", {"a\r\n", true, false, ""}},
      {"a.\r\n.\r\n", {"a.\r\n", true, false, ""}},
      {"\r\n\r\n.\r\n", {"\r\n\r\n", true, false, ""}},
      {"a\n.\n", {"a\n.\n", false, true, ""}},
      {"a\n.\r\n.\r\n", {"a\n.\r\n", true, true, ""}},
      {"a\r\n.\nb\r\n.\r\n", {"a\r\n\nb\r\n", true, true, ""}},
      {"a\r\n.\rb\r\n.\r\n", {"a\r\n\rb\r\n", true, true, ""}},
      {"a\r.\r\n.\r\n", {"a\r.\r\n", true, true, ""}},
      {"a\r\r\n.\r\n", {"a\r\r\n", true, true, ""}},
      {"a\r\n.\r\r\n.\r\n", {"a\r\n\r\r\n", true, true, ""}},
      {"\n.\r\n.\r\n", {"\n.\r\n", true, true, ""}},
      {"a\r", {"a\r", false, false, ""}},
      {"a\0b\r\n.\r\n"s, {"a\0b\r\n"s, true, false, ""}},
      {"no end", {"no end", false, false, ""}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(decode(c.input, {}), c.expected) << c.input;
    for (std::size_t i = 0; i <= c.input.size(); ++i) {
      for (std::size_t j = i; j <= c.input.size(); ++j)
        EXPECT_EQ(decode(c.input, {i, j}), c.expected) << c.input << i << j;
    }
  }
}

/// A whole input is looked at many octets at a time; octet by octet it must come out alike, wherever its line ends lie.
TEST(DotDecoder, TheSameInOnePieceAndOctetByOctet) {
  std::minstd_rand random(5321);
  constexpr std::string_view kOctets = "\r\r\n\n\r\n..a\0\x0c\xff";
  for (int round = 0; round < 3000; ++round) {
    std::string input;
    while (input.size() < 200) {
      input.append(random() % 70, 'x');
      for (auto some = random() % 6; some > 0; --some) input += kOctets[random() % kOctets.size()];
      if (random() % 2 == 0) input += "\r\n";
    }
    if (random() % 2 == 0) input += "\r\n.\r\nNOOP\r\n";
    std::vector<std::size_t> every(input.size());
    std::iota(every.begin(), every.end(), 1);
    EXPECT_EQ(decode(input, {}), decode(input, every));
  }
}

TEST(DotDecoder, GivesOneViewForManyLines) {
  std::string input;
  for (int i = 0; i < 1000; ++i) input += "a line of the message\r\n";
  std::string_view rest = input;
  DotDecoder decoder;
  const auto piece = decoder.next(rest);
  EXPECT_EQ(piece.size(), input.size());
  EXPECT_EQ(piece.data(), input.data());
}

std::string encode(const std::string& content, std::size_t cut) {
  DotEncoder encoder;
  std::string out;
  encoder.encode(content.substr(0, cut), out);
  encoder.encode(content.substr(cut), out);
  encoder.finish(out);
  return out;
}

TEST(DotEncoder, Table) {
  const struct {
    std::string content, expected;
  } cases[] = {
      {"", ".\r\n"},
      {"a", "a\r\n.\r\n"},
      {"a\r\n", "a\r\n.\r\n"},
      {".", "..\r\n.\r\n"},
      {"a\r\n.b\r\n..c\r\nd.\r\n", "a\r\n..b\r\n...c\r\nd.\r\n.\r\n"},
      {"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"},
      {"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"},
      {"a\r", "a\r\n.\r\n"},
      {"\r\r\n\n", "\r\n\r\n\r\n.\r\n"},
      {"a\r\n.\r\n", "a\r\n..\r\n.\r\n"},
      {"a\n.\r\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"},
  };
  for (const auto& c : cases) {
    for (std::size_t cut = 0; cut <= c.content.size(); ++cut)
      EXPECT_EQ(encode(c.content, cut), c.expected) << c.content << cut;
  }
}

TEST(DotCodec, WhatIsEncodedDecodesToTheSameAndHasNoEndWithin) {
  // Every text of up to six octets over the five that matter.
  const std::string alphabet = ".\r\na\0"s;
  for (int length = 0; length <= 6; ++length) {
    int combinations = 1;
    for (int i = 0; i < length; ++i) combinations *= 5;
    for (int n = 0; n < combinations; ++n) {
      std::string text;
      for (int i = 0, rest = n; i < length; ++i, rest /= 5) text += alphabet[static_cast<std::size_t>(rest % 5)];
      const auto decoded = decode(encode(text, text.size()), {});
      EXPECT_TRUE(decoded.done && !decoded.bare && decoded.left.empty());
    }
  }
}

TEST(LineReader, CutsLinesHoweverTheyCome) {
  const std::string input = "NOOP\r\n\r\nLF only\n" + std::string(40, 'x') + "\r\nRSET\r\npart";
  const std::vector<std::string> expected{"NOOP", "", "!lf", "!long", "RSET"};
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    LineReader reader;
    std::vector<std::string> got;
    for (const auto& piece : {input.substr(0, cut), input.substr(cut)}) {
      std::string_view rest = piece;
      for (;;) {
        const auto status = reader.next(rest, 20);
        if (status == LineReader::Status::none) break;
        got.push_back(status == LineReader::Status::line      ? std::string(reader.line())
                      : status == LineReader::Status::bare_lf ? "!lf"
                                                              : "!long");
      }
    }
    EXPECT_EQ(got, expected) << cut;
  }
}

TEST(LineReader, RestKeepsTheBeginningOfTheNextLine) {
  LineReader reader;
  const std::string first = std::string(100, 'a'), second = std::string(100, 'b'), end = "\r\n";
  for (const std::string& line : {first, second}) {
    for (const std::string& part : {line, end}) {
      std::string_view rest = part;
      const auto status = reader.next(rest, 200);
      if (part == end) {
        EXPECT_EQ(status, LineReader::Status::line);
        EXPECT_EQ(reader.line(), line);
      }
      reader.rest(); // gives back a line that was used, and nothing that is still to come
    }
  }
}

TEST(LineReader, GivesUpOnEndlessLines) {
  LineReader reader;
  const std::string piece(1000, 'x');
  for (int i = 0; i < 100; ++i) {
    std::string_view rest = piece;
    if (reader.next(rest, 100) == LineReader::Status::endless) return;
  }
  FAIL() << "it reads for ever";
}

TEST(ReplyParser, Table) {
  const struct {
    std::string input;
    std::optional<std::string> expected; ///< nothing: malformed
  } cases[] = {
      {"250 ok\r\n", "250 ok"},
      {"250\r\n", "250"},
      {"250 \r\n", "250"},
      {"250 ok\n", "250 ok"},
      {"250-a\r\n250-b\r\n250 c\r\n", "250 a b c"},
      {"550-5.1.1 no\r\n550 5.1.1 such user\r\n", "550 5.1.1 no such user"},
      {"550 5.1.1\r\n", "550 5.1.1"},
      {"550 5.1.1\tno such user\r\n", "550 5.1.1 no such user"},
      {"550-5.1.1\tno such\r\n550 5.1.1 \tuser\r\n", "550 5.1.1 no such  user"},
      {"550 4.1.1 class differs\r\n", "550 4.1.1 class differs"},
      {"550 a\x1B[31m\xFF\tb\r\n", "550 a?[31m? b"},
      {"250-a\r\n251 b\r\n", {}},
      {"250-a\r\nb\r\n", {}},
      {"100 a\r\n", {}},
      {"099 a\r\n", {}},
      {"25 a\r\n", {}},
      {"2500\r\n", {}},
      {"\r\n", {}},
      {"25x 4.0.0 no code", {}}, // without waiting for the end of the line
      {"250 " + std::string(100, 'x') + "\r\n", "250 " + std::string(76, 'x')},
      {"250-1\r\n250-2\r\n250-3\r\n250-4\r\n250 5\r\n", "250 1 2 3 4"},
      {"250-1\r\n250-2\r\n250-3\r\n250-4\r\n250-" + std::string(100, 'x') + "\r\n250 6\r\n", "250 1 2 3 4"},
      {"250-1\r\n250-2\r\n250-3\r\n250-4\r\n251 5\r\n", {}},
      {"250-1\r\n250-2\r\n250-3\r\n250-4\r\nno\r\n", {}},
  };
  for (const auto& c : cases) {
    for (std::size_t cut = 0; cut <= c.input.size(); ++cut) {
      ReplyParser parser(80, 4);
      auto status = ReplyParser::Status::none;
      for (const auto& piece : {c.input.substr(0, cut), c.input.substr(cut)}) {
        std::string_view rest = piece;
        if (status == ReplyParser::Status::none) status = parser.next(rest);
      }
      if (!c.expected) {
        EXPECT_EQ(status, ReplyParser::Status::malformed) << c.input;
        continue;
      }
      ASSERT_EQ(status, ReplyParser::Status::reply) << c.input;
      EXPECT_EQ(parser.take().to_string(), *c.expected);
      EXPECT_TRUE(parser.empty());
    }
  }
}

TEST(ReplyParser, KeepsABoundedText) {
  ReplyParser parser(2048, 200);
  std::string input;
  for (int i = 0; i < 199; ++i) input += "250-" + std::string(2000, 'x') + "\r\n";
  input += "250 end\r\n";
  std::string_view rest = input;
  ASSERT_EQ(parser.next(rest), ReplyParser::Status::reply);
  EXPECT_LE(parser.take().text.size(), ReplyParser::kMostText + 1);
}

TEST(ReplyParser, ReadsNoReplyWithoutEnd) {
  const std::string lines = "250-x\r\n", line(100, 'x');
  for (const std::string& endless : {lines, line}) {
    ReplyParser parser(2048, 200);
    std::string_view rest = "250-"; // a line, or the beginning of one
    if (endless == line) {
      ASSERT_EQ(parser.next(rest), ReplyParser::Status::none);
    }
    auto status = ReplyParser::Status::none;
    for (std::size_t given = 0; status == ReplyParser::Status::none; given += endless.size()) {
      ASSERT_LE(given, ReplyParser::kMostOctets);
      rest = endless;
      status = parser.next(rest);
    }
    EXPECT_EQ(status, ReplyParser::Status::malformed);
  }
}

TEST(ReplyParser, ReadsNextReplyAfterALongOne) {
  ReplyParser parser(2048, 200);
  for (int n = 0; n < 3; ++n) { // together more octets than one may have
    std::string input;
    for (int i = 0; i < 201; ++i) input += "250-" + std::string(500, 'x') + "\r\n";
    input += "250 end\r\n";
    std::string_view rest = input;
    ASSERT_EQ(parser.next(rest), ReplyParser::Status::reply) << n;
    EXPECT_TRUE(rest.empty());
    EXPECT_EQ(parser.take().code, 250);
  }
}

} // namespace
} // namespace paquebot::smtp
