#include "cli/send_wishes.h"

#include <gtest/gtest.h>

namespace paquebot::cli {
namespace {

TEST(SendWishes, Durations) {
  const struct {
    const char* text;
    std::int64_t seconds; ///< 0: refused
  } cases[] = {{"90", 90},        {"90s", 90},
               {"15m", 900},      {"2h", 7200},
               {"3d", 259200},    {"0", 0},
               {"", 0},           {"h", 0},
               {"-1", 0},         {"1w", 0},
               {"1.5h", 0},       {"999999999", 999'999'999},
               {"1000000000", 0}, {"18446744073709551616", 0},
               {"99999d", 0}};
  for (const auto& c : cases) EXPECT_EQ(read_seconds("--x", c.text).value_or(0), c.seconds) << c.text;
}

TEST(SendWishes, SaysWhatTheServerLacks) {
  const auto refused = [](const Wishes& wishes, const smtp::PeerFeatures& features) {
    const auto fine = check_offered(wishes, features, "mx.example:25");
    return fine ? std::string() : fine.error().message;
  };
  smtp::PeerFeatures all;
  all.requiretls = all.priority = all.deliver_by = all.future_release = true;
  all.deliver_by_least = 60;
  all.hold_most = 3600;
  all.hold_latest = "2026-11-23T13:00:00Z";
  const std::int64_t noon = 1'795'435'200'000; // 2026-11-23T12:00:00Z
  using Hold = mail::Hold;
  const struct {
    const char* lacking;
    Wishes wishes;
    bool offered; ///< by a server with everything
  } cases[] = {
      {"REQUIRETLS", {.tls = mail::TlsWish::required}, true},
      {"MT-PRIORITY", {.priority = 0, .has_priority = true}, true},
      {"DELIVERBY", {.deliver_by = {.mode = mail::DeliverBy::Mode::give_back, .seconds = 60}}, true},
      {"DELIVERBY", {.deliver_by = {.mode = mail::DeliverBy::Mode::give_back, .seconds = 59}}, false},
      {"FUTURERELEASE", {.hold = {Hold::Kind::interval, 3600, 0, ""}}, true},
      {"FUTURERELEASE", {.hold = {Hold::Kind::interval, 3601, 0, ""}}, false},
      {"FUTURERELEASE", {.hold = {Hold::Kind::until, 0, noon + 3'600'000, ""}}, true},
      {"FUTURERELEASE", {.hold = {Hold::Kind::until, 0, noon + 3'600'001, ""}}, false},
  };
  for (const auto& c : cases) {
    EXPECT_NE(refused(c.wishes, {}).find(c.lacking), std::string::npos) << c.lacking;
    EXPECT_EQ(refused(c.wishes, all).empty(), c.offered) << c.lacking;
  }
  EXPECT_EQ(refused({}, {}), "");
}

} // namespace
} // namespace paquebot::cli
