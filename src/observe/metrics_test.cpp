#include "observe/metrics.h"

#include <gtest/gtest.h>

#include <thread>

namespace scoria::metrics {
namespace {

testing::AssertionResult shows(const std::string& line) {
  const std::string all = render();
  if (("\n" + all).find("\n" + line + "\n") != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << line << " is not in\n" << all;
}

TEST(Metrics, counters_with_labels_are_exposed_as_text) {
  const Counters claims{"test_claims_total", "Claims.", {"kind", "outcome"}};
  claims.with({"create", "done"}).add();
  claims.with({"create", "done"}).add(2);
  claims.with({"delete", "lost \"it\""}).add();
  EXPECT_TRUE(shows("# HELP test_claims_total Claims."));
  EXPECT_TRUE(shows("# TYPE test_claims_total counter"));
  EXPECT_TRUE(shows("test_claims_total{kind=\"create\",outcome=\"done\"} 3"));
  EXPECT_TRUE(shows("test_claims_total{kind=\"delete\",outcome=\"lost \\\"it\\\"\"} 1"));
}

TEST(Metrics, declaring_a_family_twice_is_the_same_family) {
  Counters{"test_twice_total", "Twice."}.with().add();
  Counters{"test_twice_total", "Twice."}.with().add();
  EXPECT_TRUE(shows("test_twice_total 2"));
}

TEST(Metrics, gauges_go_both_ways_and_histograms_fill_buckets) {
  const Gauge depth = Gauges{"test_depth", "Depth."}.with();
  depth.set(5);
  depth.add(-2);
  EXPECT_TRUE(shows("test_depth 3"));
  const Histogram time = Histograms{"test_seconds", "Time."}.with();
  time.observe(0.003);
  time.observe(100);
  EXPECT_TRUE(shows("test_seconds_count 2"));
  EXPECT_TRUE(shows("test_seconds_bucket{le=\"0.002\"} 0"));
  EXPECT_TRUE(shows("test_seconds_bucket{le=\"0.005\"} 1"));
  EXPECT_TRUE(shows("test_seconds_bucket{le=\"60\"} 1"));
}

TEST(Metrics, counting_from_many_threads_loses_nothing) {
  const Counter counter = Counters{"test_threads_total", "Threads."}.with();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([counter] {
      for (int i = 0; i < 10'000; ++i) counter.add();
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(shows("test_threads_total 40000"));
}

TEST(Metrics, the_process_itself_is_measured) {
  const std::string all = render();
  for (const char* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_threads ", "process_open_fds "}) {
    const auto at = all.find(std::string("\n") + name);
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_GT(std::strtod(all.c_str() + at + 1 + std::string_view(name).size(), nullptr), 0) << name;
  }
}

}  // namespace
}  // namespace scoria::metrics
