// What it costs to count: an acceptance counts some twenty times, and takes some hundred microseconds of processor
// time.

#include "metrics/counters.h"
#include "metrics/text.h"

#include <benchmark/benchmark.h>

namespace paquebot::metrics {
namespace {

void count(benchmark::State& state) {
  unsigned turn = 0;
  for (auto _ : state) replies.add(static_cast<Role>(++turn & 3), static_cast<ReplyClass>(turn >> 2 & 3));
}
BENCHMARK(count)->ThreadRange(1, 4);

void observe(benchmark::State& state) {
  std::chrono::microseconds took{0};
  for (auto _ : state) acceptance.observe(took = std::chrono::microseconds((took.count() + 977) & 0xffff));
}
BENCHMARK(observe)->ThreadRange(1, 4);

void scrape(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(metrics_text({}));
}
BENCHMARK(scrape);

} // namespace
} // namespace paquebot::metrics
