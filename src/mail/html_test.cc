#include "mail/html.h"

#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

TEST(Html, GivesTheTextThatItShows) {
  EXPECT_EQ(text_of_html("<p>a &amp; b</p><script>alert(1)</script><p>c&nbsp;&#100;</p>"), "a & b\nc d\n");
  EXPECT_EQ(text_of_html("<style>x { } </style>1 < 2"), "1 < 2");
  EXPECT_EQ(text_of_html("<!-- <b>no</b> -->yes"), "yes");
  EXPECT_EQ(text_of_html("<script>never ends"), "");
}

} // namespace
} // namespace paquebot::mail
