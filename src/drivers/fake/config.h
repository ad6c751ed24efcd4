#pragma once
#include "config/fields.h"

namespace scoria::drivers::fake {

/// What a section with volume_driver = fake says: an array in memory, gone with the process. For benchmarks.
struct FakeBackendOptions {
  Duration latency_min{}, latency_max{};

  void declare(config::Fields& fields);
};

}  // namespace scoria::drivers::fake
