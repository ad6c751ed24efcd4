#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "json/value.h"

namespace scoria {

/// A capacity as a backend tells it.
struct Capacity {
  enum class Kind { known, unknown, infinite };
  Kind kind = Kind::unknown;
  Bytes size;

  static Capacity of(Bytes size) { return {Kind::known, size}; }
  bool known() const { return kind == Kind::known; }
};

/// A pool at one moment: what its backend reported, what is promised of it, and whether it may be used now.
struct PoolState {
  std::string backend;  // "cluster@backend" or "host@backend"
  std::string name;
  Capacity total, free;
  Bytes provisioned;    // sum of the sizes of everything in it, ours or not; at least `allocated`
  Bytes allocated;      // what Scoria has promised of it …
  std::optional<Bytes> promise_limit;  // … and never beyond this, whatever the numbers above come to
  std::int64_t volumes = 0;
  Bytes unit{1};        // objects take multiples of it …
  Bytes minimum{0};     // … and at least this
  int reserved_percentage = 0;
  std::optional<double> over_subscription = 20.0;  // max_over_subscription_ratio; nothing: auto
  bool thin = true, thick = false;                 // what it can do
  bool multiattach = false;
  std::string zone;
  bool up = true, disabled = false, frozen = false;
  std::string filter_function;   // the driver filter's expression, may be empty
  std::string goodness_function;
  json::Value capabilities;      // an object: what else it reports, for extra specs

  /// Cinder's name of a pool, and the host of the volumes in it.
  std::string host() const { return backend + "#" + name; }
  /// What a volume of that size takes here; of size 0 nothing.
  Bytes taken_by(Bytes size) const { return size.count == 0 ? size : round_up({std::max(size.count, minimum.count)}, unit); }
};

}  // namespace scoria
