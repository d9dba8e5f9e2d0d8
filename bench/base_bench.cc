#include "base/encoding.h"
#include "base/ulid.h"

#include <benchmark/benchmark.h>
#include <string>

namespace paquebot {
namespace {

void encode_base64(benchmark::State& state) {
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(base64_encode(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode_base64)->Arg(57)->Arg(256 << 10);

void decode_base64(benchmark::State& state) {
  const std::string text = base64_encode(std::string(static_cast<std::size_t>(state.range(0)), 'x'));
  for (auto _ : state) benchmark::DoNotOptimize(base64_decode(text));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode_base64)->Arg(57)->Arg(256 << 10);

void next_ulid(benchmark::State& state) {
  UlidSource ids;
  for (auto _ : state) benchmark::DoNotOptimize(ids.next());
}
BENCHMARK(next_ulid);

} // namespace
} // namespace paquebot
