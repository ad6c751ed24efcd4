#pragma once
#include <cstdint>
#include <string>

#include "base/time.h"
#include "simulation/sim_array.h"
#include "simulation/sim_database.h"

namespace scoria::simulation {

/// What a seed draws before it starts: sizes, times, and which faults it has at all ("swarm": a random half of the kinds
/// is off, because faults hide each other).
struct SeedConfig {
  std::uint64_t seed = 1;
  // The cluster.
  int nodes = 3;
  Duration lease = 4s, beat = 1s, sweep = 500ms, poll = 1s, report = 5s;
  int slots = 4, bulk_slots = 2, project_limit = 0;
  std::int64_t pool_gib = 4096;
  std::size_t inventory_page = 2;
  double stickiness = 0.5;
  // The clients.
  int clients = 3, commands = 10;
  Duration think = 4s;  // between two commands of a client, at most
  double on_nodes = 0;              // chance of a request to be served by a node that also runs operations
  bool permanent_failures = false;  // some creates are refused by the array for good
  // The faults, all of them only in the first half.
  Duration chaos_for = 60s;
  Duration chaos_pause = 2s;  // on average between two of these
  bool kill_nodes = false, pause_nodes = false, drain_nodes = false, stall_database = false, cut_nodes = false;
  double failpoint_chance = 0;
  bool failpoint_kill = false, failpoint_pause = false, failpoint_error = false, failpoint_drop = false;
  DatabaseFaults database;
  ArrayFaults array;
  // Which sections the array's driver has, under leases in the database.
  drivers::Scope sections = drivers::Scope::none;
  // How closely the invariants are watched: every so many commits.
  int check_every = 25;

  static SeedConfig draw(std::uint64_t seed);
  /// No faults at all; for scenarios.
  static SeedConfig calm(std::uint64_t seed);
  std::string to_text() const;
};

}  // namespace scoria::simulation
