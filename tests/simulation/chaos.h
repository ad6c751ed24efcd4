#pragma once
#include "simulation/cluster.h"

namespace scoria::simulation {

/// Things happen to nodes and to their ways, at random, until all is healed.
void chaos(Cluster& cluster);
/// A failpoint is reached: the seed decides whether something happens there.
void at_failpoint(Cluster& cluster, const failpoint::Site& site);

}  // namespace scoria::simulation
