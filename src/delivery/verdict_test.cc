#include "delivery/verdict.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using store::Owed;
using store::State;

TEST(Verdict, RepliesDecideAndLifetimeEnds) {
  queue::Schedule schedule; // notice after 4 hours
  constexpr std::int64_t hour = 3600 * 1000;
  store::MessageFacts message{.accepted_at = 0, .expires_at = 100 * hour};
  message.sender.reverse_path = {"s", "example.net"};
  struct Case {
    std::uint16_t code;
    std::int64_t now;
    std::uint8_t notify;
    bool told, dsn;
    State state;
    Owed owed;
  } cases[] = {
      {250, 1, 0, false, false, State::relayed, Owed::none},
      {250, 1, mail::kNotifySuccess, false, false, State::relayed, Owed::success},
      {250, 1, mail::kNotifySuccess, false, true, State::relayed, Owed::none},
      {251, 1, 0, false, false, State::relayed, Owed::none},
      {550, 1, 0, false, false, State::failed, Owed::failure},
      {550, 1, mail::kNotifyNever, false, false, State::failed, Owed::none},
      {450, 1, 0, false, false, State::waiting, Owed::none},
      {450, 5 * hour, 0, false, false, State::waiting, Owed::delay},
      {450, 5 * hour, 0, true, false, State::waiting, Owed::none},
      {450, 5 * hour, mail::kNotifyFailure, false, false, State::waiting, Owed::none},
      {450, 100 * hour, 0, false, false, State::failed, Owed::failure},
  };
  for (const auto& c : cases) {
    mail::Reply reply(c.code, {}, "text");
    store::RecipientFacts recipient{.index = 3, .notify = c.notify, .delay_reported = c.told};
    auto outcome = verdict({.message = &message,
                            .recipient = &recipient,
                            .reply = &reply,
                            .host = "mx",
                            .dsn_handed_on = c.dsn,
                            .now = c.now,
                            .retry_at = c.now + hour,
                            .schedule = &schedule});
    EXPECT_EQ(outcome.to, c.state) << c.code << " at " << c.now;
    EXPECT_EQ(outcome.owed, c.owed) << c.code << " at " << c.now;
    EXPECT_EQ(outcome.index, 3u);
    EXPECT_NE(outcome.reply.find("mx said: " + std::to_string(c.code)), std::string::npos);
  }
}

TEST(Told, ComesBackAsItWasWritten) {
  struct Case {
    const char* host;
    mail::Reply reply;
  } cases[] = {{"mx.example [192.0.2.1]:25 (TLSv1.3)", mail::Reply(550, {5, 1, 1}, "no such user")},
               {"", mail::Reply(451, {4, 4, 1}, "no connection")},
               {"h", mail::Reply(250, {}, "Ok: he said: yes")}};
  for (const auto& c : cases) {
    Told told = read_told(write_told(c.host, c.reply));
    EXPECT_EQ(told.host, c.host);
    EXPECT_EQ(told.reply.code, c.reply.code);
    EXPECT_EQ(told.reply.enhanced, c.reply.enhanced);
    EXPECT_EQ(told.reply.text, c.reply.text);
  }
  EXPECT_EQ(read_told("gibberish").reply.code, 0);
  EXPECT_EQ(read_told("").reply.text, "");
}

TEST(Verdict, TheLastAttemptIsAtTheEndOfLife) {
  queue::Schedule schedule;
  store::MessageFacts message{.expires_at = 1000};
  store::RecipientFacts recipient;
  mail::Reply reply(451, {4, 0, 0}, "later");
  auto outcome = verdict({.message = &message,
                          .recipient = &recipient,
                          .reply = &reply,
                          .now = 900,
                          .retry_at = 5000,
                          .schedule = &schedule});
  EXPECT_EQ(outcome.due, 1000);
}

} // namespace
} // namespace paquebot::delivery
