// Every short mixture of CR, LF, NUL, dots and letters: the server takes CRLF.CRLF for the end of data and nothing
// else, and takes lines only; the client sends no other line end than CRLF, and no end but its own.

#include "smtp/dot_encoder.h"
#include "smtp/server_session.h"

#include <gtest/gtest.h>

namespace paquebot::smtp {
namespace {

constexpr std::size_t kLongest = 5;

template <class Look>
void every_word(Look look) {
  constexpr std::string_view letters("\r\n.\0a", 5);
  std::string word;
  const auto grow = [&](const auto& self) -> void {
    look(word);
    if (word.size() == kLongest || testing::Test::HasFailure()) return;
    for (const char c : letters) {
      word += c;
      self(self);
      word.pop_back();
    }
  };
  grow(grow);
}

std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\r' ? "<CR>" : c == '\n' ? "<LF>" : c == '\0' ? "<NUL>" : std::string(1, c);
  return out;
}

bool has_bare(std::string text, std::string_view which = "\r\n") {
  for (auto at = text.find("\r\n"); at != std::string::npos; at = text.find("\r\n", at)) text.replace(at, 2, "x");
  return text.find_first_of(which) != std::string::npos;
}

/// Whether a server takes lines such as these; LF alone only when it mends them.
bool fit(const std::string& text, bool mends) { return !text.contains('\0') && !has_bare(text, mends ? "\r" : "\r\n"); }

std::string with_crlf(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  return out;
}

std::string unstuffed(const std::string& data) {
  std::string out;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const bool line_start = i == 0 || (i > 1 && data[i - 1] == '\n' && data[i - 2] == '\r');
    if (!(line_start && data[i] == '.')) out += data[i];
  }
  return out;
}

/// A session behind RCPT: what it took, and what it said.
struct Taken {
  explicit Taken(const std::string& input, bool by_octet, bool mends = false) {
    auto options = std::make_shared<ServerOptions>();
    options->mend_bare_lf = mends;
    options->hostname = "mx.example.test";
    ServerSession session(options, {"192.0.2.1", false});
    run(session);
    session.feed("EHLO x\r\nMAIL FROM:<a@other.example>\r\nRCPT TO:<b@example.test>\r\n");
    run(session);
    replies.clear();
    const std::string_view all = input;
    for (std::size_t at = 0; at < all.size() && !closed; at += by_octet ? 1 : all.size()) {
      const std::string piece(all.substr(at, by_octet ? 1 : all.size()));
      session.feed(piece);
      run(session);
    }
  }

  void run(ServerSession& session) {
    for (;;) {
      const Action action = session.next();
      if (const auto* send = std::get_if<Send>(&action)) {
        replies += send->bytes;
      } else if (const auto* chunk = std::get_if<Chunk>(&action)) {
        staged += chunk->bytes;
      } else if (std::holds_alternative<Discard>(action)) {
        staged.clear();
      } else if (std::holds_alternative<NeedInput>(action)) {
        return;
      } else if (std::holds_alternative<Close>(action)) {
        closed = true;
        return;
      } else {
        if (std::holds_alternative<AskContent>(action)) content = std::exchange(staged, {});
        std::visit(
            [&](const auto& what) {
              if constexpr (requires { what.id; }) session.answer(what.id, mail::Reply{250, {}, ""});
            },
            action);
      }
    }
  }

  std::string replies, staged;
  std::optional<std::string> content;
  bool closed = false;
};

TEST(EndOfData, ServerByData) {
  every_word([](const std::string& word) {
    const std::string stream = word + "\r\n.\r\n";
    const std::size_t end = ("\r\n" + stream).find("\r\n.\r\n"); // where the data ends, its last CRLF included
    const std::string data = stream.substr(0, end);
    for (const int how : {0, 1, 2, 3}) {
      const bool by_octet = (how & 1) != 0, mends = (how & 2) != 0;
      const Taken taken("DATA\r\n" + stream + "QUIT\r\n", by_octet, mends);
      EXPECT_EQ(taken.replies.substr(0, 3), "354");
      const auto reply = taken.replies.substr(taken.replies.find('\n') + 1, 3);
      EXPECT_EQ(reply, fit(data, mends) ? "250" : "550") << shown(word);
      EXPECT_EQ(taken.content.has_value(), fit(data, mends)) << shown(word);
      if (taken.content) {
        EXPECT_EQ(shown(*taken.content), shown(with_crlf(unstuffed(data)))) << shown(word);
      }
      EXPECT_TRUE(taken.closed) << shown(word); // QUIT was a command, whatever came before it
    }
  });
}

TEST(EndOfData, ServerByBdat) {
  every_word([](const std::string& word) {
    const bool open = !word.empty() && !word.ends_with('\n');
    for (const int how : {0, 1, 2, 3}) {
      const bool by_octet = (how & 1) != 0, mends = (how & 2) != 0;
      for (std::size_t cut = 0; cut <= word.size(); ++cut) {
        const std::string first = word.substr(0, cut), second = word.substr(cut);
        const Taken taken("BDAT " + std::to_string(first.size()) + "\r\n" + first + "BDAT " +
                              std::to_string(second.size()) + " LAST\r\n" + second + "QUIT\r\n",
                          by_octet, mends);
        EXPECT_EQ(taken.content.has_value(), fit(word, mends)) << shown(word);
        if (taken.content) {
          EXPECT_EQ(shown(*taken.content), shown(with_crlf(word) + (open ? "\r\n" : ""))) << shown(word);
        }
        EXPECT_TRUE(taken.closed && taken.replies.find("221 ") != std::string::npos) << shown(word);
      }
    }
  });
}

/// What is taken with its line ends mended leaves as lines that end nothing early.
TEST(EndOfData, MendedOnTheWayInStuffedOnTheWayOut) {
  every_word([](const std::string& word) {
    const std::string stream = word + "\r\n.\r\n";
    const Taken taken("DATA\r\n" + stream + "QUIT\r\n", false, true);
    if (!taken.content) return;
    DotEncoder encoder;
    std::string out;
    encoder.encode(*taken.content, out);
    encoder.finish(out);
    EXPECT_FALSE(has_bare(out)) << shown(word);
    EXPECT_EQ(("\r\n" + out).find("\r\n.\r\n") + 3, out.size()) << shown(word);
    EXPECT_EQ(shown(unstuffed(out.substr(0, out.size() - 3))), shown(*taken.content)) << shown(word);
  });
}

/// Each line end that anybody might take for one, as CRLF; the last line has one.
std::string normalised(const std::string& word) {
  std::string out;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] != '\r' && word[i] != '\n') {
      out += word[i];
      continue;
    }
    if (word[i] == '\r' && i + 1 < word.size() && word[i + 1] == '\n') ++i;
    out += "\r\n";
  }
  return out.empty() || out.ends_with('\n') ? out : out + "\r\n";
}

TEST(EndOfData, Client) {
  every_word([](const std::string& word) {
    for (const bool stuff : {false, true}) {
      for (const std::size_t step : {std::size_t{1}, std::size_t{2}, kLongest}) {
        DotEncoder encoder(stuff);
        std::string out;
        for (std::size_t at = 0; at < word.size(); at += step)
          encoder.encode(std::string_view(word).substr(at, step), out);
        encoder.finish(out);
        EXPECT_FALSE(has_bare(out)) << shown(word);
        if (stuff) {
          EXPECT_EQ(("\r\n" + out).find("\r\n.\r\n") + 3, out.size()) << shown(word);
          out = unstuffed(out.substr(0, out.size() - 3));
        }
        EXPECT_EQ(shown(out), shown(normalised(word))) << shown(word);
      }
    }
  });
}

} // namespace
} // namespace paquebot::smtp
