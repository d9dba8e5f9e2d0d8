#include "mail/content_type.h"

#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

TEST(ContentType, Parse) {
  const struct {
    std::string_view value, type, subtype, boundary;
  } cases[] = {
      {"", "text", "plain", ""},
      {" text/html; charset=utf-8", "text", "html", ""},
      {"TEXT/Plain", "text", "plain", ""},
      {"multipart/mixed; boundary=abc", "multipart", "mixed", "abc"},
      {"multipart/mixed;\r\n\tBOUNDARY=\"a b;\\\"c\"", "multipart", "mixed", "a b;\"c"},
      {"multipart/mixed; boundary=a/b=c", "multipart", "mixed", "a/b=c"},
      {"multipart/mixed (comment; boundary=no); x=y; boundary = yes ; boundary=second", "multipart", "mixed", "yes"},
      {"multipart / mixed ; boundary=x", "multipart", "mixed", "x"},
      {"multipart/mixed; boundary=\"unclosed", "multipart", "mixed", "unclosed"},
      {"multipart/mixed; boundary", "multipart", "mixed", ""},
      {"multipart/mixed; boundary=", "multipart", "mixed", ""},
      {"text", "text", "plain", ""},
      {"multipart/mixed; boundary=_abc", "multipart", "mixed", "_abc"},
      {"multipart/mixed; boundary==_abc/=", "multipart", "mixed", "=_abc/="},
      {"multipart/mixed; boundary=/=_abc; x=y", "multipart", "mixed", "/=_abc"},
      {"multipart/mixed; boundary*=us-ascii'en'a%20b%3Dc", "multipart", "mixed", "a b=c"},
      {"multipart/mixed; boundary*=abc", "multipart", "mixed", "abc"},
      {"multipart/mixed; boundary*0=abc", "multipart", "mixed", "abc"},
      {"multipart/mixed; boundary*1=\"d e\"; boundary*0=\"abc \"", "multipart", "mixed", "abc d e"},
      {"multipart/mixed; boundary*0*=''a%2; x=y; BOUNDARY*1*=%41; boundary*2=%42", "multipart", "mixed", "a%2A%42"},
      {"multipart/mixed; boundary*0=a; boundary*2=c", "multipart", "mixed", "a"},
      {"multipart/mixed; boundary*1=b", "multipart", "mixed", ""},
      {"multipart/mixed; boundary*x=b; boundary*999=c", "multipart", "mixed", ""},
      {"multipart/mixed; boundary=abc; boundary*=''abc", "multipart", "mixed", "abc"},
      {"multipart/mixed; boundary=abc; boundary*=''def", "multipart", "mixed", ""}, // programs differ
      {"/;=;=/", "text", "plain", ""},
      {"((((", "text", "plain", ""},
  };
  for (const auto& c : cases) {
    const ContentType type = parse_content_type(c.value);
    EXPECT_EQ(type.type, c.type) << c.value;
    EXPECT_EQ(type.subtype, c.subtype) << c.value;
    EXPECT_EQ(type.boundary, c.boundary) << c.value;
  }
  EXPECT_EQ(parse_content_type("multipart/report; report-type=Delivery-Status").report_type, "delivery-status");
  EXPECT_EQ(parse_content_type("text/plain; charset=\"UTF-8\"").charset, "utf-8");
  EXPECT_EQ(parse_content_type("text/plain; charset*=''UTF-8").charset, "utf-8");
  EXPECT_EQ(parse_content_type("multipart/report; report-type*0=delivery-; report-type*1=status").report_type,
            "delivery-status");
}

TEST(ContentType, FirstToken) {
  EXPECT_EQ(first_token(" (c) 8BIT (d)"), "8bit");
  EXPECT_EQ(first_token("\"base64\""), "base64");
  EXPECT_EQ(first_token(""), "");
  EXPECT_EQ(first_token("(open"), "");
}

} // namespace
} // namespace paquebot::mail
