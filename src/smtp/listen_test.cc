// What somebody who watches a session hears of it.

#include "smtp/server_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::smtp {
namespace {

/// All lines that are heard of what was said, where every question is answered with yes.
std::vector<std::string> heard(const std::string& said) {
  auto options = std::make_shared<ServerOptions>();
  options->role = Role::submission;
  options->hostname = "mx.example.test";
  options->auth_available = options->auth_in_clear = true;
  ServerSession session(options, {"192.0.2.1", false});
  std::vector<std::string> lines;
  session.listen([&lines](std::string_view line) { lines.emplace_back(line); });
  bool fed = false;
  for (;;) {
    const Action action = session.next();
    if (std::holds_alternative<Close>(action)) return lines;
    if (std::holds_alternative<NeedInput>(action)) {
      if (std::exchange(fed, true)) return lines;
      session.feed(said);
      continue;
    }
    std::visit(
        [&session](const auto& what) {
          if constexpr (requires { what.id; }) session.answer(what.id, mail::Reply{250, {}, ""});
        },
        action);
  }
}

TEST(SmtpListener, HearsCommandsButNoSecrets) {
  EXPECT_THAT(heard("EHLO x\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\nMAIL FROM:<a@b.test>\r\n"),
              ::testing::ElementsAre("EHLO x", "AUTH PLAIN (hidden)", "MAIL FROM:<a@b.test>"));
  EXPECT_THAT(heard("EHLO x\r\nAUTH PLAIN\r\nAGFubgBzZWNyZXQ=\r\nNOOP\r\n"),
              ::testing::ElementsAre("EHLO x", "AUTH PLAIN", "(hidden)", "NOOP"));
  EXPECT_THAT(heard("EHLO x\r\n  auth\tplain\tAGFubgBzZWNyZXQ=\r\n"),
              ::testing::ElementsAre("EHLO x", "auth\tplain (hidden)"));
}

TEST(SmtpListener, HearsNoPasswordThatWentAstray) {
  const auto lines = heard("EHLO x\r\nAUTH PLAIN *\r\nc2VjcmV0IG9mIGFubg==\r\nQUIT\r\n");
  EXPECT_THAT(lines, ::testing::Contains("(hidden)"));
  EXPECT_THAT(lines, ::testing::Not(::testing::Contains("c2VjcmV0IG9mIGFubg==")));
}

TEST(SmtpListener, HearsNothingOfContent) {
  EXPECT_THAT(
      heard("EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nSubject: AUTH x\r\n\r\nQUIT\r\n.\r\n"
            "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"),
      ::testing::ElementsAre("EHLO x", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA", "MAIL FROM:<a@b.test>",
                             "RCPT TO:<c@d.test>", "BDAT 6 LAST", "NOOP"));
}

} // namespace
} // namespace paquebot::smtp
