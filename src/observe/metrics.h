#pragma once
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Metrics of this process, for Prometheus. Declare a family once, as a constant beside its user, with its label names;
/// keep the handle that with() gives where increments are frequent: using it costs a few nanoseconds and takes no lock (a
/// histogram: one uncontended lock). Handles live as long as the process and may be copied. Thread-safe.
///
///   const metrics::Counters claims{"scoria_operation_claims_total", "Operations claimed by this node.", {"kind"}};
///   claims.with({"volume.create"}).add();
namespace scoria::metrics {

using Names = std::initializer_list<std::string_view>;
using LabelValues = std::initializer_list<std::string_view>;

class Counter {
 public:
  void add(double by = 1) const;

 private:
  friend class Counters;
  explicit Counter(void* counter) : counter_(counter) {}
  void* counter_;
};

class Gauge {
 public:
  void set(double value) const;
  void add(double by) const;

 private:
  friend class Gauges;
  explicit Gauge(void* gauge) : gauge_(gauge) {}
  void* gauge_;
};

class Histogram {
 public:
  /// In the unit that the name ends in: seconds or bytes.
  void observe(double value) const;

 private:
  friend class Histograms;
  explicit Histogram(void* histogram) : histogram_(histogram) {}
  void* histogram_;
};

/// Base of the families: a name known to this process and the names of its labels.
class Family {
 protected:
  Family(void* family, Names labels) : family_(family), labels_(labels.begin(), labels.end()) {}
  void* family_;
  std::vector<std::string> labels_;
};

/// with() wants one value for each label name, in their order (asserted). Few values per label: never ids.
class Counters : Family {
 public:
  Counters(std::string_view name, std::string_view help, Names labels = {});
  Counter with(LabelValues values = {}) const;
};

class Gauges : Family {
 public:
  Gauges(std::string_view name, std::string_view help, Names labels = {});
  Gauge with(LabelValues values = {}) const;
};

/// 1 ms to 60 s, in the 1-2-5 series.
inline constexpr double seconds_buckets[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60};

class Histograms : Family {
 public:
  Histograms(std::string_view name, std::string_view help, Names labels = {}, std::span<const double> buckets = seconds_buckets);
  Histogram with(LabelValues values = {}) const;

 private:
  std::vector<double> buckets_;
};

/// A family as it was declared, whether it has values yet or not.
struct Declared {
  std::string name, type, help;
  std::vector<std::string> labels;
};
/// Every family of this program, by name: for the reference page.
std::vector<Declared> declared();

/// Everything in Prometheus' text format, version 0.0.4, with this process's CPU time, memory, threads and open files.
std::string render();

}  // namespace scoria::metrics
