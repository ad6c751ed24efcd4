#pragma once
#include <optional>
#include <string>

#include "base/bytes.h"
#include "domain/pool.h"

/// How much a pool can still promise. Formulas as Cinder's (behaviour tests of drivers and deployments rely on them), but
/// counted in bytes: GiB and their rounding are for showing only.
namespace scoria::scheduler {

/// The ratio in force. "auto" is 1 + provisioned / (used + 1 GiB), and 20 while nothing is provisioned or used is unknown.
double over_subscription_of(const PoolState& pool);

/// What a pool's numbers come to for thin or thick volumes.
struct Room {
  enum class Kind { bounded, unbounded, unusable } kind = Kind::unbounded;
  bool thin = true;
  double ratio = 1;
  Bytes reserved, usable;      // usable = total - reserved; reserved = whole GiB of total × reserved_percentage
  Bytes limit;                 // thin: usable × ratio
  bool by_promise = false;     // PoolState::promise_limit is the tighter bound, and is what `limit` says
  Bytes virtual_free;          // may be negative
  std::string why_unusable;
};

/// `thick`: the volume's type asks for thick provisioning.
Room room_of(const PoolState& pool, bool thick);

/// Why a volume cannot be made here, and what would help.
struct Shortage {
  std::string reason;
  std::optional<Bytes> missing;        // this much more free (or less provisioned) would do
  std::optional<double> ratio_needed;  // or an over-subscription ratio of at least this
};

/// `size` is what the volume takes here (PoolState::taken_by), or what an extend adds. 0 (manage) always fits.
std::optional<Shortage> shortage(const PoolState& pool, Bytes size, bool thick);

/// "2.5 GiB": at most two decimals; sizes below 0.01 GiB in MiB or bytes.
std::string in_gib(Bytes size);

}  // namespace scoria::scheduler
