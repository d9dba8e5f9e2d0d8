#include "smtp/grammar.h"
#include "smtp/orcpt.h"

#include <gtest/gtest.h>

namespace paquebot::smtp {
namespace {

const Offers kAllParameters{true, true, true, 1000};

/// A compact form of what was read, or the code of the refusal.
std::string mail_of(std::string_view arguments, const Offers& offers = kAllParameters) {
  const auto sender = parse_mail(arguments, offers);
  if (!sender) return std::string(sender.error().substr(0, 9));
  std::string out = "<" + sender->reverse_path.to_string() + ">";
  if (sender->declared_size != 0) out += " size=" + std::to_string(sender->declared_size);
  if (sender->body == mail::BodyType::eight_bit) out += " 8bit";
  if (sender->smtputf8) out += " utf8";
  if (sender->ret == mail::Ret::full) out += " full";
  if (sender->ret == mail::Ret::headers) out += " headers";
  if (!sender->envid.empty()) out += " envid=" + sender->envid;
  return out;
}

std::string rcpt_of(std::string_view arguments, const Offers& offers = kAllParameters) {
  const auto recipient = parse_rcpt(arguments, offers);
  if (!recipient) return std::string(recipient.error().substr(0, 9));
  std::string out = "<" + recipient->address.to_string() + ">";
  if (recipient->notify != 0) out += " notify=" + std::to_string(recipient->notify);
  if (!recipient->orcpt.empty()) out += " orcpt=" + recipient->orcpt;
  return out;
}

struct Case {
  std::string_view arguments, expected;
};

TEST(SmtpGrammar, Mail) {
  const std::string envid100(100, 'e');
  const std::string with100 = "FROM:<> ENVID=" + envid100, with101 = with100 + "e", read100 = "<> envid=" + envid100;
  const Case cases[] = {
      {"FROM:<a@b.example>", "<a@b.example>"},
      {"from:<>", "<>"},
      {"FROM: <a@b.example>", "<a@b.example>"},
      {"FROM:<a@B.Example>  SIZE=7  BODY=8BITMIME ", "<a@b.example> size=7 8bit"},
      {"FROM:<a@b.example> SMTPUTF8 RET=full ENVID=x+2By", "<a@b.example> utf8 full envid=x+y"},
      {"FROM:<a@b.example> RET=HDRS AUTH=c+40d", "<a@b.example> headers"},
      {"FROM:<j\xC3\xB6@b.example> SMTPUTF8", "<j\xC3\xB6@b.example> utf8"},
      {"FROM:<j\xC3\xB6@b.example>", "553 5.6.7"},
      {"FROM:<a@b\xC3\xBC.example>", "553 5.6.7"},
      {"FROM:<\"a b\"@b.example> SIZE=0", "<\"a b\"@b.example>"},
      {"FROM:<\"a>b\"@b.example> SIZE=1", "<\"a>b\"@b.example> size=1"},
      {"FROM:<a@b.example> SIZE=1000", "<a@b.example> size=1000"},
      {"FROM:<a@b.example> SIZE=1001", "552 5.3.4"},
      {"FROM:<a@b.example> SIZE=99999999999999999999", "552 5.3.4"},
      {"FROM:<a@b.example> SIZE=999999999999999999999", "501 5.5.4"},
      {"FROM:<a@b.example> SIZE=-1", "501 5.5.4"},
      {"FROM:<a@b.example> SIZE=", "501 5.5.4"},
      {"FROM:<a@b.example> BODY=9BIT", "501 5.5.4"},
      {"FROM:<a@b.example> body=7bit BODY=7BIT", "501 5.5.4"},
      {"FROM:<a@b.example> ENVID=a+2", "501 5.5.4"},
      {"FROM:<a@b.example> ENVID=a+0A", "501 5.5.4"},
      {with100, read100},
      {with101, "501 5.5.4"},
      {"FROM:<a@b.example> AUTH=a=b", "501 5.5.4"},
      {"FROM:<a@b.example> X=1", "555 5.5.4"},
      {"FROM:<a@b.example> =", "555 5.5.4"},
      {"FROM:<a@b.example>x", "501 5.1.7"},
      {"FROM:a@b.example", "501 5.1.7"},
      {"FROM:", "501 5.1.7"},
      {"FRM:<a@b.example>", "501 5.5.4"},
      {"", "501 5.5.4"},
  };
  for (const auto& c : cases) EXPECT_EQ(mail_of(c.arguments), c.expected) << c.arguments;
  EXPECT_EQ(mail_of("FROM:<a@b.example> SIZE=1", Offers{}), "555 5.5.4");
  EXPECT_EQ(mail_of("FROM:<a@b.example> AUTH=<>", Offers{.extended = true}), "555 5.5.4");
  EXPECT_EQ(mail_of("FROM:<a@b.example> SIZE=1001", Offers{.extended = true}), "<a@b.example> size=1001");
}

TEST(SmtpGrammar, Rcpt) {
  const Case cases[] = {
      {"TO:<a@b.example>", "<a@b.example>"},
      {"TO:<Postmaster>", "<postmaster>"},
      {"TO:<@x.example:a@b.example>", "<a@b.example>"},
      {"TO:<a@b.example> NOTIFY=never", "<a@b.example> notify=1"},
      {"TO:<a@b.example> NOTIFY=success,FAILURE,delay", "<a@b.example> notify=14"},
      {"TO:<a@b.example> ORCPT=rfc822;A+2Bx@b.example", "<a@b.example> orcpt=rfc822;A+x@b.example"},
      {"TO:<a@b.example> ORCPT=utf-8;j\\x{FC}@b.example", "<a@b.example> orcpt=utf-8;j\xC3\xBC@b.example"},
      {"TO:<j\xC3\xBC@b.example>", "<j\xC3\xBC@b.example>"},
      {"TO:<a@b.example> NOTIFY=NEVER,SUCCESS", "501 5.5.4"},
      {"TO:<a@b.example> NOTIFY=", "501 5.5.4"},
      {"TO:<a@b.example> NOTIFY=SUCCESS,", "501 5.5.4"},
      {"TO:<a@b.example> NOTIFY", "501 5.5.4"},
      {"TO:<a@b.example> ORCPT=a@b.example", "501 5.5.4"},
      {"TO:<a@b.example> ORCPT=rfc822;", "501 5.5.4"},
      {"TO:<a@b.example> ORCPT=rfc822;a+0Ab", "501 5.5.4"},
      {"TO:<a@b.example> ORCPT=utf-8;j\\x{FC", "501 5.5.4"},
      {"TO:<a@b.example> ORCPT=utf-8;j\\x{0A}x", "501 5.5.4"},
      {"TO:<a@b.example> ORCPT=utf-8;j\\x{D800}x", "501 5.5.4"},
      {"TO:<>", "501 5.1.3"},
      {"TO:<a>", "501 5.1.3"},
      {"TO:a@b.example", "501 5.1.3"},
      {"FROM:<a@b.example>", "501 5.5.4"},
  };
  for (const auto& c : cases) EXPECT_EQ(rcpt_of(c.arguments), c.expected) << c.arguments;
  EXPECT_EQ(rcpt_of("TO:<j\xC3\xBC@b.example>", Offers{.extended = true}), "553 5.6.7");
  EXPECT_EQ(rcpt_of("TO:<a@b.example> NOTIFY=NEVER", Offers{}), "555 5.5.4");
}

TEST(SmtpGrammar, HeloName) {
  for (const std::string_view fine : {"x", "mail.example", "[192.0.2.1]", "under_score", "-", "trailing "})
    EXPECT_TRUE(parse_helo_name(fine)) << fine;
  for (const std::string_view bad : {"", " ", "two words", "j\xC3\xB6.example"})
    EXPECT_FALSE(parse_helo_name(bad)) << bad;
  EXPECT_TRUE(parse_helo_name(std::string(255, 'x')));
  EXPECT_FALSE(parse_helo_name(std::string(256, 'x')));
}

TEST(SmtpGrammar, OrcptGoesBothWays) {
  for (const std::string_view one :
       {"rfc822;a@b.example", "rfc822;a+x=y@b.example", "utf-8;j\xC3\xBC\xE4\xB8\xAD\xF0\x9F\x98\x80@b.example",
        "utf-8;a\\+=b@c.example", "x400;with space"}) {
    EXPECT_EQ(decode_orcpt(encode_orcpt(one)), std::string(one));
  }
  EXPECT_EQ(encode_orcpt("utf-8;j\xC3\xBC+x"), "utf-8;j\\x{FC}\\x{2B}x");
  EXPECT_FALSE(decode_orcpt("rfc822;" + std::string(500, 'a')));
}

} // namespace
} // namespace paquebot::smtp
