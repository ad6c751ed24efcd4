#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "simulation/workload.h"

namespace scoria::simulation {

/// What a scenario works with: `volume`, which has bytes and one snapshot, is made before faults begin.
struct Scene {
  Cluster& cluster;
  Model& model;
  Workload& workload;
  ModelVolume* volume = nullptr;
  ModelSnapshot* snapshot = nullptr;
  std::string outcome;  // of a race: who was first

  /// All of these at once, each by a client of its own that begins a little later; returns when all have their answers.
  void together(const std::vector<std::function<void()>>& works);
  /// Waits until `there`, at most two virtual minutes; false if it never was.
  bool until(const std::function<bool()>& there);
};

struct Scenario {
  const char* kind;  // of the operation it is about; empty: about the cluster
  const char* name;
  void (*act)(Scene& scene);
  bool native_clones = false;
  int orders = 0;  // a race: how many outcomes its seeds must show, at least
  bool on_nodes = false;  // its requests are served by nodes that run operations too
};

std::span<const Scenario> scenarios();

/// Plays it in this cluster, until all is quiet and compared. `begin` is called when all is prepared, `end` when what was
/// asked for has ended. Gives the outcome.
std::string play(Cluster& cluster, const Scenario& scenario, const std::function<void()>& begin, const std::function<void()>& end);

}  // namespace scoria::simulation
