#include <benchmark/benchmark.h>

#include "base/failpoint.h"

// What a failpoint costs that is compiled in, but off: the difference between the two, per pass.
namespace {

void work_alone(benchmark::State& state) {
  std::uint64_t sum = 0;
  for (auto _ : state) benchmark::DoNotOptimize(sum += 3);
}
BENCHMARK(work_alone);

void work_with_a_failpoint(benchmark::State& state) {
  std::uint64_t sum = 0;
  for (auto _ : state) {
    FAILPOINT("bench.off");
    benchmark::DoNotOptimize(sum += 3);
  }
}
BENCHMARK(work_with_a_failpoint);

}  // namespace

BENCHMARK_MAIN();
