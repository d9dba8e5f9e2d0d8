#include "cli/cli.h"
#include "cli/message_check.h"
#include "cli/test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace paquebot::cli {
namespace {

using ::testing::HasSubstr;

TEST(MessageCheck, LineEnds) {
  const struct {
    const char* stored;
    const char* sent;
  } cases[] = {
      {"", ""},
      {"no line", "no line"},
      {"A: b\n\nc\n", "A: b\r\n\r\nc\r\n"},
      {"\nc", "\r\nc"},
      {"A: b\nC: d\r\n", "A: b\r\nC: d\r\n"},
      {"A: b\r\n\r\nbare\nLF\r\n", "A: b\r\n\r\nbare\nLF\r\n"}, // as it was sent
      {"A: b\n\nbare\rCR\n", "A: b\r\n\r\nbare\rCR\r\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(with_network_line_ends(c.stored), c.sent) << c.stored;
}

/// The exit code, and what was said. Nobody answers at that port.
std::pair<int, std::string> run_check(std::vector<std::string> words, const std::string& input) {
  Environment environment;
  environment.locate = [](const std::string&) -> Result<ServerPlace> { return fail(Errc::not_found, "no file"); };
  std::istringstream in(input);
  std::ostringstream out, err;
  Console console{in, out, err, false};
  words.insert(words.begin(), {"paquebot", "message", "check", "--resolver", "127.0.0.1:9"});
  const int code = run(words, environment, console);
  return {code, out.str() + err.str()};
}

TEST(MessageCheck, WhatCannotBeChecked) {
  const test::Folder folder;
  const std::string list = folder.write("list", "192.0.2.1\tmx.test\ta@b.test\n# a note\n\n192.0.2\tmx.test\t<>\n");
  EXPECT_EQ(run_check({"--ip", "192.0.2"}, "").first, kBadData);
  EXPECT_EQ(run_check({"--ip", "192.0.2.1", "--mail-from", "nobody"}, "").first, kBadData);
  EXPECT_EQ(run_check({folder.path("missing")}, "").first, kNoInput);
  const auto [code, said] = run_check({"--list", list}, "");
  EXPECT_EQ(code, kBadData);
  EXPECT_THAT(said, HasSubstr("list:4: \"192.0.2\" is no IP address"));
}

TEST(MessageCheck, AMessageWithoutAuthorIsRefused) {
  const auto [code, said] = run_check({}, "Subject: \x1b[31m\n\nhello\n");
  EXPECT_EQ(code, kRefused);
  EXPECT_THAT(said, HasSubstr("-: refuse: 550 "));
  EXPECT_THAT(said, HasSubstr("DMARC  permerror"));
}

} // namespace
} // namespace paquebot::cli
