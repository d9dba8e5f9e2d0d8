#include "store/sending_limits.h"

#include <algorithm>

namespace paquebot::store {
namespace {

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kDay = 24 * kHour;

struct Row {
  std::string_view name;
  std::int64_t window;
};

/// In the order of LimitKind.
constexpr std::array<Row, kLimitKinds.size()> kRows = {{
    {"messages_per_hour", kHour},
    {"messages_per_day", kDay},
    {"recipients_per_message", 0},
    {"recipients_per_day", kDay},
    {"new_recipients_per_day", kDay},
    {"bytes_per_day", kDay},
}};

const Row& row_of(LimitKind kind) { return kRows[static_cast<std::size_t>(kind) - 1]; }

} // namespace

std::string_view name_of(LimitKind kind) { return row_of(kind).name; }

std::optional<LimitKind> limit_kind(std::string_view name) {
  const auto found = std::ranges::find(kLimitKinds, name, [](LimitKind kind) { return name_of(kind); });
  if (found == kLimitKinds.end()) return std::nullopt;
  return *found;
}

std::int64_t window_of(LimitKind kind) { return row_of(kind).window; }

std::int64_t window_start(LimitKind kind, std::int64_t now) {
  const std::int64_t window = window_of(kind);
  return window == 0 ? 0 : now - now % window;
}

std::int64_t window_end(LimitKind kind, std::int64_t now) {
  const std::int64_t window = window_of(kind);
  return window == 0 ? 0 : now - now % window + window;
}

} // namespace paquebot::store
