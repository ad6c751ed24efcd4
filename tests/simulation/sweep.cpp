#include "simulation/sweep.h"

#include <algorithm>
#include <set>

#include "simulation/workload.h"

namespace scoria::simulation {
namespace {

constexpr int most_occurrences = 3;  // of one site in one scenario that get cases of their own

/// What a scenario works with: `volume` and `snapshot` are made before faults begin.
struct Scene {
  Cluster& cluster;
  Model& model;
  Workload& workload;
  ModelVolume* volume = nullptr;
  ModelSnapshot* snapshot = nullptr;
};

struct Scenario {
  const char* kind;  // of the operation it is about; empty: about the cluster
  const char* name;
  bool native_clones;
  void (*act)(Scene& scene);
};

void wait_for_step(Scene& scene, std::string_view kind) {
  for (int i = 0; i < 2000; ++i) {
    const bool runs = scene.cluster.look([&](db::Transaction& tx) { return !tx.query("SELECT 1 FROM operation WHERE kind = ? AND state = 'running'", {kind}).empty(); });
    if (runs) return;
    scene.cluster.clock.sleep(1ms);
  }
}

constexpr Scenario scenarios[] = {
    {"volume.create", "a volume is created", false, [](Scene& s) { s.workload.create(0, 2); }},
    {"volume.create", "a volume is copied from a snapshot", false, [](Scene& s) { s.workload.create_from(0, *s.volume, s.snapshot); }},
    {"volume.create", "a volume is cloned from a snapshot by the array", true, [](Scene& s) { s.workload.create_from(0, *s.volume, s.snapshot); }},
    {"volume.create", "a volume is copied from a volume, and the copy cancelled", false,
     [](Scene& s) {
       ModelVolume& copy = s.workload.create_from(0, *s.volume, nullptr);
       wait_for_step(s, "volume.create");
       s.workload.cancel(copy);
     }},
    {"volume.delete", "a volume is deleted", false,
     [](Scene& s) {
       s.workload.remove(*s.volume, *s.snapshot);
       s.cluster.wait_quiet(5min);
       s.workload.remove(*s.volume);
     }},
    {"volume.delete", "a volume is deleted while a copy reads it", false,
     [](Scene& s) {
       s.workload.remove(*s.volume, *s.snapshot);
       s.cluster.wait_quiet(5min);
       s.workload.create_from(0, *s.volume, nullptr);
       s.workload.remove(*s.volume);
     }},
    {"volume.extend", "a volume grows", false, [](Scene& s) { s.workload.extend(*s.volume, 2); }},
    {"volume.revert", "a volume goes back to its snapshot", false,
     [](Scene& s) {
       s.model.write(*s.volume);
       s.workload.revert(*s.volume);
     }},
    {"snapshot.create", "a snapshot is taken", false, [](Scene& s) { s.workload.take_snapshot(*s.volume); }},
    {"snapshot.delete", "a snapshot is deleted while a copy reads it", false,
     [](Scene& s) {
       s.workload.create_from(0, *s.volume, s.snapshot);
       s.workload.remove(*s.volume, *s.snapshot);
     }},
    {"attachment.connect", "a volume is attached", false,
     [](Scene& s) {
       ModelAttachment& attachment = s.workload.attach(*s.volume);
       s.cluster.wait_quiet(5min);
       s.workload.complete(*s.volume, attachment);
     }},
    {"attachment.remove", "a volume is detached", false,
     [](Scene& s) {
       ModelAttachment& attachment = s.workload.attach(*s.volume);
       s.cluster.wait_quiet(5min);
       s.workload.detach(*s.volume, attachment);
     }},
    {"attachment.remove", "a volume is detached while it is being attached", false,
     [](Scene& s) {
       ModelAttachment& attachment = s.workload.attach(*s.volume);
       s.workload.detach(*s.volume, attachment);
     }},
    {"", "a node is drained in the middle of a copy", false,
     [](Scene& s) {
       s.workload.create_from(0, *s.volume, s.snapshot);
       wait_for_step(s, "volume.create");
       s.cluster.drain_node(s.cluster.some_owner());
     }},
    {"", "a node dies in the middle of a copy", false,
     [](Scene& s) {
       s.workload.create_from(0, *s.volume, s.snapshot);
       wait_for_step(s, "volume.create");
       s.cluster.kill_node(s.cluster.some_owner());
     }},
};

/// Sites that no simulation can reach, and who reaches them.
struct Exception {
  std::string_view prefix, reason;
};
constexpr Exception exceptions[] = {
    {"driver.file.", "real files: the conformance kit and tests/faults"},
    {"driver.broken.", "a test driver: its own tests"},
    {"driver.fake.", "another test driver: its own tests"},
    {"exports.", "real daemons: the tests of exports and tests/faults"},
    {"db.postgres.", "a real server: the tests of db on PostgreSQL and tests/faults"},
};

const char* text_of(FaultAction action) {
  switch (action) {
    case FaultAction::kill: return "kill";
    case FaultAction::pause: return "pause 6 s";
    case FaultAction::error: return "error";
    case FaultAction::drop_reply: return "lost reply";
  }
  return "";
}

SeedConfig config_for(std::size_t scenario) {
  SeedConfig config = SeedConfig::calm(1000 + scenario);
  config.nodes = 2;
  config.slots = 2, config.bulk_slots = 1;
  config.check_every = 5;
  config.array.clones_hang_on_source = scenarios[scenario].native_clones;
  return config;
}

struct Played {
  std::map<std::string, int> hits;
  std::set<std::string> inside;  // sites reached inside a transaction, where nobody can be paused
  std::vector<std::string> failures;
  bool fired = false;
};

void happen(Cluster& cluster, const failpoint::Site& site, FaultAction action) {
  Baton& baton = cluster.baton;
  baton.note(fmt::format("SWEEP {} at {}", text_of(action), site.name));
  switch (action) {
    case FaultAction::kill:
      cluster.count_kill(baton.current());
      return baton.kill(baton.current());
    case FaultAction::pause:
      ++cluster.counters.pauses;
      return baton.sleep(6s, "paused");
    case FaultAction::error:
      throw failpoint::Injected(site.name, "injected error", false);
    case FaultAction::drop_reply:
      throw failpoint::Injected(site.name, "injected: reply lost", true);
  }
}

void prepare(Scene& scene) {
  scene.cluster.clock.sleep(2s);  // the nodes come up
  scene.volume = &scene.workload.create(0, 2);
  scene.cluster.wait_quiet(5min);
  scene.model.write(*scene.volume);
  scene.snapshot = &scene.workload.take_snapshot(*scene.volume);
  scene.cluster.wait_quiet(5min);
}

Played play(std::size_t scenario, const SweepCase* armed, bool print, Counters& counters) {
  Cluster cluster(config_for(scenario), print);
  Model model(cluster);
  Workload workload(cluster, model);
  Played played;
  bool recording = false;
  cluster.baton.on_failpoint([&](const failpoint::Site& site) {
    if (!recording) return cluster.baton.point(site.name);
    const int hit = ++played.hits[site.name];
    if (cluster.baton.undisturbed()) played.inside.insert(site.name);
    if (armed == nullptr || played.fired || armed->site != site.name || armed->occurrence != hit) return cluster.baton.point(site.name);
    played.fired = true;
    happen(cluster, site, armed->action);
  });
  cluster.run([&] {
    cluster.start_nodes();
    Scene scene{cluster, model, workload};
    prepare(scene);
    recording = true;
    scenarios[scenario].act(scene);
    if (!cluster.wait_quiet(20min)) {
      cluster.fail("I7: stuck: operations do not end");
      for (const std::string& operation : cluster.live_operations()) cluster.fail("stuck: " + operation);
    }
    recording = false;
    cluster.heal();
    cluster.clock.sleep(45s);
    cluster.wait_quiet(1min);
    cluster.expect_timely();
    cluster.check_now();
    if (cluster.failures().empty()) {
      cluster.check_storage();
      model.compare();
    }
  });
  played.failures = cluster.failures();
  counters.add(cluster.counters);
  return played;
}

}  // namespace

Sweep::Sweep() {
  Counters ignored;
  std::set<std::string> reached;
  std::set<std::string_view> kinds;
  // Once for nothing: what the program remembers for its whole life (the areas of its log) is then the same for all runs.
  for (std::size_t scenario = 0; scenario < std::size(scenarios); ++scenario) play(scenario, nullptr, false, ignored);
  for (std::size_t scenario = 0; scenario < std::size(scenarios); ++scenario) {
    kinds.insert(scenarios[scenario].kind);
    const Played played = play(scenario, nullptr, false, ignored);
    for (const std::string& failure : played.failures) problems_.push_back(fmt::format("\"{}\" fails without any fault: {}", scenarios[scenario].name, failure));
    for (const auto& [site, hits] : played.hits) {
      reached.insert(site);
      for (int occurrence = 1; occurrence <= std::min(hits, most_occurrences); ++occurrence)
        for (const FaultAction action : {FaultAction::kill, FaultAction::pause, FaultAction::error, FaultAction::drop_reply})
          if (action != FaultAction::pause || !played.inside.contains(site)) cases_.push_back({scenario, site, occurrence, action});
    }
  }
  const Cluster cluster(SeedConfig::calm(1), false);
  for (const engine::Kind* kind : cluster.kinds().all())
    if (!kinds.contains(kind->name())) problems_.push_back(fmt::format("no scenario for operations of kind {}", kind->name()));
  for (const failpoint::Site* site : failpoint::sites()) {
    const bool excepted = std::any_of(std::begin(exceptions), std::end(exceptions), [&](const Exception& one) { return std::string_view(site->name).starts_with(one.prefix); });
    if (excepted) ++excepted_;
    else if (!reached.contains(site->name)) problems_.push_back(fmt::format("no scenario reaches the failpoint {}", site->name));
  }
  for (const Exception& one : exceptions)
    if (std::none_of(failpoint::sites().begin(), failpoint::sites().end(), [&](const failpoint::Site* site) { return std::string_view(site->name).starts_with(one.prefix); }))
      problems_.push_back(fmt::format("the exception for {}* ({}) fits no failpoint", one.prefix, one.reason));
  sites_ = reached.size();
}

std::string Sweep::describe(const SweepCase& one) const {
  return fmt::format("\"{}\": {} at {} ({})", scenarios[one.scenario].name, text_of(one.action), one.site, one.occurrence);
}

std::string Sweep::summary() const {
  return fmt::format("{} cases: {} scenarios, {} failpoint sites reached, {} left to tests on real daemons, files and servers", cases_.size(), std::size(scenarios), sites_, excepted_);
}

std::vector<std::string> Sweep::run(const SweepCase& one, bool print, Counters& counters) const {
  Played played = play(one.scenario, &one, print, counters);
  if (!played.fired) played.failures.push_back("the place was not reached: the same seed took another way");
  return played.failures;
}

}  // namespace scoria::simulation
