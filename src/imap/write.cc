#include "imap/write.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <fmt/format.h>
#include <iterator>

namespace paquebot::imap {
namespace {

constexpr std::size_t kLongestQuoted = 1000;
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::int64_t kDay = 86'400'000;

/// Two digits at `at`.
std::optional<unsigned> two_digits(std::string_view text, std::size_t at) {
  if (at + 2 > text.size() || !is_digit(text[at]) || !is_digit(text[at + 1])) return {};
  return static_cast<unsigned>((text[at] - '0') * 10 + (text[at + 1] - '0'));
}

/// "Jul-2026" behind the day and its dash.
std::optional<std::int64_t> day_number(unsigned day, std::string_view month, std::string_view year) {
  const auto found = std::ranges::find_if(kMonths, [&](std::string_view one) { return iequals(one, month); });
  const auto number = parse_u64(year);
  if (found == kMonths.end() || year.size() != 4 || !number) return {};
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*number)),
                                         std::chrono::month(static_cast<unsigned>(found - kMonths.begin()) + 1),
                                         std::chrono::day(day)};
  if (!date.ok()) return {};
  return std::chrono::sys_days(date).time_since_epoch().count();
}

} // namespace

void put_string(std::string& out, std::string_view text) {
  const bool plain = text.size() <= kLongestQuoted && plain_length(text) == text.size();
  if (plain) {
    out += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
    return;
  }
  const auto nul = static_cast<std::size_t>(std::ranges::count(text, '\0'));
  fmt::format_to(std::back_inserter(out), "{{{}}}\r\n", text.size() - nul);
  if (nul == 0) return void(out += text);
  for (const char c : text)
    if (c != '\0') out += c;
}

void put_nstring(std::string& out, std::string_view text) {
  if (text.empty())
    out += "NIL";
  else
    put_string(out, text);
}

std::string mailbox_id(std::int64_t id) { return fmt::format("F{}", id); }

std::string email_id(const std::array<unsigned char, 16>& id) {
  std::string out = "M";
  for (const unsigned char octet : id) fmt::format_to(std::back_inserter(out), "{:02x}", octet);
  return out;
}

std::int64_t day_of(std::int64_t when) { return when >= 0 ? when / kDay : -((-when + kDay - 1) / kDay); }

void put_date_time(std::string& out, std::int64_t when) {
  const std::int64_t day = day_of(when);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  const std::int64_t seconds = (when - day * kDay) / 1000;
  fmt::format_to(std::back_inserter(out), "\"{:2}-{}-{:04} {:02}:{:02}:{:02} +0000\"",
                 static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                 static_cast<int>(date.year()), seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  if (text.starts_with('"') && text.ends_with('"') && text.size() >= 2) text = text.substr(1, text.size() - 2);
  const auto first = text.find('-');
  const auto second = first == std::string_view::npos ? first : text.find('-', first + 1);
  if (second == std::string_view::npos) return {};
  const auto day = parse_u64(trim(text.substr(0, first)));
  if (!day || *day > 31) return {};
  return day_number(static_cast<unsigned>(*day), text.substr(first + 1, second - first - 1), text.substr(second + 1));
}

std::optional<std::int64_t> parse_date_time(std::string_view text) {
  // " 1-Jul-2026 02:44:25 +0200"
  if (text.size() != 26 && text.size() != 25) return {};
  const std::string padded = text.size() == 25 ? " " + std::string(text) : std::string(text);
  const std::string_view t = padded;
  if (t[2] != '-' || t[11] != ' ' || t[14] != ':' || t[17] != ':' || t[20] != ' ' || (t[21] != '+' && t[21] != '-'))
    return {};
  const auto day = parse_date(t.substr(0, 11));
  const auto hour = two_digits(t, 12), minute = two_digits(t, 15), second = two_digits(t, 18);
  const auto zone_hour = two_digits(t, 22), zone_minute = two_digits(t, 24);
  if (!day || !hour || !minute || !second || !zone_hour || !zone_minute) return {};
  if (*hour > 23 || *minute > 59 || *second > 60 || *zone_minute > 59) return {};
  const std::int64_t zone = (static_cast<std::int64_t>(*zone_hour) * 60 + *zone_minute) * 60 * (t[21] == '-' ? -1 : 1);
  return *day * kDay + ((static_cast<std::int64_t>(*hour) * 60 + *minute) * 60 + *second - zone) * 1000;
}

} // namespace paquebot::imap
