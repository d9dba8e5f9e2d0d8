// Plays every dialog against the pure engines: as written, octet by octet, and cut in two at every octet.

#include "http_engine.h"
#include "imap_engine.h"
#include "player.h"
#include "smtp_engine.h"
#if PAQUEBOT_POP3_DIALOGS
#include "pop3_engine.h"
#endif

#include <gtest/gtest.h>

namespace paquebot::dialogs {
namespace {

/// Cuts tried of one long dialog, spread evenly; short ones are cut at every octet.
constexpr std::size_t kMostCuts = 1500;

std::unique_ptr<Engine> make_engine(const Dialog& dialog) {
  if (dialog.protocol == "smtp") return make_smtp_engine(dialog);
  if (dialog.protocol == "imap") return make_imap_engine(dialog);
  if (dialog.protocol == "http") return make_http_engine(dialog);
#if PAQUEBOT_POP3_DIALOGS
  if (dialog.protocol == "pop3") return make_pop3_engine(dialog);
#endif
  return nullptr;
}

/// Plays it once; gives the transcript.
std::string play_once(const Dialog& dialog, Cut cut, const std::string& how) {
  std::string transcript;
  const auto engine = make_engine(dialog);
  const auto wrong = play(dialog, *engine, cut, &transcript);
  EXPECT_FALSE(wrong) << *wrong << how;
  return transcript;
}

class DialogTest : public testing::TestWithParam<Dialog> {};

TEST_P(DialogTest, PlaysHoweverItIsCut) {
  const Dialog& dialog = GetParam();
  if (make_engine(dialog) == nullptr) GTEST_SKIP() << "no engine speaks " << dialog.protocol;
  const std::string whole = play_once(dialog, {}, "");
  if (HasFailure()) return;
  const std::size_t octets = client_octets(dialog);
  if (octets <= 200'000) {
    EXPECT_EQ(whole, play_once(dialog, {true, 0}, " (octet by octet)"));
  }
  const std::size_t stride = 1 + octets / (octets > 20'000 ? 50 : kMostCuts);
  for (std::size_t at = 1; at < octets && !HasFailure(); at += stride) {
    EXPECT_EQ(whole, play_once(dialog, {false, at}, " (cut at octet " + std::to_string(at) + ")"));
  }
}

std::vector<Dialog> all_dialogs() {
  auto dialogs = read_dialogs(PAQUEBOT_DIALOGS_DIR);
  if (dialogs) return std::move(*dialogs);
  // Shown as one failing dialog, since there is no test yet that could fail.
  return {Dialog{.name = "unreadable", .steps = {{StepKind::server, dialogs.error().message, 0}}}};
}

std::string name_of(const testing::TestParamInfo<Dialog>& info) {
  std::string name = info.param.name;
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Engine, DialogTest, testing::ValuesIn(all_dialogs()), name_of);

TEST(DialogFormat, Globs) {
  EXPECT_TRUE(matches("250 *", "250 2.0.0 ok"));
  EXPECT_TRUE(matches("*a*b", "xxaxxaxb"));
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("250 *", "250"));
  EXPECT_FALSE(matches("a*b", "acb d"));
}

TEST(DialogFormat, SaysWhichLineIsWrong) {
  const auto dialog = parse_dialog("x", "S: 220 *\nwhat?\n");
  ASSERT_FALSE(dialog);
  EXPECT_TRUE(dialog.error().message.starts_with("x.dialog:2: ")) << dialog.error().message;
}

TEST(DialogFormat, Escapes) {
  EXPECT_EQ(unescape("a\\r\\n\\0\\x41\\\\").value(), std::string("a\r\n\0A\\", 6));
  EXPECT_FALSE(unescape("\\q"));
  EXPECT_FALSE(unescape("\\x4"));
}

} // namespace
} // namespace paquebot::dialogs
