#include "observe/metrics.h"

#include <dirent.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <mutex>

#include "base/check.h"

namespace scoria::metrics {
namespace {

/// Never destroyed: threads may count while the process ends.
prometheus::Registry& registry() {
  static prometheus::Registry& instance = *new prometheus::Registry;
  return instance;
}

/// What render() adds by itself.
struct OfProcess {
  const char* name;
  const char* type;
  const char* help;
};
constexpr OfProcess of_process[] = {{"process_cpu_seconds_total", "counter", "User and system CPU time."},
                                    {"process_resident_memory_bytes", "gauge", "Resident memory."},
                                    {"process_threads", "gauge", "Threads."},
                                    {"process_open_fds", "gauge", "Open files."}};

std::mutex declarations_mutex;
std::vector<Declared>& declarations() {
  static std::vector<Declared>& all = *new std::vector<Declared>;
  return all;
}

void note(const char* type, std::string_view name, std::string_view help, Names labels) {
  const std::lock_guard lock(declarations_mutex);
  declarations().push_back({std::string(name), type, std::string(help), {labels.begin(), labels.end()}});
}

prometheus::Labels zip(const std::vector<std::string>& names, LabelValues values) {
  SCORIA_CHECK(names.size() == values.size(), "a metric wants one value for each of its labels");
  prometheus::Labels out;
  auto name = names.begin();
  for (const std::string_view value : values) out.emplace(*name++, value);
  return out;
}

prometheus::MetricFamily made(const OfProcess& family, double value) {
  prometheus::ClientMetric metric;
  const bool counts = std::string_view(family.type) == "counter";
  (counts ? metric.counter.value : metric.gauge.value) = value;
  return {family.name, family.help, counts ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge, {std::move(metric)}};
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
    : Family(&prometheus::BuildCounter().Name(std::string(name)).Help(std::string(help)).Register(registry()), labels) {
  note("counter", name, help, labels);
}

Counter Counters::with(LabelValues values) const {
  return Counter(&static_cast<prometheus::Family<prometheus::Counter>*>(family_)->Add(zip(labels_, values)));
}

Gauges::Gauges(std::string_view name, std::string_view help, Names labels)
    : Family(&prometheus::BuildGauge().Name(std::string(name)).Help(std::string(help)).Register(registry()), labels) {
  note("gauge", name, help, labels);
}

Gauge Gauges::with(LabelValues values) const {
  return Gauge(&static_cast<prometheus::Family<prometheus::Gauge>*>(family_)->Add(zip(labels_, values)));
}

Histograms::Histograms(std::string_view name, std::string_view help, Names labels, std::span<const double> buckets)
    : Family(&prometheus::BuildHistogram().Name(std::string(name)).Help(std::string(help)).Register(registry()), labels),
      buckets_(buckets.begin(), buckets.end()) {
  note("histogram", name, help, labels);
}

Histogram Histograms::with(LabelValues values) const {
  return Histogram(&static_cast<prometheus::Family<prometheus::Histogram>*>(family_)->Add(zip(labels_, values), buckets_));
}

std::vector<Declared> declared() {
  const std::lock_guard lock(declarations_mutex);
  std::vector<Declared> out = declarations();
  for (const OfProcess& family : of_process) out.push_back({family.name, family.type, family.help, {}});
  std::sort(out.begin(), out.end(), [](const Declared& a, const Declared& b) { return a.name < b.name; });
  return out;
}

std::string render() {
  std::vector<prometheus::MetricFamily> all = registry().Collect();
  const double values[] = {cpu_seconds(), status_field("VmRSS:") * 1024, status_field("Threads:"), open_files()};
  for (std::size_t i = 0; i < std::size(values); ++i) all.push_back(made(of_process[i], values[i]));
  return prometheus::TextSerializer{}.Serialize(all);
}

}  // namespace scoria::metrics
