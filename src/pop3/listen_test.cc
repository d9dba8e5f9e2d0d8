// What somebody who watches a session hears of it.

#include "pop3/fake_mailbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::pop3 {
namespace {

std::vector<std::string> heard(const std::string& said) {
  auto options = std::make_shared<ServerOptions>();
  options->hostname = "mx.test";
  FakeMailbox mailbox;
  mailbox.messages = {"Subject: one\r\n\r\n"};
  ServerSession session(options, true);
  std::vector<std::string> lines;
  session.listen([&lines](std::string_view line) { lines.emplace_back(line); });
  mailbox.perform(session);
  mailbox.feed(session, said);
  return lines;
}

TEST(Pop3Listener, HearsCommandsButNoSecrets) {
  EXPECT_THAT(heard("CAPA\r\nUSER anna\r\nPASS secret\r\nSTAT\r\nRETR 1\r\n"),
              ::testing::ElementsAre("CAPA", "USER anna", "PASS (hidden)", "STAT", "RETR 1"));
  EXPECT_THAT(heard("AUTH PLAIN AGFubmEAc2VjcmV0\r\n"), ::testing::ElementsAre("AUTH (hidden)"));
  EXPECT_THAT(heard("AUTH PLAIN\r\nAGFubmEAc2VjcmV0\r\n"), ::testing::ElementsAre("AUTH (hidden)", "(hidden)"));
  EXPECT_THAT(heard("APOP anna 0123456789abcdef\r\n"), ::testing::ElementsAre("APOP (hidden)"));
  EXPECT_THAT(heard("USER anna\r\nsecret\r\n"), ::testing::ElementsAre("USER anna", "(hidden)"));
}

} // namespace
} // namespace paquebot::pop3
