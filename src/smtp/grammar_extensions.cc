#include "smtp/grammar_extensions.h"

#include "base/text.h"
#include "mail/timestamp.h"

#include <algorithm>

namespace paquebot::smtp {
namespace {

using mail::DeliverBy;
using mail::Hold;

constexpr Refused kTooSoon = "555 5.5.4 the time of BY is shorter than this server can promise";
constexpr Refused kTwoHolds = "501 5.5.4 HOLDFOR or HOLDUNTIL, once";
constexpr Refused kHoldTooLong = "501 5.5.4 that is longer than this server holds a message";
constexpr Refused kHoldPast = "501 5.5.4 the time of HOLDUNTIL has passed";
constexpr Refused kHoldBehindBy = "501 5.5.4 the message would be held beyond the time of BY";

bool is_digits(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Common to both: offered, and the first one (RFC 4865 section 4.2 items 9 to 11).
Refused may_hold(const mail::Sender& sender, const Offers& offers) {
  if (offers.hold_most == 0) return kUnknownParameter;
  return sender.hold.kind == Hold::Kind::none ? "" : kTwoHolds;
}

} // namespace

Refused read_requiretls(std::string_view, mail::Sender& sender, const Offers& offers) {
  if (!offers.requiretls) return kUnknownParameter;
  sender.tls = mail::TlsWish::required;
  return "";
}

Refused read_priority(std::string_view value, mail::Sender& sender, const Offers& offers) {
  if (!offers.wishes) return kUnknownParameter;
  constexpr Refused kBadPriority = "501 5.5.2 MT-PRIORITY is a number from -9 to 9"; // RFC 6710 section 4.1 item 1
  const bool negative = value.starts_with('-');
  if (negative) value.remove_prefix(1);
  if (!is_digits(value, 1) || (negative && value == "0")) return kBadPriority;
  sender.priority = (value[0] - '0') * (negative ? -1 : 1);
  return "";
}

Refused read_deliver_by(std::string_view value, mail::Sender& sender, const Offers& offers) {
  if (!offers.wishes) return kUnknownParameter;
  const auto semicolon = value.find(';');
  if (semicolon == std::string_view::npos) return kBadValue;
  auto time = value.substr(0, semicolon);
  auto mode = value.substr(semicolon + 1);
  const bool negative = time.starts_with('-');
  if (negative || time.starts_with('+')) time.remove_prefix(1);
  if (!is_digits(time, 9) || mode.empty() || mode.size() > 2) return kBadValue;
  if (mode.size() == 2 && mode[1] != 'T' && mode[1] != 't') return kBadValue;
  DeliverBy by;
  by.seconds = static_cast<std::int64_t>(parse_u64(time).value_or(0)) * (negative ? -1 : 1);
  by.trace = mode.size() == 2;
  if (mode[0] == 'R' || mode[0] == 'r') {
    by.mode = DeliverBy::Mode::give_back;
  } else if (mode[0] == 'N' || mode[0] == 'n') {
    by.mode = DeliverBy::Mode::notify;
  } else {
    return kBadValue;
  }
  if (by.mode == DeliverBy::Mode::give_back) {
    if (by.seconds <= 0) return kBadValue;
    if (by.seconds < offers.deliver_by_least) return kTooSoon; // RFC 2852 section 3
  }
  sender.deliver_by = by;
  return "";
}

Refused read_hold_for(std::string_view value, mail::Sender& sender, const Offers& offers) {
  if (const Refused refused = may_hold(sender, offers); !refused.empty()) return refused;
  if (!is_digits(value, 9) || value.starts_with('0')) return kBadValue;
  const auto seconds = static_cast<std::int64_t>(parse_u64(value).value_or(0));
  if (seconds > offers.hold_most) return kHoldTooLong;
  sender.hold = {Hold::Kind::interval, seconds, 0, "for;" + std::string(value)};
  return "";
}

Refused read_hold_until(std::string_view value, mail::Sender& sender, const Offers& offers) {
  if (const Refused refused = may_hold(sender, offers); !refused.empty()) return refused;
  const auto time = mail::parse_timestamp(value);
  if (!time) return kBadValue;
  const std::int64_t until = millis(*time);
  if (until <= offers.hold_from) return kHoldPast;
  if (until > offers.hold_from + offers.hold_most * 1000) return kHoldTooLong;
  sender.hold = {Hold::Kind::until, 0, until, "until;" + std::string(value)};
  return "";
}

Refused check_times(const mail::Sender& sender, const Offers& offers) {
  if (sender.hold.kind == Hold::Kind::none || sender.deliver_by.mode == DeliverBy::Mode::none) return "";
  const std::int64_t held =
      sender.hold.kind == Hold::Kind::interval ? sender.hold.seconds * 1000 : sender.hold.until - offers.hold_from;
  return held > sender.deliver_by.seconds * 1000 ? kHoldBehindBy : "";
}

std::string write_deliver_by(const DeliverBy& by) {
  const std::int64_t seconds = std::clamp(by.seconds, -mail::kMaxByTime, mail::kMaxByTime);
  return std::to_string(seconds) + (by.mode == DeliverBy::Mode::give_back ? ";R" : ";N") + (by.trace ? "T" : "");
}

std::string write_hold(const Hold& hold) {
  if (hold.kind == Hold::Kind::interval) return "HOLDFOR=" + std::to_string(hold.seconds);
  if (hold.kind == Hold::Kind::until) return "HOLDUNTIL=" + mail::format_timestamp(from_millis(hold.until));
  return "";
}

} // namespace paquebot::smtp
