#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "simulation/sim_array.h"
#include "simulation/sim_database.h"

namespace scoria::simulation {

/// What clients ask for, besides volumes out of nothing.
struct Requests {
  bool copies = true;     // of snapshots
  bool clones = true;     // of volumes
  bool keys = true;       // creates with an idempotency key, asked again when the answer was lost
  bool deletes = true, by_force = true;  // by_force: deletes with cascade or force
  bool extends = true, reverts = true;
  bool snapshots = true, snapshot_deletes = true;
  bool attachments = true, cancels = true;
};

/// What befalls whole nodes, the way to the database, and the database, every now and then.
struct Nemeses {
  bool kills = false, power_cuts = false, pauses = false, drains = false, rolling_restarts = false;
  bool slow_nodes = false, clock_stalls = false;
  bool cuts = false;            // a node does not reach the database
  bool deaf = false;            // its statements arrive, the answers do not
  bool array_cuts = false;      // a node does not reach the array
  bool beacon_lies = false;     // beacons look lost, or go on after a death
  bool stalls = false;          // the database answers nobody
  bool restarts = false;        // it ends all connections, and what was under way is lost or not
  bool read_only = false;       // it takes no writes: a full disk, a standby
  bool clock_jumps = false;     // its clock jumps: a promoted standby
  bool array_outages = false;   // nobody reaches the array
  bool site_changes = false;    // the backend's generation changes while nothing of it runs
};

/// What a seed draws before it starts: sizes, times, which requests clients make, and which faults it has at all ("swarm":
/// a random half of the kinds is off, because they hide each other).
struct SeedConfig {
  std::uint64_t seed = 1;
  int schedule = 0;    // another order of things with the same settings; for making a failing run smaller
  std::string faults;  // numbers of those that happen, "3,7-9"; empty: all
  // The cluster.
  int nodes = 3;
  Duration lease = 4s, beat = 1s, sweep = 500ms, poll = 1s, report = 5s;
  int slots = 4, bulk_slots = 2, project_limit = 0;
  std::int64_t pool_gib = 4096;
  std::size_t inventory_page = 2;
  double stickiness = 0.5;
  bool beacons = true;  // nodes notice deaths by them, as on a database server
  // The clients.
  int clients = 3, commands = 10;
  Duration think = 4s;  // between two commands of a client, at most
  double on_nodes = 0;              // chance of a request to be served by a node that also runs operations
  bool permanent_failures = false;  // some creates are refused by the array for good
  bool obstacles = false;           // some creates are refused for now, and for ever
  Requests requests;
  // The faults, all of them only in the first half.
  Duration chaos_for = 60s;
  Duration chaos_pause = 2s;  // on average between two of these
  Nemeses nemeses;
  double failpoint_chance = 0;
  bool failpoint_kill = false, failpoint_pause = false, failpoint_error = false, failpoint_drop = false;
  DatabaseFaults database;
  ArrayFaults array;
  // Which sections the array's driver has, under leases in the database.
  drivers::Scope sections = drivers::Scope::none;
  Duration quiet_for = 20min;  // when all is well again: what has not ended by then is stuck
  // How closely the invariants are watched: every so many commits.
  int check_every = 25;

  static SeedConfig draw(std::uint64_t seed);
  /// No faults at all; for scenarios.
  static SeedConfig calm(std::uint64_t seed);
  /// The settings in which it differs from `other`: "nodes=2 kills=1".
  std::string changes_from(const SeedConfig& other) const;
  /// Settings as changes_from() writes them. Throws std::invalid_argument with what is wrong.
  void apply(std::string_view changes);
};

/// One setting by name, as text; a number or an amount of time can be compared with it.
struct Setting {
  using Place = std::variant<bool*, int*, std::int64_t*, std::size_t*, double*, Duration*, drivers::Scope*, std::string*>;
  const char* name;
  Place (*of)(SeedConfig& config);
};
const std::vector<Setting>& settings();

}  // namespace scoria::simulation
