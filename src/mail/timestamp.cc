#include "mail/timestamp.h"

#include <fmt/format.h>

namespace paquebot::mail {
namespace {

/// Takes `count` digits off the front; -1 when they are not there.
int take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return -1;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

/// ".25" as 250; nothing for a malformed one. Without a fraction 0.
std::optional<int> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  int value = 0, digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits)
    if (digits < 3) value = value * 10 + (text.front() - '0');
  if (digits == 0 || digits > 9) return {};
  for (; digits < 3; ++digits) value *= 10;
  return value;
}

} // namespace

std::string format_timestamp(WallTime when) {
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(when - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

std::optional<WallTime> parse_timestamp(std::string_view text) {
  using namespace std::chrono;
  const int year_number = take_digits(text, 4);
  const bool after_year = take(text, '-');
  const int month_number = take_digits(text, 2);
  const bool after_month = take(text, '-');
  const int day_number = take_digits(text, 2);
  const bool after_day = take(text, 'T') || take(text, 't');
  const int hour = take_digits(text, 2);
  const bool after_hour = take(text, ':');
  const int minute = take_digits(text, 2);
  const bool after_minute = take(text, ':');
  const int second = take_digits(text, 2);
  const auto fraction = take_fraction(text);
  if (!after_year || !after_month || !after_day || !after_hour || !after_minute || !fraction) return {};
  if (text != "Z" && text != "z") return {};
  if (year_number < 1970 || month_number < 1 || day_number < 1) return {};
  const year_month_day date(year(year_number), month(static_cast<unsigned>(month_number)),
                            day(static_cast<unsigned>(day_number)));
  // 60 is a leap second (RFC 3339 section 5.6); it counts as the first second of the next minute.
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return {};
  return WallTime(sys_days(date).time_since_epoch() + hours(hour) + minutes(minute) + seconds(second) +
                  milliseconds(*fraction));
}

} // namespace paquebot::mail
