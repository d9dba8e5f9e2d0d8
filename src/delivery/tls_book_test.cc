#include "delivery/tls_book.h"
#include "delivery/tls_reporter.h"
#include "directory/test_server.h"
#include "dns/fake_zone.h"
#include "net/test_support.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using mailauth::TlsPolicyType;
using mailauth::TlsResult;
using queue::Need;

TEST(TlsSessions, AreToldAsTheRfcCallsThem) {
  const auto sts = std::make_shared<const queue::StsPolicy>(
      queue::StsPolicy{queue::StsMode::testing, {"mx.far.test"}, std::chrono::seconds(1)});
  const Need any, tls{.hop = Need::Encrypted{}},
      dane{.hop = Need::Dane{{"mx.far.test"}, {std::string{3, 1, 1} + "xx"}}};
  struct Case {
    TlsTry one;
    TlsPolicyType type;
    TlsResult result;
  };
  const Case cases[] = {
      {{.need = any, .encrypted = true}, TlsPolicyType::none, TlsResult::success},
      {{.need = any, .missing = true}, TlsPolicyType::none, TlsResult::starttls_not_supported},
      {{.need = any, .broke = true}, TlsPolicyType::none, TlsResult::validation_failure},
      {{.need = any, .encrypted = true, .flaw = net::Flaw::expired}, TlsPolicyType::none, TlsResult::success},
      {{.need = dane, .encrypted = true}, TlsPolicyType::tlsa, TlsResult::success},
      {{.need = dane, .broke = true, .flaw = net::Flaw::tlsa}, TlsPolicyType::tlsa, TlsResult::validation_failure},
      {{.need = dane, .sts = sts, .missing = true}, TlsPolicyType::tlsa, TlsResult::starttls_not_supported},
      {{.need = tls, .tlsa_unusable = true, .encrypted = true}, TlsPolicyType::tlsa, TlsResult::tlsa_invalid},
      {{.need = any, .sts = sts, .encrypted = true, .authentic = true}, TlsPolicyType::sts, TlsResult::success},
      {{.need = any, .sts = sts, .encrypted = true, .flaw = net::Flaw::name},
       TlsPolicyType::sts,
       TlsResult::certificate_host_mismatch},
      {{.need = any, .sts = sts, .broke = true, .flaw = net::Flaw::untrusted},
       TlsPolicyType::sts,
       TlsResult::certificate_not_trusted},
      {{.need = any, .sts = sts, .broke = true, .flaw = net::Flaw::expired},
       TlsPolicyType::sts,
       TlsResult::certificate_expired},
      {{.need = any, .sts = sts, .named = false, .encrypted = true, .authentic = true},
       TlsPolicyType::sts,
       TlsResult::validation_failure},
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    const auto told = sessions_of(cases[i].one);
    ASSERT_TRUE(told) << i;
    EXPECT_EQ(told->policy.type, cases[i].type) << i;
    EXPECT_EQ(told->result, cases[i].result) << i;
  }
  EXPECT_FALSE(sessions_of({.need = any})) << "nothing was heard";
  EXPECT_EQ(sessions_of(cases[4].one)->policy.text, (std::vector<std::string>{"3 1 1 7878"}));
}

/// A clock that is set by hand.
struct DayClock final : Clock {
  std::chrono::milliseconds moved{0};
  Instant now() const override { return system_clock().now(); }
  WallTime wall() const override { return system_clock().wall() + moved; }
};

struct ReportWorld {
  mailauth::TlsSessions sessions(std::uint64_t count = 1, const std::string& mx = "mx.far.test") {
    return {.result = TlsResult::starttls_not_supported, .mx = mx, .count = count};
  }
  static Task<bool> ended(Task<void> task) {
    co_await std::move(task);
    co_return true;
  }
  void end(Task<void> task) { loop.run(ended(std::move(task))); }
  std::size_t due() {
    return loop.run(server.store().books().list_dmarc(INT64_MAX, {.kind = store::DmarcDay::Kind::tls}, 100))->size();
  }
  ~ReportWorld() { loop.run(); }

  directory::TestServer server;
  net::test::Loop loop;
  DayClock clock;
  std::shared_ptr<dns::FakeZone> zone = dns::FakeZone::parse(
      "_smtp._tls.far.test TXT \"v=TLSRPTv1; rua=mailto:r@far.test\"\n_smtp._tls.web.test TXT \"v=TLSRPTv1; "
      "rua=https://web.test/r\"\n_smtp._tls.lame.test TIMEOUT\n");
  TlsBook book{server.store().books(), zone, clock};
};

TEST(TlsBook, WritesForDomainsThatWantReports) {
  ReportWorld world;
  world.book.count("far.test", world.sessions());
  world.end(world.book.flush());
  EXPECT_EQ(world.due(), 0u) << "it is off";
  world.book.configure(true);
  for (const char* domain : {"far.test", "silent.test", "lame.test"}) world.book.count(domain, world.sessions(2));
  world.book.count("far.test", world.sessions(3));
  world.end(world.book.flush());
  ASSERT_EQ(world.due(), 1u);
  const auto due =
      world.loop.run(world.server.store().books().list_dmarc(INT64_MAX, {.kind = store::DmarcDay::Kind::tls}, 100));
  EXPECT_EQ(due->at(0).of.domain, "far.test");
  EXPECT_EQ(world.loop.run(world.server.store().books().read_dmarc(due->at(0).of, std::nullopt, 9))->at(0).count, 5u);
  world.zone->remove("_smtp._tls.lame.test");
  world.zone->add("_smtp._tls.lame.test", dns::Type::txt, {.text = "v=TLSRPTv1; rua=mailto:r@lame.test"});
  world.end(world.book.flush());
  EXPECT_EQ(world.due(), 2u) << "whose DNS failed is asked again";
}

TEST(TlsBook, HoldsSoManyRowsAndNoMore) {
  ReportWorld world;
  world.book.configure(true);
  for (std::size_t n = 0; n < TlsBook::kMostRows + 100; ++n)
    world.book.count("far.test", world.sessions(1, "mx" + std::to_string(n) + ".far.test"));
  world.end(world.book.flush());
  EXPECT_EQ(world.due(), 1u);
}

TEST(TlsReporter, SendsOneReportADayAndForgetsIt) {
  ReportWorld world;
  queue::Queue queue(world.server.store(), system_clock(), {});
  UlidSource ids(world.clock);
  std::vector<std::string> urls, posted;
  unsigned status = 500;
  TlsReporter reporter({queue, world.server.store(), world.server.directory(), ids, world.clock, "mx.example.org",
                        [&](std::string url, std::string packed) -> Task<Result<http::Reply>> {
                          urls.push_back(std::move(url));
                          posted.push_back(std::move(packed));
                          co_return http::Reply{status, {}, ""};
                        }});
  const TlsSending how{true, *mail::parse_address("tls@example.org", false), "we", "tls@example.org"};
  world.book.configure(true);
  world.book.count("far.test", world.sessions());
  world.book.count("web.test", world.sessions());
  world.end(world.book.flush());
  world.end(reporter.round(how));
  EXPECT_EQ(world.due(), 2u) << "the day is not over";
  world.clock.moved += std::chrono::hours(29);
  world.end(reporter.round(how));
  EXPECT_EQ(world.due(), 1u) << "that by mail is on its way";
  EXPECT_EQ(urls, (std::vector<std::string>{"https://web.test/r"}));
  status = 201;
  world.end(reporter.round(how));
  EXPECT_EQ(urls.size(), 1u) << "not again at once";
  world.clock.moved += std::chrono::hours(2);
  world.end(reporter.round(how));
  EXPECT_EQ(world.due(), 0u);
  EXPECT_EQ(posted.size(), 2u);
  world.end(reporter.round(how));
  EXPECT_EQ(posted.size(), 2u);
}

} // namespace
} // namespace paquebot::delivery
