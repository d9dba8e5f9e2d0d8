#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::metrics {

/// A number that is looked up when somebody asks.
struct Gauge {
  std::string name, help;
  struct Value {
    std::vector<std::pair<std::string, std::string>> labels; ///< words of ours
    double value = 0;
  };
  std::vector<Value> values{};
  bool grows = false; ///< it is a counter that somebody else keeps
};
/// One without labels.
Gauge gauge(std::string name, std::string help, double value, bool grows = false);

/// All counters and histograms, and these gauges, in the text format of Prometheus (version 0.0.4). Counters that have
/// not counted yet are there too, with 0.
std::string metrics_text(const std::vector<Gauge>& gauges);

/// What HTTP calls it.
inline constexpr std::string_view kTextType = "text/plain; version=0.0.4; charset=utf-8";

/// One family as the text tells it, for tests and documents.
struct FamilyFacts {
  std::string_view name, help;
  std::size_t first = 0, size = 0;
  std::vector<std::string_view> labels;
};
/// Of all counters and histograms, in the order of their places.
std::vector<FamilyFacts> families();

} // namespace paquebot::metrics
