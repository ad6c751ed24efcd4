#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/time.h"

namespace scoria {

using Specs = std::map<std::string, std::string, std::less<>>;

/// Limits that volumes of some types have. Who keeps them: the hypervisor (front-end), the storage (back-end), or both.
struct QosSpecs {
  std::string id, name;
  std::string consumer = "back-end";
  Specs specs;
  std::int64_t rev = 0;
  Timestamp created_at, updated_at;

  bool by_host() const { return consumer != "back-end"; }
  bool by_storage() const { return consumer != "front-end"; }
};

/// What the specs mean for a volume of that size: `<limit>_per_gb` becomes the limit times GiB, at least
/// `<limit>_per_gb_min`, at most `<limit>_max`; anything else stays as it is.
Specs resolve_for(const Specs& specs, std::int64_t size_gib);

/// A limit as a number; 0 (none) when it is not there or is no number.
std::int64_t limit_of(const Specs& resolved, std::string_view name);

}  // namespace scoria
