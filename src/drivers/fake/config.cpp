#include "drivers/fake/config.h"

namespace scoria::drivers::fake {

void FakeBackendOptions::declare(config::Fields& fields) {
  fields.section(config::backend);
  fields.driver("fake");
  fields.add("fake_latency_min", &latency_min, "Each call takes at least this long.");
  fields.add("fake_latency_max", &latency_max, "And at most this long.");
}

}  // namespace scoria::drivers::fake
