#include "smtp/grammar_extensions.h"

#include <gtest/gtest.h>

namespace paquebot::smtp {
namespace {

constexpr std::int64_t kOpened = 1'795'435'200'000; // 2026-11-23T12:00:00Z
const Offers kAll{.extended = true,
                  .wishes = true,
                  .requiretls = true,
                  .deliver_by_least = 60,
                  .hold_most = 3600,
                  .hold_from = kOpened};

/// What was read, written as a client writes it, or the code of the refusal.
std::string read(std::string_view parameters, const Offers& offers = kAll) {
  const auto sender = parse_mail("FROM:<a@b.example> " + std::string(parameters), offers);
  if (!sender) return std::string(sender.error().substr(0, 9));
  std::string out;
  if (sender->tls == mail::TlsWish::required) out += " REQUIRETLS";
  if (sender->deliver_by.mode != mail::DeliverBy::Mode::none) out += " BY=" + write_deliver_by(sender->deliver_by);
  if (sender->priority != 0) out += " MT-PRIORITY=" + std::to_string(sender->priority);
  if (sender->hold.kind != mail::Hold::Kind::none) out += " " + write_hold(sender->hold) + " " + sender->hold.request;
  return out.empty() ? out : out.substr(1);
}

TEST(SmtpGrammarExtensions, ReadsAndWrites) {
  const struct {
    std::string_view parameters, expected;
  } cases[] = {
      {"REQUIRETLS", "REQUIRETLS"},
      {"BY=+60;rt", "BY=60;RT"},
      {"BY=-999999999;N", "BY=-999999999;N"},
      {"BY=-1000000000;N", "501 5.5.4"},
      {"BY=59;R", "555 5.5.4"},
      {"MT-PRIORITY=-9", "MT-PRIORITY=-9"},
      {"mt-priority=9", "MT-PRIORITY=9"},
      {"MT-PRIORITY=0", ""},
      {"HOLDFOR=3600", "HOLDFOR=3600 for;3600"},
      {"HOLDFOR=3601", "501 5.5.4"},
      {"HOLDUNTIL=2026-11-23T13:00:00Z", "HOLDUNTIL=2026-11-23T13:00:00Z until;2026-11-23T13:00:00Z"},
      {"HOLDUNTIL=2026-11-23T13:00:01Z", "501 5.5.4"},
      {"HOLDUNTIL=2026-11-23T12:00:00Z", "501 5.5.4"},
      {"HOLDUNTIL=2026-11-23T13:00:00Z BY=3600;R",
       "BY=3600;R HOLDUNTIL=2026-11-23T13:00:00Z until;2026-11-23T13:00:00Z"},
      {"HOLDUNTIL=2026-11-23T13:00:00Z BY=3599;R", "501 5.5.4"},
      {"BY=3599;N HOLDFOR=3600", "501 5.5.4"},
  };
  for (const auto& c : cases) EXPECT_EQ(read(c.parameters), c.expected) << c.parameters;
}

TEST(SmtpGrammarExtensions, OnlyWhatIsOffered) {
  const Offers none{.extended = true};
  EXPECT_EQ(read("REQUIRETLS", none), "555 5.5.4");
  EXPECT_EQ(read("HOLDFOR=1", none), "555 5.5.4");
  EXPECT_EQ(read("HOLDUNTIL=2026-11-23T13:00:00Z", none), "555 5.5.4");
  EXPECT_EQ(read("BY=1;R", none), "555 5.5.4");
  EXPECT_EQ(read("MT-PRIORITY=0", none), "555 5.5.4");
  EXPECT_EQ(read("BY=1;R", {.extended = true, .wishes = true}), "BY=1;R");
}

TEST(SmtpGrammarExtensions, WritesOnlyWhatTheGrammarHas) {
  EXPECT_EQ(write_deliver_by({mail::DeliverBy::Mode::notify, false, -5'000'000'000}), "-999999999;N");
  EXPECT_EQ(write_deliver_by({mail::DeliverBy::Mode::give_back, true, 5'000'000'000}), "999999999;RT");
  EXPECT_EQ(write_hold({}), "");
}

} // namespace
} // namespace paquebot::smtp
