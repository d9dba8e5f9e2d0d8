#include "delivery/host_book.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using namespace std::chrono_literals;

const mail::Told kLeaving = mail::Told::by({421, {4, 3, 2}, "going"});

TEST(HostBook, TwiceInARowRests) {
  HostBook book;
  const HostBook::Time now(100h), until = now + 4min;
  EXPECT_FALSE(book.doubtful("a", now));
  book.broke_off("a", 1, kLeaving, now, until);
  EXPECT_TRUE(book.doubtful("a", now));
  EXPECT_FALSE(book.resting("a", now));
  book.broke_off("a", 1, kLeaving, now, until);
  ASSERT_TRUE(book.resting("a", now));
  EXPECT_EQ(book.resting("a", now)->verdict().text, "going");
  EXPECT_FALSE(book.resting("a", until));
  EXPECT_TRUE(book.doubtful("a", until));
  EXPECT_FALSE(book.resting("b", now));
  EXPECT_FALSE(book.doubtful("a", now + 1h));
  book.broke_off("a", 1, kLeaving, until, until + 4min);
  EXPECT_FALSE(book.resting("a", until)) << "after a rest it counts anew";
}

TEST(HostBook, ThatAHostJudgedAMessageEndsIt) {
  HostBook book;
  const HostBook::Time now(100h);
  book.broke_off("a", 1, kLeaving, now, now + 4min);
  book.worked("a");
  EXPECT_FALSE(book.doubtful("a", now));
  book.broke_off("a", 1, kLeaving, now, now + 4min);
  EXPECT_FALSE(book.resting("a", now));
}

TEST(HostBook, WhatMayBeTheMessagesFaultIsNoStrike) {
  HostBook book;
  const HostBook::Time now(100h);
  for (int i = 0; i < 5; ++i) book.broke_off("a", 0, kLeaving, now, now + 4min);
  EXPECT_FALSE(book.resting("a", now));
  EXPECT_TRUE(book.doubtful("a", now));
}

TEST(HostBook, WhoTurnsAwayRestsAtOnceUntilAnOperatorWantsOtherwise) {
  HostBook book;
  const HostBook::Time now(100h);
  book.turned_away("a", kLeaving, now, now + 4min);
  EXPECT_TRUE(book.resting("a", now));
  book.wake_all();
  EXPECT_FALSE(book.resting("a", now));
  EXPECT_TRUE(book.doubtful("a", now)) << "others go first all the same";
}

TEST(HostBook, IsBoundedAndForgetsTheOldest) {
  HostBook book(10);
  HostBook::Time now(100h);
  for (int i = 0; i < 100; ++i, now += 1s) book.broke_off(std::to_string(i), 1, kLeaving, now, now + 4min);
  EXPECT_EQ(book.size(), 10u);
  EXPECT_FALSE(book.doubtful("89", now));
  EXPECT_TRUE(book.doubtful("90", now));
  now += 2h;
  book.broke_off("x", 1, kLeaving, now, now + 4min);
  EXPECT_EQ(book.size(), 1u);
}

} // namespace
} // namespace paquebot::delivery
