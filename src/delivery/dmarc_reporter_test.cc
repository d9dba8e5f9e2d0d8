#include "base/encoding.h"
#include "base/fake_clock.h"
#include "delivery/dmarc_reporter.h"
#include "directory/test_server.h"
#include "dns/fake_zone.h"
#include "mailauth/dmarc_report.h"
#include "mailauth/dmarc_row.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using directory::run_task;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kDay = 24LL * 3600 * 1000;

Task<bool> finish(Task<void> task) {
  co_await std::move(task);
  co_return true;
}

class DmarcReporterTest : public testing::Test {
protected:
  DmarcReporterTest() : queue_(server_.store(), clock_, {}) {
    server_.domain("ours.test");
    how_ = {true, {"dmarc", "ours.test"}, "Ours & Co", "postmaster@ours.test"};
    day_ = millis(clock_.wall()) / kDay * kDay;
    clock_.advance(std::chrono::hours(26));
    start();
  }

  void start() {
    reporter_ = std::make_unique<DmarcReporter>(queue_, server_.store(), server_.directory(), zone_, ids_, clock_,
                                                "mx.ours.test");
  }
  void count(const std::string& domain, const std::string& rua, std::int64_t day,
             const std::string& source = "192.0.2.1", std::uint64_t number = 1) {
    mailauth::DmarcReport::Row row;
    row.disposition = "reject";
    row.dkim = row.spf = "fail";
    row.header_from = domain;
    store::DmarcCount count{
        {day, domain}, "v=DMARC1; p=reject; rua=" + rua, {source, mailauth::pack_dmarc_row(row, 2048), number}};
    std::vector<store::DmarcCount> counts{count};
    ASSERT_EQ(run_task(server_.store().books().count_dmarc(counts)), 0u);
  }
  void round() { run_task(finish(reporter_->round(how_))); }
  std::vector<store::WorkItem> queued() {
    return run_task(server_.store().queue().list({}, std::nullopt, 100)).value();
  }
  std::vector<std::string> recipients() {
    std::vector<std::string> out;
    for (const auto& item : queued())
      for (const auto& row : item.recipients) out.push_back(row.address);
    std::ranges::sort(out);
    return out;
  }
  std::size_t kept() { return run_task(server_.store().books().list_dmarc(INT64_MAX, {}, 1000)).value().size(); }
  mailauth::DmarcReport read(const store::MessageFacts& message) {
    std::string body = run_task(server_.store().content().read_body(message.body, 0, 1 << 20)).value();
    const auto start = body.find("\r\n\r\n", body.find("application/gzip")) + 4;
    std::string text = body.substr(start, body.find("--", start) - start);
    std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
    return mailauth::parse_dmarc_report(base64_decode(text).value()).value();
  }

  directory::TestServer server_;
  FakeClock clock_;
  UlidSource ids_{clock_};
  queue::Queue queue_;
  std::shared_ptr<dns::FakeZone> zone_ = dns::FakeZone::parse(R"(
_dmarc.a.test TXT "v=DMARC1; p=none"
a.test._report._dmarc.b.test TXT "v=DMARC1"
_dmarc.broken.test SERVFAIL
)");
  DmarcSending how_;
  std::int64_t day_ = 0;
  std::unique_ptr<DmarcReporter> reporter_;
};

TEST_F(DmarcReporterTest, OneMessageForADomainAndDay) {
  count("a.test", "mailto:rua@a.test,mailto:x@b.test,mailto:victim@c.test,https://a.test/", day_);
  count("a.test", "mailto:rua@a.test,mailto:x@b.test,mailto:victim@c.test,https://a.test/", day_, "2001:db8::1", 4);
  round();
  EXPECT_THAT(recipients(), ElementsAre("rua@a.test", "x@b.test")) << "c.test did not agree to get them";
  EXPECT_EQ(kept(), 0u);
  const auto queue = queued();
  ASSERT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue[0].message.sender.reverse_path.to_string(), "dmarc@ours.test");
  EXPECT_EQ(queue[0].recipients[0].notify, mail::kNotifyNever);
  const auto report = read(queue[0].message);
  EXPECT_EQ(report.org_name, "Ours & Co");
  EXPECT_EQ(report.report_id, queue[0].message.id.to_string());
  EXPECT_EQ(report.begin * 1000, day_);
  EXPECT_EQ(report.end * 1000, day_ + kDay - 1000);
  EXPECT_EQ(report.p, mailauth::DmarcPolicy::reject);
  ASSERT_EQ(report.rows.size(), 2u);
  EXPECT_EQ(report.rows[1].source_ip, "2001:db8::1");
  EXPECT_EQ(report.rows[1].count, 4u);
  EXPECT_EQ(report.rows[1].disposition, "reject");
  round();
  EXPECT_EQ(queued().size(), 1u) << "once";
}

TEST_F(DmarcReporterTest, ADayThatIsNotOverWaits) {
  count("a.test", "mailto:rua@a.test", day_ + kDay);
  round();
  EXPECT_THAT(recipients(), IsEmpty());
  EXPECT_EQ(kept(), 1u);
  clock_.advance(std::chrono::hours(24));
  round();
  EXPECT_THAT(recipients(), ElementsAre("rua@a.test"));
}

TEST_F(DmarcReporterTest, WhatNobodyMayGetIsDropped) {
  count("a.test", "mailto:victim@c.test", day_);
  count("b.test", "mailto:nobody@ours.test", day_);
  round();
  EXPECT_THAT(recipients(), IsEmpty());
  EXPECT_EQ(kept(), 0u);
}

TEST_F(DmarcReporterTest, ADnsThatFailsIsAskedAgainLater) {
  count("a.test", "mailto:rua@broken.test", day_);
  count("b.test", "mailto:rua@b.test", day_);
  round();
  EXPECT_THAT(recipients(), ElementsAre("rua@b.test")) << "the others do not wait for it";
  EXPECT_EQ(kept(), 1u);
  zone_->fail("_dmarc.broken.test", dns::Status::ok);
  dns::Record agreed;
  agreed.text = "v=DMARC1";
  zone_->add("a.test._report._dmarc.broken.test", dns::Type::txt, agreed);
  round();
  EXPECT_EQ(kept(), 1u) << "not at once";
  clock_.advance(std::chrono::hours(1));
  round();
  EXPECT_THAT(recipients(), ElementsAre("rua@b.test", "rua@broken.test"));
}

TEST_F(DmarcReporterTest, OffMeansOff) {
  count("a.test", "mailto:rua@a.test", day_);
  how_.send = false;
  round();
  EXPECT_THAT(recipients(), IsEmpty());
}

TEST_F(DmarcReporterTest, ManyRows) {
  for (int i = 0; i < 1203; ++i) count("a.test", "mailto:rua@a.test", day_, "192.0.2." + std::to_string(i));
  round();
  ASSERT_EQ(queued().size(), 1u);
  EXPECT_EQ(read(queued()[0].message).rows.size(), 1203u);
}

} // namespace
} // namespace paquebot::delivery
