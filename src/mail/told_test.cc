#include "mail/told.h"

#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

Reply heard(Reply reply) {
  reply.heard = true;
  return reply;
}

TEST(Told, KnowsWhoseAReplyIs) {
  const Told theirs =
      Told::by(heard({550, {5, 1, 1}, "no such user"}), "mx.example", "mx.example [192.0.2.1]:25 (TLSv1.3)");
  EXPECT_EQ(theirs.host, "mx.example");
  EXPECT_EQ(theirs.own.code, 0);
  EXPECT_TRUE(theirs.permanent());
  EXPECT_EQ(theirs.to_string(), "mx.example [192.0.2.1]:25 (TLSv1.3) said: 550 5.1.1 no such user");
  const Told ours = Told::by({451, {4, 4, 2}, "the connection was lost"}, "mx.example", "mx.example [192.0.2.1]:25");
  EXPECT_EQ(ours.host, "") << "nothing of it is its word";
  EXPECT_EQ(ours.peer.code, 0);
  EXPECT_TRUE(ours.transient());
  EXPECT_EQ(ours.to_string(), "451 4.4.2 the connection was lost (mx.example [192.0.2.1]:25)");
  EXPECT_EQ(Told::by({451, {4, 3, 0}, "not now"}).to_string(), "451 4.3.0 not now");
  EXPECT_TRUE(Told().empty());
  EXPECT_EQ(Told().to_string(), "");
}

TEST(Told, OurWordDecides) {
  Told both = Told::by(heard({554, {5, 7, 1}, "rejected"}), "mx.example", "mx.example [192.0.2.1]:25");
  both.own = Reply(451, {4, 4, 2}, "the server refused the session");
  EXPECT_FALSE(both.permanent());
  EXPECT_TRUE(both.transient());
  EXPECT_EQ(both.to_string(),
            "451 4.4.2 the server refused the session; mx.example [192.0.2.1]:25 said: 554 5.7.1 rejected");
}

} // namespace
} // namespace paquebot::mail
