#include "intake/author_check.h"
#include "intake/test_passage.h"

namespace paquebot::intake {
namespace {

using AuthorCheckTest = test::PassageTest;

TEST_F(AuthorCheckTest, AnAccountWritesInItsOwnName) {
  const struct {
    const char* head;
    const char* refused; ///< empty: it is not
    bool resent;
  } cases[] = {
      {"From: ann@example.org\r\n", "", false},
      {"Subject: x\r\n", "", false}, // intake completes it
      {"From: bob@example.org\r\n", "550 5.7.1 <bob@example.org> in From", false},
      {"Resent-From: ann@example.org\r\nFrom: boss@far.test\r\n", "", true},
  };
  for (const auto& c : cases) {
    Passage& message = begin(from_ann(), c.head);
    AuthorCheck check(message);
    test::run_step(check.run());
    EXPECT_EQ(message.fine(), *c.refused == '\0') << c.head;
    EXPECT_TRUE(message.failure.to_string().starts_with(c.refused)) << message.failure.to_string();
    EXPECT_EQ(message.resent, c.resent) << c.head;
  }
}

TEST_F(AuthorCheckTest, OthersAreNotAsked) {
  Passage& message = begin(from_stranger(), "From: bob@example.org\r\n");
  AuthorCheck check(message);
  test::run_step(check.run());
  EXPECT_TRUE(message.fine());
}

} // namespace
} // namespace paquebot::intake
