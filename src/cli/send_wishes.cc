#include "cli/send_wishes.h"

#include "base/text.h"
#include "base/units.h"
#include "mail/timestamp.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>

namespace paquebot::cli {
namespace {

/// "2026-12-24T08:00:00Z", or "2026-12-24 08:00" in the zone of whoever runs the program.
std::optional<WallTime> read_time(const std::string& text) {
  if (auto time = mail::parse_timestamp(text)) return time;
  std::tm parts{};
  parts.tm_isdst = -1;
  const char* end = ::strptime(text.c_str(), "%Y-%m-%d %H:%M", &parts);
  if (end == nullptr || *end != '\0') return {};
  const std::time_t seconds = std::mktime(&parts);
  return seconds < 0 ? std::nullopt : std::optional(from_millis(std::int64_t{seconds} * 1000));
}

Result<> read_hold(const Arguments& arguments, WallTime now, mail::Hold& hold) {
  const std::string interval = arguments.text("--hold-for"), until = arguments.text("--hold-until");
  if (interval.empty() && until.empty()) return {};
  if (!interval.empty() && !until.empty()) return fail(Errc::invalid, "--hold-for or --hold-until, not both");
  if (!interval.empty()) {
    auto seconds = read_seconds("--hold-for", interval);
    if (!seconds) return std::unexpected(seconds.error());
    hold = {mail::Hold::Kind::interval, *seconds, 0, ""};
    return {};
  }
  const auto time = read_time(until);
  if (!time)
    return fail(Errc::invalid, "--hold-until is a time such as \"2026-12-24 08:00\" or 2026-12-24T08:00:00Z (UTC)");
  if (*time <= now) return fail(Errc::invalid, "the time of --hold-until has passed");
  hold = {mail::Hold::Kind::until, 0, millis(*time), ""};
  return {};
}

Error unsupported(const std::string& where, std::string_view what) {
  return {Errc::unsupported, fmt::format("{} {}; nothing was sent", where, what)};
}

} // namespace

Result<std::int64_t> read_seconds(const std::string& option, const std::string& text) {
  const auto seconds = parse_seconds(text);
  if (!seconds || *seconds <= 0 || *seconds > mail::kMaxHold)
    return fail(Errc::invalid, option + " is a time such as 90s, 15m, 2h or 3d");
  return *seconds;
}

Result<Wishes> read_wishes(const Arguments& arguments, WallTime now) {
  Wishes wishes;
  if (arguments.has("--require-tls")) wishes.tls = mail::TlsWish::required;
  if (const std::string text = arguments.text("--priority"); !text.empty()) {
    const bool negative = text.starts_with('-');
    const auto number = parse_u64(std::string_view(text).substr(negative ? 1 : 0));
    if (!number || *number > 9) return fail(Errc::invalid, "--priority is a number from -9 to 9");
    wishes.priority = static_cast<int>(*number) * (negative ? -1 : 1);
    wishes.has_priority = true;
  }
  if (const std::string text = arguments.text("--deliver-by"); !text.empty()) {
    auto seconds = read_seconds("--deliver-by", text);
    if (!seconds) return std::unexpected(seconds.error());
    wishes.deliver_by = {.mode = mail::DeliverBy::Mode::give_back, .seconds = *seconds};
  }
  if (auto done = read_hold(arguments, now, wishes.hold); !done) return std::unexpected(done.error());
  return wishes;
}

Result<> check_offered(const Wishes& wishes, const smtp::PeerFeatures& features, const std::string& where) {
  using mail::Hold;
  const auto refuse = [&](std::string_view what) { return std::unexpected(unsupported(where, what)); };
  if (wishes.tls == mail::TlsWish::required && !features.requiretls)
    return refuse("can't promise TLS for the whole way (REQUIRETLS)");
  if (wishes.has_priority && !features.priority) return refuse("knows no priorities (MT-PRIORITY)");
  if (wishes.deliver_by.mode != mail::DeliverBy::Mode::none && !features.deliver_by)
    return refuse("can't promise delivery within a time (DELIVERBY)");
  if (wishes.deliver_by.mode != mail::DeliverBy::Mode::none && wishes.deliver_by.seconds < features.deliver_by_least)
    return refuse(fmt::format("promises no delivery within less than {} s", features.deliver_by_least));
  if (wishes.hold.kind != Hold::Kind::none && !features.future_release)
    return refuse("does not hold messages for later (FUTURERELEASE)");
  if (wishes.hold.kind == Hold::Kind::interval && wishes.hold.seconds > features.hold_most)
    return refuse(fmt::format("holds a message for at most {} s", features.hold_most));
  const auto latest = mail::parse_timestamp(features.hold_latest);
  if (wishes.hold.kind == Hold::Kind::until && latest && wishes.hold.until > millis(*latest))
    return refuse(fmt::format("holds a message until {} at most", features.hold_latest));
  return {};
}

} // namespace paquebot::cli
