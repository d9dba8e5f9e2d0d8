#include "mail/received.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

using testing::HasSubstr;
using testing::Not;

Arrival full_arrival() {
  Arrival a;
  a.helo = "client.example";
  a.peer_ip = "192.0.2.1";
  a.peer_name = "rdns.example";
  a.host = "mx.example.org";
  a.extended = a.tls = true;
  a.tls_version = "TLSv1.3";
  a.tls_cipher = "TLS_AES_256_GCM_SHA384";
  a.id = "01JABCDEFGHJKMNPQRSTVWXYZ0";
  a.recipient = Address{"user", "example.org"};
  a.when = from_millis(1795435092000);
  return a;
}

TEST(Received, Full) {
  EXPECT_EQ(compose_received(full_arrival()),
            "Received: from client.example (rdns.example [192.0.2.1]) by mx.example.org\r\n"
            "\twith ESMTPS (TLSv1.3) id 01JABCDEFGHJKMNPQRSTVWXYZ0\r\n"
            "\tfor <user@example.org> tls TLS_AES_256_GCM_SHA384;\r\n"
            "\tMon, 23 Nov 2026 11:58:12 +0000\r\n");
}

TEST(Received, Least) {
  Arrival a;
  a.host = "h.example";
  a.when = from_millis(0);
  EXPECT_EQ(compose_received(a), "Received: by h.example; Thu, 1 Jan 1970 00:00:00 +0000\r\n");
  a.peer_ip = "2001:db8::1";
  EXPECT_EQ(compose_received(a), "Received: from unknown ([IPv6:2001:db8::1]) by h.example with SMTP;\r\n"
                                 "\tThu, 1 Jan 1970 00:00:00 +0000\r\n");
}

TEST(Received, TransmissionTypes) {
  const struct {
    bool extended, lmtp, tls, auth, utf8;
    std::string_view wanted;
  } cases[] = {
      {false, false, false, false, false, "SMTP"},   {false, false, true, true, false, "SMTP"},
      {true, false, false, false, false, "ESMTP"},   {true, false, true, false, false, "ESMTPS"},
      {true, false, false, true, false, "ESMTPA"},   {true, false, true, true, false, "ESMTPSA"},
      {true, true, false, false, false, "LMTP"},     {true, true, true, false, false, "LMTPS"},
      {true, true, false, true, false, "LMTPA"},     {true, true, true, true, false, "LMTPSA"},
      {true, false, false, false, true, "UTF8SMTP"}, {true, false, true, false, true, "UTF8SMTPS"},
      {true, false, false, true, true, "UTF8SMTPA"}, {true, false, true, true, true, "UTF8SMTPSA"},
      {true, true, false, false, true, "UTF8LMTP"},  {true, true, true, false, true, "UTF8LMTPS"},
      {true, true, false, true, true, "UTF8LMTPA"},  {true, true, true, true, true, "UTF8LMTPSA"},
  };
  for (const auto& c : cases) {
    Arrival a;
    a.extended = c.extended;
    a.lmtp = c.lmtp;
    a.tls = c.tls;
    a.authenticated = c.auth;
    a.smtputf8 = c.utf8;
    EXPECT_EQ(transmission_type(a), c.wanted);
  }
}

TEST(Received, NothingFromOutsideBreaksTheField) {
  Arrival a = full_arrival();
  a.helo = "evil)\r\nBcc: x\r\n\r\n(\0;é" + std::string(5000, 'x');
  a.peer_name = "a)b";
  a.tls_cipher = "x\r\ny";
  const std::string field = compose_received(a);
  EXPECT_EQ(Head::parse(field + "\r\n")->fields().size(), 1U);
  EXPECT_THAT(field, HasSubstr("from evil???Bcc:?x????"));
  EXPECT_THAT(field, Not(HasSubstr("\r\nBcc")));
  EXPECT_LT(field.size(), 900U);
}

TEST(Received, InternationalRecipientOnlyWithSmtputf8) {
  Arrival a = full_arrival();
  a.recipient = Address{"jörg", "example.org"};
  EXPECT_THAT(compose_received(a), Not(HasSubstr("jörg")));
  a.smtputf8 = true;
  EXPECT_THAT(compose_received(a), HasSubstr("for <jörg@example.org>"));
}

TEST(Received, Count) { EXPECT_EQ(count_received(*Head::parse("Received: a\r\nX: b\r\nRECEIVED: c\r\n\r\n")), 2U); }

TEST(Received, TellsThePriority) {
  Arrival arrival;
  arrival.host = "mx.example";
  arrival.id = "X";
  EXPECT_EQ(compose_received(arrival).find("PRIORITY"), std::string::npos);
  arrival.priority = -4;
  EXPECT_NE(compose_received(arrival).find("id X PRIORITY -4;"), std::string::npos) << compose_received(arrival);
}

} // namespace
} // namespace paquebot::mail
