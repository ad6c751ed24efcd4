#pragma once
#include <span>

#include "simulation/cluster.h"

namespace scoria::simulation {

/// Something that befalls a cluster as a whole, a node, or the way between two parts of it.
struct Nemesis {
  const char* name;
  bool Nemeses::* on;
  void (*strike)(Cluster& cluster, std::size_t node);
};
/// At most Counters::kinds_of_nemeses; their places there are their numbers here.
std::span<const Nemesis> nemeses();

/// Does things to nodes, database and array as the seed draws, until the cluster is healed. The body of a process.
void chaos(Cluster& cluster);
/// What happens at a failpoint that somebody reaches: for Baton::on_failpoint.
void at_failpoint(Cluster& cluster, const failpoint::Site& site);

}  // namespace scoria::simulation
