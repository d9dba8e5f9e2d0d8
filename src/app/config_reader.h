#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paquebot::app {

/// As base/units.h reads it, at most ten years; nothing otherwise.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);
/// Likewise, in octets.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// The name among `known` that a person most likely meant; empty when none is near.
std::string nearest(std::string_view name, const std::vector<std::string_view>& known);

} // namespace paquebot::app
