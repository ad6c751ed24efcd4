#include "observe/metrics.h"

#include <dirent.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>

#include <cstdio>

#include "base/check.h"

namespace scoria::metrics {
namespace {

/// Never destroyed: threads may count while the process ends.
prometheus::Registry& registry() {
  static prometheus::Registry& instance = *new prometheus::Registry;
  return instance;
}

prometheus::Labels zip(const std::vector<std::string>& names, LabelValues values) {
  SCORIA_CHECK(names.size() == values.size(), "a metric wants one value for each of its labels");
  prometheus::Labels out;
  auto name = names.begin();
  for (const std::string_view value : values) out.emplace(*name++, value);
  return out;
}

prometheus::MetricFamily gauge(std::string name, std::string help, double value, prometheus::MetricType type = prometheus::MetricType::Gauge) {
  prometheus::ClientMetric metric;
  (type == prometheus::MetricType::Gauge ? metric.gauge.value : metric.counter.value) = value;
  return {std::move(name), std::move(help), type, {std::move(metric)}};
}

/// The named field of /proc/self/status, as a number; 0 if it is not there.
double status_field(std::string_view name) {
  std::FILE* file = std::fopen("/proc/self/status", "re");
  if (file == nullptr) return 0;
  char line[256];
  double out = 0;
  while (std::fgets(line, sizeof line, file) != nullptr)
    if (std::string_view(line).starts_with(name)) out = std::strtod(line + name.size(), nullptr);
  std::fclose(file);
  return out;
}

double open_files() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  double count = -3;  // ".", ".." and the directory itself
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

void Counter::add(double by) const { static_cast<prometheus::Counter*>(counter_)->Increment(by); }
void Gauge::set(double value) const { static_cast<prometheus::Gauge*>(gauge_)->Set(value); }
void Gauge::add(double by) const { static_cast<prometheus::Gauge*>(gauge_)->Increment(by); }
void Histogram::observe(double value) const { static_cast<prometheus::Histogram*>(histogram_)->Observe(value); }

Counters::Counters(std::string_view name, std::string_view help, Names labels)
    : Family(&prometheus::BuildCounter().Name(std::string(name)).Help(std::string(help)).Register(registry()), labels) {}

Counter Counters::with(LabelValues values) const {
  return Counter(&static_cast<prometheus::Family<prometheus::Counter>*>(family_)->Add(zip(labels_, values)));
}

Gauges::Gauges(std::string_view name, std::string_view help, Names labels)
    : Family(&prometheus::BuildGauge().Name(std::string(name)).Help(std::string(help)).Register(registry()), labels) {}

Gauge Gauges::with(LabelValues values) const {
  return Gauge(&static_cast<prometheus::Family<prometheus::Gauge>*>(family_)->Add(zip(labels_, values)));
}

Histograms::Histograms(std::string_view name, std::string_view help, Names labels, std::span<const double> buckets)
    : Family(&prometheus::BuildHistogram().Name(std::string(name)).Help(std::string(help)).Register(registry()), labels),
      buckets_(buckets.begin(), buckets.end()) {}

Histogram Histograms::with(LabelValues values) const {
  return Histogram(&static_cast<prometheus::Family<prometheus::Histogram>*>(family_)->Add(zip(labels_, values), buckets_));
}

std::string render() {
  std::vector<prometheus::MetricFamily> all = registry().Collect();
  all.push_back(gauge("process_cpu_seconds_total", "User and system CPU time.", cpu_seconds(), prometheus::MetricType::Counter));
  all.push_back(gauge("process_resident_memory_bytes", "Resident memory.", status_field("VmRSS:") * 1024));
  all.push_back(gauge("process_threads", "Threads.", status_field("Threads:")));
  all.push_back(gauge("process_open_fds", "Open files.", open_files()));
  return prometheus::TextSerializer{}.Serialize(all);
}

}  // namespace scoria::metrics
