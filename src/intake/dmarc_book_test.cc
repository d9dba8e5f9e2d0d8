#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "intake/dmarc_book.h"
#include "mailauth/dmarc_row.h"
#include "store/wrapped_store.h"

#include <gtest/gtest.h>

namespace paquebot::intake {
namespace {

using directory::run_task;

Task<bool> finish(Task<void> task) {
  co_await std::move(task);
  co_return true;
}

constexpr std::int64_t kDay = 24LL * 3600 * 1000;

class DmarcBookTest : public testing::Test {
protected:
  DmarcBookTest() : store_(open()), book_(store_->books(), clock_) { book_.configure(true); }

  std::unique_ptr<store::Store> open() {
    auto opened = store::open_store(home_.path().string());
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
  static mailauth::DmarcOutcome outcome(const std::string& record, const std::string& domain = "a.test") {
    mailauth::DmarcOutcome dmarc;
    dmarc.policy_domain = domain;
    dmarc.record = mailauth::parse_dmarc_record(record);
    return dmarc;
  }
  static mailauth::DmarcReport::Row row(const std::string& source) {
    mailauth::DmarcReport::Row row;
    row.source_ip = source;
    row.header_from = "a.test";
    return row;
  }
  std::vector<store::DmarcDue> kept() {
    run_task(finish(book_.flush()));
    return run_task(store_->books().list_dmarc(INT64_MAX, {}, 1000)).value();
  }

  directory::TestDirectory home_;
  FakeClock clock_;
  std::unique_ptr<store::Store> store_;
  DmarcBook book_;
};

const std::string kWanted = "v=DMARC1; p=reject; rua=mailto:rua@a.test";

TEST_F(DmarcBookTest, WhatIsAlikeIsOneRow) {
  for (int i = 0; i < 3; ++i) book_.count(outcome(kWanted), row("192.0.2.1"));
  book_.count(outcome(kWanted), row("192.0.2.2"));
  const auto due = kept();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].of.domain, "a.test");
  EXPECT_EQ(due[0].of.day % kDay, 0);
  EXPECT_EQ(due[0].policy, kWanted);
  book_.count(outcome(kWanted), row("192.0.2.1"));
  EXPECT_EQ(kept()[0].rows, 2u);
  const auto rows = run_task(store_->books().read_dmarc(due[0].of, std::nullopt, 10)).value();
  EXPECT_EQ(rows[0].count, 4u);
  EXPECT_EQ(mailauth::unpack_dmarc_row(rows[0].detail)->header_from, "a.test");
}

TEST_F(DmarcBookTest, OnlyWhoWantsReportsIsCounted) {
  book_.count(outcome("v=DMARC1; p=reject"), row("192.0.2.1"));
  book_.count(outcome("nothing"), row("192.0.2.1"));
  book_.count(outcome(kWanted, ""), row("192.0.2.1"));
  book_.configure(false);
  book_.count(outcome(kWanted), row("192.0.2.1"));
  EXPECT_TRUE(kept().empty());
}

TEST_F(DmarcBookTest, DaysAreKeptApart) {
  book_.count(outcome(kWanted), row("192.0.2.1"));
  clock_.advance(std::chrono::hours(24));
  book_.count(outcome(kWanted), row("192.0.2.1"));
  EXPECT_EQ(kept().size(), 2u);
}

TEST_F(DmarcBookTest, MemoryIsBounded) {
  for (std::size_t i = 0; i < DmarcBook::kMostRows + 10; ++i)
    book_.count(outcome(kWanted, "d" + std::to_string(i / 100) + ".test"), row(std::to_string(i)));
  std::uint64_t rows = 0;
  for (const auto& due : kept()) rows += due.rows;
  EXPECT_EQ(rows, DmarcBook::kMostRows);
}

TEST_F(DmarcBookTest, AStoreThatFailsIsNoReasonToStop) {
  class Broken : public store::Wrapped<store::WrappedBooks> {
  public:
    using Wrapped::Wrapped;
    Task<Result<std::uint64_t>> count_dmarc(std::vector<store::DmarcCount>) override {
      co_return fail(Errc::io, "broken");
    }
  } broken(*store_);
  DmarcBook book(broken, clock_);
  book.configure(true);
  book.count(outcome(kWanted), row("192.0.2.1"));
  run_task(finish(book.flush()));
  EXPECT_TRUE(kept().empty());
}

} // namespace
} // namespace paquebot::intake
