#include "store/sqlite/check_place.h"

#include "base/text.h"
#include "store/sqlite/holders.h"

#include <algorithm>
#include <utility>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kMostOctets = 4096;
constexpr std::uint64_t kMostParts = 1000;

bool is_strange(char c) { return c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z'); }

} // namespace

Result<CheckPlace> place_of(const VerifyPoint& point) {
  const std::string_view text = point.place;
  if (text.empty()) return CheckPlace{};
  const std::size_t dot = text.find('.');
  const auto part = dot == std::string_view::npos ? std::nullopt : parse_u64(text.substr(0, dot));
  if (!part || *part > kMostParts || text.size() > kMostOctets || std::ranges::any_of(text.substr(dot + 1), is_strange))
    return fail(Errc::invalid, "a check goes on where its last step said, and nowhere else");
  return CheckPlace{static_cast<unsigned>(*part), std::string(text.substr(dot + 1)),
                    std::dynamic_pointer_cast<HolderCount>(point.memory)};
}

VerifyPoint point_of(CheckPlace place) {
  return {std::to_string(place.part) + "." + place.after, std::move(place.counted)};
}

VerifyStep told(CheckStep step) {
  VerifyStep out{.findings = std::move(step.findings), .next = {}, .done = step.done, .total = step.total};
  if (step.next) out.next = point_of(std::move(*step.next));
  return out;
}

} // namespace paquebot::store::sqlite
