#include "doctor/changes.h"
#include "doctor/house.h"
#include "doctor/policy_text.h"
#include "doctor/test_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::doctor {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::int64_t kNow = 1'800'000'000'000;
constexpr std::int64_t kAnHour = 3'600'000, kADay = 24 * kAnHour;

TEST(DoctorQueue, WhatWaitsAndWhy) {
  QueueFacts facts;
  EXPECT_EQ(judge_queue(facts, kNow)[0].level, Level::good);
  facts.destinations.push_back({"example.net", 812, 9, kNow - 3 * kADay, "TLS required"});
  const auto findings = judge_queue(facts, kNow);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].level, Level::warning);
  EXPECT_EQ(findings[0].seen,
            "812 recipients wait for example.net since " + moment(kNow - 3 * kADay) + ": TLS required");
  facts.destinations[0].since = kNow - kAnHour;
  EXPECT_EQ(judge_queue(facts, kNow)[0].level, Level::note);
}

TEST(DoctorQueue, HeldAndOwed) {
  QueueFacts facts{.destinations = {}, .held = 2, .owed = 3, .oldest_owed = kNow - 2 * kAnHour};
  const auto findings = judge_queue(facts, kNow);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].seen, "2 mails are held.");
  EXPECT_EQ(findings[1].seen, "3 reports to senders could not be written for 2 hours.");
}

TEST(DoctorDisk, HowLongItLasts) {
  const std::uint64_t gib = 1u << 30;
  DiskFacts disk{.free = 30 * gib, .size = 100 * gib, .free_inodes = 900, .all_inodes = 1000};
  EXPECT_EQ(judge_disk(disk, {}, kNow)[0].level, Level::good);
  // 10 GiB went in one day: the rest lasts three.
  const auto filling = judge_disk(disk, {kNow - kADay, 40 * gib}, kNow);
  EXPECT_EQ(filling[0].level, Level::wrong);
  EXPECT_EQ(filling[0].means, "Mail stops in about 3 days, if it goes on so.");
  disk.free = 2 * gib;
  EXPECT_EQ(judge_disk(disk, {}, kNow)[0].level, Level::wrong);
  disk.free_inodes = 10;
  EXPECT_EQ(judge_disk(disk, {}, kNow)[1].about, "inodes");
}

TEST(DoctorDisk, Setting) {
  const FreeBefore before{kNow, 12345};
  EXPECT_EQ(read_free(write_free(before)).at, kNow);
  EXPECT_EQ(read_free(write_free(before)).free, 12345U);
  EXPECT_EQ(read_free("nonsense").at, 0);
  EXPECT_EQ(read_free("").at, 0);
}

TEST(DoctorDisk, Descriptors) {
  EXPECT_EQ(judge_descriptors({100, 1024})[0].level, Level::good);
  EXPECT_EQ(judge_descriptors({1000, 1024})[0].level, Level::warning);
}

TEST(DoctorDisk, NotSeen) {
  TestWorld test;
  EXPECT_THAT(test.worst("disk"), StartsWith("unknown: "));
  for (const char* check : {"queue", "store", "accounts", "programs"})
    EXPECT_THAT(test.worst(check), StartsWith("unknown: "));
}

TEST(DoctorStore, BackupsAndChecks) {
  StoreFacts facts;
  auto findings = judge_store(facts, kNow);
  EXPECT_EQ(findings[0].level, Level::unknown);
  EXPECT_EQ(findings[1].level, Level::unknown);
  facts = {.backup = kNow - kADay, .verified = kNow - kADay, .problems = 0, .commit = 4ms};
  EXPECT_EQ(worst_of(judge_store(facts, kNow)), Level::good);
  facts = {.backup = kNow - 20 * kADay, .verified = kNow - kADay, .problems = 2, .commit = 900ms};
  findings = judge_store(facts, kNow);
  EXPECT_EQ(findings[0].level, Level::warning);
  EXPECT_EQ(findings[1].seen, "The last verify, 24 hours ago, found 2 problems.");
  EXPECT_EQ(findings[2].level, Level::warning);
}

class DoctorHouse : public ::testing::Test {
protected:
  DoctorHouse() {
    server.domain("example.test");
    test.world.store = &server.store();
  }
  directory::TestServer server;
  TestWorld test;
};

TEST_F(DoctorHouse, AStoreThatIsWell) {
  EXPECT_EQ(test.worst("queue"), "good: The queue flows.");
  EXPECT_EQ(test.worst("accounts"), "good: No account is held or full.");
  EXPECT_THAT(test.worst("store"), StartsWith("unknown: paquebot backup was never run"));
  test.world.machine.disk = DiskFacts{.free = 50, .size = 100};
  EXPECT_THAT(test.worst("disk"), StartsWith("good: "));
}

TEST_F(DoctorHouse, AnAccountThatIsHeld) {
  const auto account = server.account("ann@example.test", "secret");
  ASSERT_TRUE(directory::run_task(
      server.store().books().suspect(account.id, store::TakeoverSign::networks, "too many networks")));
  EXPECT_THAT(test.worst("accounts"), StartsWith("warning: ann@example.test is held since"));
}

TEST_F(DoctorHouse, Hooks) {
  EXPECT_EQ(test.worst("hooks"), "good: There are no hooks.");
  store::Hook hook{.url = "https://hooks.example/in", .secret = std::string(24, 's')};
  hook = directory::run_task(server.store().feed().add_hook(hook)).value();
  EXPECT_EQ(test.worst("hooks"), "good: No hook fails.");
  hook.failures = 3;
  hook.last_error = "it answered 500";
  ASSERT_TRUE(directory::run_task(server.store().feed().note_hook(hook, hook.cursor)));
  EXPECT_THAT(test.worst("hooks"), StartsWith("note: The hook 1 to https://hooks.example/in has not taken"));
  hook.state = store::Hook::State::paused;
  ASSERT_TRUE(directory::run_task(server.store().feed().note_hook(hook, hook.cursor)));
  EXPECT_EQ(test.worst("hooks").rfind("warning: The hook 1 to https://hooks.example/in is paused: it answered 500.", 0),
            0U);
}

TEST_F(DoctorHouse, Programs) {
  test.world.machine.sandbox = true;
  test.world.machine.filters = {{"virus", "unix:/run/clamd.sock", true}};
  bool away = false;
  test.world.reach = [&](std::string, std::chrono::milliseconds) -> Task<Result<>> {
    if (away) co_return fail(Errc::closed, "nobody listens there");
    co_return Result<>{};
  };
  EXPECT_THAT(test.worst("programs"), StartsWith("good: "));
  away = true;
  EXPECT_THAT(test.worst("programs"), StartsWith("wrong: The filter \"virus\" is away"));
  test.world.machine.filters->clear();
  test.world.machine.sandbox = false;
  EXPECT_EQ(test.worst("programs"), "warning: The sandbox is off.");
}

// ---- What changed ----

Finding found(Level level, std::string check, std::string about = {}) {
  return {.level = level, .check = std::move(check), .about = std::move(about), .seen = "seen"};
}

TEST(DoctorChanges, ToldOnce) {
  const std::vector<Finding> bad{found(Level::wrong, "mx", "example.test"), found(Level::good, "spf", "example.test"),
                                 found(Level::note, "caa")};
  const Changes first = compare({}, bad);
  ASSERT_EQ(first.worse.size(), 1U);
  EXPECT_TRUE(first.better.empty());
  const Told kept = read_told(write_told(first.told));
  EXPECT_EQ(kept, first.told);
  EXPECT_TRUE(compare(kept, bad).empty());
  const Changes after = compare(kept, {found(Level::good, "mx", "example.test")});
  EXPECT_EQ(after.better, std::vector<std::string>{"mx example.test"});
  EXPECT_TRUE(after.told.empty());
}

TEST(DoctorChanges, WhatCantBeSeenIsNotGoodAgain) {
  const Told before{{"mx example.test", "wrong"}};
  const Changes changes = compare(before, {found(Level::unknown, "mx", "example.test")});
  EXPECT_TRUE(changes.empty());
  EXPECT_EQ(changes.told, before);
}

TEST(DoctorChanges, WorseThanBefore) {
  const Told before{{"tls", "warning"}};
  EXPECT_EQ(compare(before, {found(Level::wrong, "tls")}).worse.size(), 1U);
  EXPECT_TRUE(compare({{"tls", "wrong"}}, {found(Level::warning, "tls")}).worse.empty());
}

TEST(DoctorChanges, HostileNamesStayOneLine) {
  const Changes changes = compare({}, {found(Level::wrong, "mx", "a\nwrong tls")});
  EXPECT_EQ(read_told(write_told(changes.told)).size(), 1U);
  EXPECT_TRUE(read_told("garbage").empty());
}

TEST(DoctorChanges, TheLetter) {
  Finding finding = found(Level::wrong, "mx", "example.test");
  finding.records = {plain_record("example.test", "MX", "10 mx.test", "mail", "10 mx.test.")};
  const Letter letter = compose("mx.test", compare({{"tls", "wrong"}}, {finding}));
  EXPECT_EQ(letter.subject, "1 finding new on mx.test");
  EXPECT_THAT(letter.text, HasSubstr("[wrong] seen\r\n"));
  EXPECT_THAT(letter.text, HasSubstr("example.test. IN MX 10 mx.test."));
  EXPECT_THAT(letter.text, HasSubstr("Good again:\r\n  tls\r\n"));
}

// ---- Texts of policies ----

TEST(DoctorPolicy, Read) {
  const auto policy = read_sts_policy(
      "version: STSv1\r\nmode: enforce\r\nmx: Mail.example.test\r\nmx: *.example.net\r\nmax_age: 86400\r\n");
  ASSERT_TRUE(policy);
  EXPECT_TRUE(sts_covers(*policy, "mail.EXAMPLE.test"));
  EXPECT_TRUE(sts_covers(*policy, "a.example.net"));
  EXPECT_FALSE(sts_covers(*policy, "a.b.example.net"));
  EXPECT_FALSE(sts_covers(*policy, "example.net"));
  for (const char* bad : {"", "mode: enforce\nmx: a\nmax_age: 1\n", "version: STSv1\nmode: maybe\nmx: a\nmax_age: 1\n",
                          "version: STSv1\nmode: enforce\nmax_age: 1\n", "version: STSv1\nmode: enforce\nmx: a\n",
                          "version: STSv1\nmode: enforce\nmx: a\nmax_age: 99999999\n"})
    EXPECT_FALSE(read_sts_policy(bad)) << bad;
  EXPECT_TRUE(read_sts_policy("version: STSv1\nmode: none\nmax_age: 1\n"));
}

TEST(DoctorPolicy, Texts) {
  EXPECT_EQ(read_sts_text("v=STSv1; id=20261123;").value_or(""), "20261123");
  for (const char* bad : {"", "id=1; v=STSv1", "v=STSv1", "v=STSv1; id=", "v=STSv1; id=a-b"})
    EXPECT_FALSE(read_sts_text(bad)) << bad;
  EXPECT_TRUE(is_tls_rpt("v=TLSRPTv1;rua=mailto:x@example.test"));
  EXPECT_TRUE(is_tls_rpt("v=TLSRPTv1; rua=https://example.test/x"));
  EXPECT_FALSE(is_tls_rpt("v=TLSRPTv1; rua=x@example.test"));
  EXPECT_FALSE(is_tls_rpt("rua=mailto:x@example.test"));
}

} // namespace
} // namespace paquebot::doctor
