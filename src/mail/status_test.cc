#include "base/text.h"
#include "mail/status.h"

#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

TEST(EnhancedCode, Parse) {
  const struct {
    std::string_view text;
    std::string_view wanted; ///< empty: nothing
  } cases[] = {
      {"5.1.1", "5.1.1"},
      {"5.1.1 no such user", "5.1.1"},
      {"2.0.0\r\n", "2.0.0"},
      {"4.999.999\t", "4.999.999"},
      {"5.07.001", "5.7.1"},
      {"3.1.1", ""},
      {"5.1", ""},
      {"5.1.", ""},
      {"5..1", ""},
      {"5.1.1x", ""},
      {"5.1.1.1", ""},
      {"5.1000.1", ""},
      {"", ""},
      {"5", ""},
      {"51.1.1", ""},
      {" 5.1.1", ""},
  };
  for (const auto& c : cases) {
    const auto code = EnhancedCode::parse(c.text);
    EXPECT_EQ(code ? code->to_string() : "", c.wanted) << c.text;
  }
}

std::string wire(const Reply& reply) {
  std::string out;
  reply.append_wire(out);
  return out;
}

TEST(Reply, Wire) {
  EXPECT_EQ(wire({250, {}, "ok"}), "250 ok\r\n");
  EXPECT_EQ(wire({250, {2, 0, 0}, "accepted id=1"}), "250 2.0.0 accepted id=1\r\n");
  EXPECT_EQ(wire({550, {5, 1, 1}, "one\ntwo\nthree"}), "550-5.1.1 one\r\n550-5.1.1 two\r\n550 5.1.1 three\r\n");
  EXPECT_EQ(wire({250, {}, ""}), "250 \r\n");
  EXPECT_EQ(wire({550, {}, "a\r250 b\tc\x1b\xFF"}), "550 a?250 b c??\r\n");
}

TEST(Reply, LinesAreCutAt512) {
  std::string long_text(1000, 'x');
  EXPECT_EQ(wire({550, {5, 0, 0}, long_text}).size(), 512U);
  long_text.clear();
  for (int i = 0; i < 400; ++i) long_text += "é";
  const std::string cut = wire({550, {5, 0, 0}, long_text});
  EXPECT_LE(cut.size(), 512U);
  EXPECT_TRUE(is_utf8(cut));
}

TEST(Reply, ToString) {
  EXPECT_EQ(Reply(550, {5, 1, 1}, "no such\nuser").to_string(), "550 5.1.1 no such user");
  EXPECT_EQ(Reply(421, {}, "a\r\nb").to_string(), "421 a? b");
  EXPECT_TRUE(Reply(354, {}, "go").positive());
  EXPECT_TRUE(Reply(451, {}, "wait").transient());
  EXPECT_TRUE(Reply(550, {}, "no").permanent());
}

} // namespace
} // namespace paquebot::mail
