#include "sasl/totp.h"

#include <gtest/gtest.h>

namespace paquebot::sasl {
namespace {

constexpr std::string_view kSecret = "12345678901234567890";

TEST(Totp, CodesOfTheStandard) {
  // RFC 6238 appendix B, SHA-1.
  struct Case {
    std::int64_t seconds;
    const char* code;
  };
  for (const auto& [seconds, code] :
       {Case{59, "94287082"}, Case{1111111109, "07081804"}, Case{1111111111, "14050471"}, Case{1234567890, "89005924"},
        Case{2000000000, "69279037"}, Case{20000000000, "65353130"}})
    EXPECT_EQ(totp_code(kSecret, totp_step(seconds), 8), code) << seconds;
  // RFC 4226 appendix D.
  EXPECT_EQ(totp_code(kSecret, 0), "755224");
  EXPECT_EQ(totp_code(kSecret, 7), "162583");
}

TEST(Totp, ACodeIsGoodOnceAndForAShortWhile) {
  const std::int64_t now = 1111111109;
  const std::int64_t step = totp_step(now);
  const auto code = [&](std::int64_t of) { return totp_code(kSecret, of); };
  EXPECT_EQ(match_totp(kSecret, code(step), now, 0), step);
  EXPECT_EQ(match_totp(kSecret, code(step - 1), now, 0), step - 1) << "typed slowly";
  EXPECT_EQ(match_totp(kSecret, code(step + 1), now, 0), step + 1) << "a clock that is ahead";
  EXPECT_FALSE(match_totp(kSecret, code(step - 2), now, 0));
  EXPECT_FALSE(match_totp(kSecret, code(step + 2), now, 0));
  EXPECT_FALSE(match_totp(kSecret, code(step), now, step)) << "once more";
  EXPECT_FALSE(match_totp(kSecret, code(step - 1), now, step)) << "an older one";
  EXPECT_EQ(match_totp(kSecret, code(step + 1), now, step), step + 1);
  for (const char* wrong : {"", "0", "000000", "0000000"}) EXPECT_FALSE(match_totp(kSecret, wrong, now, 0)) << wrong;
}

TEST(Totp, SecretsAreTypedInLetters) {
  // RFC 4648 section 10, without padding.
  EXPECT_EQ(base32_encode(""), "");
  EXPECT_EQ(base32_encode("f"), "MY");
  EXPECT_EQ(base32_encode("fo"), "MZXQ");
  EXPECT_EQ(base32_encode("foo"), "MZXW6");
  EXPECT_EQ(base32_encode("foob"), "MZXW6YQ");
  EXPECT_EQ(base32_encode("fooba"), "MZXW6YTB");
  EXPECT_EQ(base32_encode("foobar"), "MZXW6YTBOI");
  EXPECT_EQ(base32_encode("\xff\xff\xff\xff\xff"), "77777777");
}

TEST(Totp, AUriSaysItAll) {
  EXPECT_EQ(totp_uri("mx.example.org", "a/nn+x@example.org", "foobar"),
            "otpauth://totp/mx.example.org:a%2Fnn%2Bx@example.org?secret=MZXW6YTBOI&issuer=mx.example.org"
            "&algorithm=SHA1&digits=6&period=30");
}

} // namespace
} // namespace paquebot::sasl
