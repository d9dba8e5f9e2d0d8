#include "mail/date.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/format.h>
#include <vector>

namespace paquebot::mail {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
/// No date is longer; what follows is not looked at.
constexpr std::size_t kMaxDate = 256;
constexpr std::size_t kMaxWords = 8;

void append_digits(std::string& out, std::int64_t value, std::size_t width) {
  const fmt::format_int digits(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out.append(digits.data(), digits.size());
}

/// Words of the date, comments left out; commas count as space.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  int depth = 0;
  std::size_t start = std::string_view::npos;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ' ';
    const bool separator = c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == '(' || c == ')';
    if (depth == 0 && !separator && start == std::string_view::npos) start = i;
    if (depth == 0 && separator && start != std::string_view::npos) {
      words.push_back(text.substr(start, i - start));
      start = std::string_view::npos;
    }
    if (c == '(') ++depth;
    if (c == ')' && depth > 0) --depth;
  }
  return words;
}

std::optional<int> number(std::string_view text, std::size_t least, std::size_t most) {
  if (text.size() < least || text.size() > most) return {};
  const auto value = parse_u64(text);
  if (!value) return {};
  return static_cast<int>(*value);
}

std::optional<int> year_of(std::string_view text) {
  auto year = number(text, 2, 4);
  if (!year) return {};
  // RFC 5322 section 4.3.
  if (text.size() == 2) *year += *year < 50 ? 2000 : 1900;
  if (text.size() == 3) *year += 1900;
  return *year < 1900 ? std::nullopt : year;
}

std::optional<unsigned> month_of(std::string_view text) {
  for (unsigned i = 0; i < kMonths.size(); ++i) {
    if (iequals(text.substr(0, 3), kMonths[i])) return i + 1;
  }
  return {};
}

std::optional<seconds> time_of(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() != 2 && parts.size() != 3) return {};
  const auto hour = number(parts[0], 1, 2);
  const auto minute = number(parts[1], 1, 2);
  const auto second = parts.size() == 3 ? number(parts[2], 1, 2) : 0;
  // 60 is a leap second.
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return {};
  return std::chrono::hours(*hour) + minutes(*minute) + seconds(*second);
}

/// Minutes east of UTC. Unknown names mean UTC (RFC 5322 section 4.3).
std::optional<minutes> zone_of(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    const auto value = number(text.substr(1), 4, 4);
    if (!value || *value % 100 > 59) return {};
    const minutes offset(*value / 100 * 60 + *value % 100);
    return text[0] == '-' ? -offset : offset;
  }
  static constexpr std::pair<std::string_view, int> kZones[] = {{"EDT", -4}, {"EST", -5}, {"CDT", -5}, {"CST", -6},
                                                                {"MDT", -6}, {"MST", -7}, {"PDT", -7}, {"PST", -8}};
  for (const auto& [name, hours] : kZones) {
    if (iequals(text, name)) return minutes(hours * 60);
  }
  return minutes(0);
}

} // namespace

namespace {

std::string write_date(std::chrono::sys_seconds local, int offset_minutes) {
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(local - day);
  const int zone = std::abs(offset_minutes);
  std::string out; // by hand: every message gets one
  out.reserve(40);
  out += kDays[std::chrono::weekday(day).c_encoding()];
  out += ", ";
  append_digits(out, static_cast<unsigned>(date.day()), 1);
  out += ' ';
  out += kMonths[static_cast<unsigned>(date.month()) - 1];
  out += ' ';
  append_digits(out, static_cast<int>(date.year()), 4);
  out += ' ';
  append_digits(out, time.hours().count(), 2);
  out += ':';
  append_digits(out, time.minutes().count(), 2);
  out += ':';
  append_digits(out, time.seconds().count(), 2);
  out += offset_minutes < 0 ? " -" : " +";
  append_digits(out, zone / 60, 2);
  append_digits(out, zone % 60, 2);
  return out;
}

} // namespace

std::string format_date(WallTime when, int offset_minutes) {
  // A thread keeps what it wrote last: every message gets a date, most of the same second.
  struct Last {
    std::chrono::sys_seconds local;
    int offset_minutes = 0;
    std::string text;
  };
  thread_local Last last;
  const auto local = std::chrono::floor<seconds>(when + minutes(offset_minutes));
  if (last.text.empty() || last.local != local || last.offset_minutes != offset_minutes)
    last = {local, offset_minutes, write_date(local, offset_minutes)};
  return last.text;
}

std::optional<WallTime> parse_date(std::string_view text) {
  auto words = words_of(text.substr(0, kMaxDate));
  const bool day_name = !words.empty() && (words[0][0] < '0' || words[0][0] > '9');
  const std::size_t first = day_name ? 1 : 0;
  if (words.size() < first + 4 || words.size() > kMaxWords) return {};
  const auto day = number(words[first], 1, 2);
  const auto month = month_of(words[first + 1]);
  const auto year = year_of(words[first + 2]);
  const auto time = time_of(words[first + 3]);
  const auto zone = words.size() > first + 4 ? zone_of(words[first + 4]) : minutes(0);
  if (!day || !month || !year || !time || !zone) return {};
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return {};
  return WallTime(std::chrono::sys_days(date)) + *time - *zone;
}

} // namespace paquebot::mail
