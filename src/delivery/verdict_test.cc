#include "delivery/verdict.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using store::Owed;
using store::State;

/// What the peer said.
mail::Told by_mx(mail::Reply reply) {
  reply.heard = true;
  return mail::Told::by(std::move(reply), "mx", "mx");
}

store::MessageFacts living_until(std::int64_t expires_at) {
  store::MessageFacts message;
  message.expires_at = expires_at;
  return message;
}

store::RecipientFacts recipient_with(std::uint8_t notify, std::uint32_t index = 0) {
  store::RecipientFacts recipient;
  recipient.notify = notify;
  recipient.index = index;
  return recipient;
}

TEST(Verdict, AnOperatorsSuspensionIsNoDelay) {
  queue::Schedule schedule;
  const std::int64_t notice = std::chrono::milliseconds(schedule.delay_notice).count();
  ASSERT_GT(notice, 0);
  auto message = living_until(100 * notice);
  message.sender.reverse_path = {"s", "example.net"};
  const auto recipient = recipient_with(mail::kNotifyUnspecified);
  const mail::Told later = by_mx({450, {4, 2, 1}, "later"});
  const auto owed = [&](std::int64_t now, std::int64_t free_since) {
    return verdict({.message = &message,
                    .recipient = &recipient,
                    .told = &later,
                    .now = now,
                    .free_since = free_since,
                    .schedule = &schedule})
        .owed;
  };
  EXPECT_EQ(owed(notice, 0), Owed::delay);
  EXPECT_EQ(owed(2 * notice, notice + 1), Owed::none);
  EXPECT_EQ(owed(2 * notice, notice), Owed::delay);
}

TEST(Verdict, WhatWasNotTakenHasAClass) {
  queue::Schedule schedule;
  const auto message = living_until(1000);
  const auto recipient = recipient_with(0);
  const auto class_at = [&](const mail::Told& told, std::int64_t now) {
    return verdict({.message = &message, .recipient = &recipient, .told = &told, .now = now, .schedule = &schedule})
        .bounce;
  };
  using enum mail::BounceClass;
  EXPECT_EQ(class_at(by_mx({250, {}, "ok"}), 1), none);
  EXPECT_EQ(class_at(by_mx({550, {5, 1, 1}, "no"}), 1), no_such_user);
  EXPECT_EQ(class_at(by_mx({451, {4, 7, 1}, "Greylisted"}), 1), greylist);
  EXPECT_EQ(class_at(by_mx({451, {4, 7, 1}, "Greylisted"}), 1000), expired);
  EXPECT_EQ(class_at(by_mx({452, {4, 2, 2}, "full"}), 1000), full) << "that is why its time is over";
  EXPECT_EQ(class_at(mail::Told::by({451, {4, 4, 1}, "no connection"}), 1), network);
  EXPECT_EQ(class_at(mail::Told::by({451, {4, 4, 1}, "no connection"}), 1000), expired);
}

TEST(Verdict, RepliesDecideAndLifetimeEnds) {
  queue::Schedule schedule; // notice after 4 hours
  constexpr std::int64_t hour = 3600 * 1000;
  auto message = living_until(100 * hour);
  message.sender.reverse_path = {"s", "example.net"};
  struct Case {
    std::uint16_t code;
    std::int64_t now;
    std::uint8_t notify;
    bool noticed, dsn;
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
    const mail::Told told = by_mx({c.code, {}, "text"});
    auto recipient = recipient_with(c.notify, 3);
    recipient.delay_reported = c.noticed;
    auto outcome = verdict({.message = &message,
                            .recipient = &recipient,
                            .told = &told,
                            .dsn_handed_on = c.dsn,
                            .now = c.now,
                            .retry_at = c.now + hour,
                            .schedule = &schedule});
    EXPECT_EQ(outcome.to, c.state) << c.code << " at " << c.now;
    EXPECT_EQ(outcome.owed, c.owed) << c.code << " at " << c.now;
    EXPECT_EQ(outcome.index, 3u);
    EXPECT_EQ(outcome.reply.to_string(), "mx said: " + std::to_string(c.code) + " text");
  }
}

TEST(Verdict, TheLastAttemptIsAtTheEndOfLife) {
  queue::Schedule schedule;
  auto message = living_until(1000);
  store::RecipientFacts recipient;
  const mail::Told told = by_mx({451, {4, 0, 0}, "later"});
  auto outcome = verdict({.message = &message,
                          .recipient = &recipient,
                          .told = &told,
                          .now = 900,
                          .retry_at = 5000,
                          .schedule = &schedule});
  EXPECT_EQ(outcome.due, 1000);
}

TEST(Verdict, AnEndOfLifeThatOnlyADoubtedClockHasReachedIsNoTimeToTryAgain) {
  queue::Schedule schedule;
  auto message = living_until(1000);
  store::RecipientFacts recipient;
  const mail::Told told = by_mx({450, {4, 2, 0}, "later"});
  const auto outcome = verdict({.message = &message,
                                .recipient = &recipient,
                                .told = &told,
                                .now = 900,
                                .wall = 500'000,
                                .retry_at = 510'000,
                                .schedule = &schedule});
  EXPECT_EQ(outcome.to, State::waiting);
  EXPECT_EQ(outcome.due, 510'000);
  EXPECT_EQ(next_attempt(510'000, 1000, 1000), 1000);
}

constexpr std::int64_t kHour = 3600 * 1000;

store::MessageFacts with_by(mail::DeliverBy::Mode mode, std::int64_t at) {
  auto message = living_until(100 * kHour);
  message.sender.reverse_path = {"s", "example.net"};
  message.sender.deliver_by = {.mode = mode, .at = at};
  return message;
}

/// RFC 2852 section 4.1.3.
TEST(Overdue, ReturnsOrNotifiesOnce) {
  using enum mail::DeliverBy::Mode;
  auto recipient = recipient_with(0, 2);
  recipient.due = 9 * kHour;
  recipient.last_reply = by_mx({450, {4, 2, 0}, "busy"});
  const auto message = with_by(give_back, kHour);
  EXPECT_FALSE(is_overdue(message, kHour - 1));
  EXPECT_TRUE(is_overdue(message, kHour));
  auto back = overdue(message, recipient);
  EXPECT_EQ(back.to, State::failed);
  EXPECT_EQ(back.owed, Owed::failure);
  EXPECT_TRUE(back.deadline_met);
  EXPECT_FALSE(back.attempted);
  EXPECT_EQ(back.reply.to_string(), "554 5.4.7 delivery time expired; mx said: 450 4.2.0 busy");
  EXPECT_EQ(back.reply.own.text, "delivery time expired");
  EXPECT_EQ(back.reply.peer.text, "busy");
  const auto noticed = with_by(mail::DeliverBy::Mode::notify, kHour);
  EXPECT_FALSE(is_overdue(noticed, 2 * kHour));
  auto notice = overdue(noticed, recipient);
  EXPECT_EQ(notice.to, State::waiting);
  EXPECT_EQ(notice.due, 9 * kHour);
  EXPECT_EQ(notice.owed, Owed::delay);
  EXPECT_EQ(notice.reply.to_string().substr(0, 9), "450 4.4.7");
  recipient.notify = mail::kNotifyNever;
  EXPECT_EQ(overdue(noticed, recipient).owed, Owed::none);
  EXPECT_EQ(overdue(message, recipient).owed, Owed::none);
  recipient.notify = mail::kNotifyFailure;
  EXPECT_EQ(overdue(noticed, recipient).owed, Owed::none);
}

TEST(Verdict, NoticesWaitForTheTimeThatTheSenderNamed) {
  queue::Schedule schedule; // notice after 4 hours
  const mail::Told told = by_mx({450, {}, "later"});
  const store::RecipientFacts recipient{};
  const auto owed = [&](const store::MessageFacts& message, std::int64_t now) {
    return verdict({.message = &message,
                    .recipient = &recipient,
                    .told = &told,
                    .now = now,
                    .retry_at = now + 1,
                    .schedule = &schedule})
        .owed;
  };
  auto message = with_by(mail::DeliverBy::Mode::notify, 10 * kHour);
  EXPECT_EQ(owed(message, 5 * kHour), Owed::none);
  message.sender.deliver_by = {};
  EXPECT_EQ(owed(message, 5 * kHour), Owed::delay);
  message.sender.hold.until = 3 * kHour; // it has been on its way for two hours
  EXPECT_EQ(owed(message, 5 * kHour), Owed::none);
  EXPECT_EQ(owed(message, 7 * kHour), Owed::delay);
}

TEST(Verdict, ARelayIsToldWhereByGoesNoFurther) {
  queue::Schedule schedule;
  const mail::Told told = by_mx({250, {}, "ok"});
  const auto message = with_by(mail::DeliverBy::Mode::notify, kHour);
  for (const auto& [notify, owed] : {std::pair<std::uint8_t, Owed>{0, Owed::success},
                                     {mail::kNotifyFailure, Owed::success},
                                     {mail::kNotifyNever, Owed::none}}) {
    auto recipient = recipient_with(notify);
    auto outcome = verdict({.message = &message,
                            .recipient = &recipient,
                            .told = &told,
                            .dsn_handed_on = true,
                            .tell_relayed = true,
                            .schedule = &schedule});
    EXPECT_EQ(outcome.owed, owed);
  }
}

} // namespace
} // namespace paquebot::delivery
