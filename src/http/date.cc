#include "http/date.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace paquebot::http {

namespace {

constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::size_t kMaxDate = 40; // octets; the longest form has 33

/// The words between spaces, commas, hyphens and colons.
std::vector<std::string_view> date_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(" ,-:"), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::optional<unsigned> month_of(std::string_view word) {
  const auto* const found = std::ranges::find(kMonths, word);
  if (found == std::end(kMonths)) return {};
  return static_cast<unsigned>(found - std::begin(kMonths)) + 1;
}

int year_of_two_digits(int digits, std::int64_t unix_now) {
  using namespace std::chrono;
  const int now = static_cast<int>(year_month_day{floor<days>(sys_seconds{seconds{unix_now}})}.year());
  const int year = now - now % 100 + digits;
  return year > now + 50 ? year - 100 : year;
}

/// The words of a date in the order of IMF-fixdate: day, month, year, hour, minute, second.
std::optional<std::array<std::string_view, 6>> in_order(const std::vector<std::string_view>& words) {
  if (words.size() == 8 && words[7] == "GMT") {
    return std::array{words[1], words[2], words[3], words[4], words[5], words[6]};
  }
  if (words.size() == 7) return std::array{words[2], words[1], words[6], words[3], words[4], words[5]}; // asctime's
  return {};
}

} // namespace

std::string http_date(std::int64_t unix_seconds) {
  using namespace std::chrono;
  constexpr std::int64_t kLast = 253402300799; // the end of the year 9999
  const sys_seconds time{seconds{std::clamp<std::int64_t>(unix_seconds, 0, kLast)}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[weekday{day}.c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t unix_now) {
  using namespace std::chrono;
  if (text.size() > kMaxDate) return {};
  const auto parts = in_order(date_words(text));
  if (!parts) return {};
  const auto& [day_word, month_word, year_word, hour_word, minute_word, second_word] = *parts;
  const auto number = [](std::string_view word) { return word.size() > 4 ? std::nullopt : parse_u64(word); };
  const auto day = number(day_word), year = number(year_word);
  const auto hour = number(hour_word), minute = number(minute_word), second = number(second_word);
  const auto month = month_of(month_word);
  if (!day || !year || !hour || !minute || !second || !month) return {};
  if (*hour > 23 || *minute > 59 || *second > 60) return {}; // 60: a leap second
  int full_year = static_cast<int>(*year);
  if (year_word.size() == 2) full_year = year_of_two_digits(full_year, unix_now);
  const year_month_day date{std::chrono::year{full_year}, std::chrono::month{*month},
                            std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || full_year < 1970) return {};
  const auto time = sys_days{date} + hours{*hour} + minutes{*minute} + seconds{*second};
  return time.time_since_epoch().count();
}

std::optional<std::chrono::seconds> retry_after(const Fields& fields, std::int64_t unix_now,
                                                std::chrono::seconds most) {
  const std::string* value = find_field(fields, "retry-after");
  if (value == nullptr) return {};
  const auto limit = static_cast<std::uint64_t>(most.count());
  if (!value->empty() && std::ranges::all_of(*value, is_digit)) {
    return std::chrono::seconds(std::min(parse_u64(*value).value_or(limit), limit));
  }
  const auto date = parse_http_date(*value, unix_now);
  if (!date) return {};
  return std::chrono::seconds(std::clamp<std::int64_t>(*date - unix_now, 0, most.count()));
}

std::string media_type(const Fields& fields) {
  if (count_fields(fields, "content-type") != 1) return {};
  const std::string_view value = *find_field(fields, "content-type");
  return to_lower(trim(value.substr(0, value.find(';'))));
}

} // namespace paquebot::http
