#include "metrics/text.h"

#include "metrics/counters.h"

#include <limits>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sstream>

namespace paquebot::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

template <class... Labels>
std::vector<std::string_view> label_names() {
  return {LabelOf<Labels>::name...};
}

/// The labels of the combination at that place (detail::place_of undone).
template <class... Labels>
std::vector<ClientMetric::Label> labels_at(std::size_t place) {
  std::vector<ClientMetric::Label> labels{{std::string(LabelOf<Labels>::name), std::string()}...};
  if constexpr (sizeof...(Labels) > 0) {
    const std::span<const std::string_view> words[] = {LabelOf<Labels>::words...};
    for (std::size_t i = sizeof...(Labels); i-- > 0; place /= words[i].size())
      labels[i].value = std::string(words[i][place % words[i].size()]);
  }
  return labels;
}

/// Calls `use` with each family of counters.h, in their order.
template <class F>
void for_each_family(F use) {
  use(connections), use(turned_away), use(replies), use(logins), use(accepted), use(accepted_bytes), use(delivered),
      use(refused), use(deliveries), use(authentication), use(commit_failures), use(commits), use(acceptance),
      use(filters), use(dns), use(hook_deliveries), use(bounces), use(suppressed), use(feedback);
}

template <class... Labels>
MetricFamily collect(const Counter<Labels...>& counter) {
  MetricFamily family{std::string(counter.name), std::string(counter.help), MetricType::Counter, {}};
  for (std::size_t i = 0; i < counter.kSize; ++i) {
    ClientMetric& one = family.metric.emplace_back();
    one.label = labels_at<Labels...>(i);
    one.counter.value = static_cast<double>(total_of(counter.first + i));
  }
  return family;
}

template <class... Labels>
MetricFamily collect(const Histogram<Labels...>& histogram) {
  MetricFamily family{std::string(histogram.name), std::string(histogram.help), MetricType::Histogram, {}};
  for (std::size_t i = 0; i < histogram.kSize / histogram.kEach; ++i) {
    const std::size_t at = histogram.first + i * histogram.kEach;
    ClientMetric& one = family.metric.emplace_back();
    one.label = labels_at<Labels...>(i);
    std::uint64_t count = 0;
    for (std::size_t bucket = 0; bucket < kBuckets.size(); ++bucket)
      one.histogram.bucket.push_back({count += total_of(at + bucket), kBuckets[bucket]});
    count += total_of(at + kBuckets.size());
    one.histogram.bucket.push_back({count, std::numeric_limits<double>::infinity()});
    one.histogram.sample_count = count;
    one.histogram.sample_sum = static_cast<double>(total_of(at + histogram.kEach - 1)) / 1e6;
  }
  return family;
}

template <class... Labels>
FamilyFacts facts_of(const Counter<Labels...>& counter) {
  return {counter.name, counter.help, counter.first, counter.kSize, label_names<Labels...>()};
}
template <class... Labels>
FamilyFacts facts_of(const Histogram<Labels...>& histogram) {
  return {histogram.name, histogram.help, histogram.first, histogram.kSize, label_names<Labels...>()};
}

MetricFamily family_of(const Gauge& gauge) {
  MetricFamily family{gauge.name, gauge.help, gauge.grows ? MetricType::Counter : MetricType::Gauge, {}};
  for (const Gauge::Value& value : gauge.values) {
    ClientMetric& one = family.metric.emplace_back();
    for (const auto& [name, word] : value.labels) one.label.push_back({name, word});
    (gauge.grows ? one.counter.value : one.gauge.value) = value.value;
  }
  return family;
}

} // namespace

Gauge gauge(std::string name, std::string help, double value, bool grows) {
  return {.name = std::move(name), .help = std::move(help), .values = {{.labels = {}, .value = value}}, .grows = grows};
}

std::string metrics_text(const std::vector<Gauge>& gauges) {
  std::vector<MetricFamily> all;
  for_each_family([&all](const auto& family) { all.push_back(collect(family)); });
  for (const Gauge& one : gauges)
    if (!one.values.empty()) all.push_back(family_of(one));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, all);
  return std::move(out).str();
}

std::vector<FamilyFacts> families() {
  std::vector<FamilyFacts> all;
  for_each_family([&all](const auto& family) { all.push_back(facts_of(family)); });
  return all;
}

} // namespace paquebot::metrics
