#include "simulation/scenarios.h"

namespace scoria::simulation {
namespace {

void wait_for_step(Scene& scene, std::string_view kind) {
  for (int i = 0; i < 2000; ++i) {
    const bool runs = scene.cluster.look([&](db::Transaction& tx) { return !tx.query("SELECT 1 FROM operation WHERE kind = ? AND state = 'running'", {kind}).empty(); });
    if (runs) return;
    scene.cluster.clock.sleep(1ms);
  }
}

const char* told(Known answer, const char* yes, const char* no) { return answer == Known::yes ? yes : answer == Known::no ? no : "nobody knows"; }

constexpr Scenario all[] = {
    {"volume.create", "a volume is created", [](Scene& s) { s.workload.create(0, 2); }},
    {"volume.create", "a volume is copied from a snapshot", [](Scene& s) { s.workload.create_from(0, *s.volume, s.snapshot); }},
    {"volume.create", "a volume is cloned from a snapshot by the array", [](Scene& s) { s.workload.create_from(0, *s.volume, s.snapshot); }, true},
    {"volume.create", "a volume is copied from a volume, and the copy cancelled",
     [](Scene& s) {
       ModelVolume& copy = s.workload.create_from(0, *s.volume, nullptr);
       wait_for_step(s, "volume.create");
       s.workload.cancel(copy);
     }},
    {"volume.delete", "a volume is deleted",
     [](Scene& s) {
       s.workload.remove(*s.volume, *s.snapshot);
       s.cluster.wait_quiet(5min);
       s.workload.remove(*s.volume);
     }},
    {"volume.delete", "a volume is deleted while a copy reads it",
     [](Scene& s) {
       s.workload.remove(*s.volume, *s.snapshot);
       s.cluster.wait_quiet(5min);
       s.workload.create_from(0, *s.volume, nullptr);
       s.workload.remove(*s.volume);
     }},
    {"volume.extend", "a volume grows", [](Scene& s) { s.workload.extend(*s.volume, 2); }},
    {"volume.revert", "a volume goes back to its snapshot",
     [](Scene& s) {
       s.model.write(*s.volume);
       s.workload.revert(*s.volume);
     }},
    {"snapshot.create", "a snapshot is taken", [](Scene& s) { s.workload.take_snapshot(*s.volume); }},
    {"snapshot.delete", "a snapshot is deleted while a copy reads it",
     [](Scene& s) {
       s.workload.create_from(0, *s.volume, s.snapshot);
       s.workload.remove(*s.volume, *s.snapshot);
     }},
    {"attachment.connect", "a volume is attached",
     [](Scene& s) {
       ModelAttachment& attachment = s.workload.attach(*s.volume);
       s.cluster.wait_quiet(5min);
       s.workload.complete(*s.volume, attachment);
     }},
    {"attachment.remove", "a volume is detached",
     [](Scene& s) {
       ModelAttachment& attachment = s.workload.attach(*s.volume);
       s.cluster.wait_quiet(5min);
       s.workload.detach(*s.volume, attachment);
     }},
    {"attachment.remove", "a volume is detached while it is being attached",
     [](Scene& s) {
       ModelAttachment& attachment = s.workload.attach(*s.volume);
       s.workload.detach(*s.volume, attachment);
     }},
    {"volume.create", "a volume is created by the node that takes the request", [](Scene& s) { s.workload.create(0, 2); }, false, 0, true},
    {"attachment.connect", "a volume is attached and detached by the node that takes the requests",
     [](Scene& s) {
       ModelAttachment& attachment = s.workload.attach(*s.volume);
       s.cluster.wait_quiet(5min);
       s.workload.complete(*s.volume, attachment);
       s.workload.detach(*s.volume, attachment);
     },
     false, 0, true},
    {"volume.delete", "a volume is deleted by the node that takes the request, while that node is drained",
     [](Scene& s) {
       ModelVolume& other = s.workload.create(0, 1);
       s.cluster.wait_quiet(5min);
       s.together({[&] { s.workload.remove(other); }, [&] { s.cluster.drain_node(s.cluster.some_owner()); }});
     },
     false, 0, true},
    {"", "a node is drained in the middle of a copy",
     [](Scene& s) {
       s.workload.create_from(0, *s.volume, s.snapshot);
       wait_for_step(s, "volume.create");
       s.cluster.drain_node(s.cluster.some_owner());
     }},
    {"", "a node dies in the middle of a copy",
     [](Scene& s) {
       s.workload.create_from(0, *s.volume, s.snapshot);
       wait_for_step(s, "volume.create");
       s.cluster.kill_node(s.cluster.some_owner());
     }},
    // Races. The seeds of --races run them in many orders, the sweep in one with every fault.
    {"", "a snapshot is deleted while a volume is copied from it, and the copy is cancelled",
     [](Scene& s) {
       ModelVolume& copy = s.workload.create_from(0, *s.volume, s.snapshot);
       s.together({[&] { s.workload.remove(*s.volume, *s.snapshot); }, [&] { s.workload.cancel(copy); }});
       s.outcome = told(copy.cancelled, "the copy was cancelled", "the copy was published");
     },
     false, 2},
    {"", "a snapshot is deleted while a volume is copied from it, and the copier is killed",
     [](Scene& s) {
       s.workload.create_from(0, *s.volume, s.snapshot);
       s.together({[&] { s.workload.remove(*s.volume, *s.snapshot); },
                   [&] {
                     s.until([&] { return s.cluster.array->anything_open(); });
                     s.outcome = s.cluster.array->anything_open() ? "killed in the copy" : "killed beside it";
                     s.cluster.kill_node(s.cluster.some_owner());
                   }});
     },
     false, 2},
    {"", "a volume is deleted while a snapshot is taken of it",
     [](Scene& s) {
       s.workload.remove(*s.volume, *s.snapshot);
       s.until([&] { return s.cluster.live_operations().empty(); });
       ModelSnapshot* taken = nullptr;
       s.together({[&] { s.workload.remove(*s.volume); }, [&] { taken = &s.workload.take_snapshot(*s.volume); }});
       if (s.volume->deleted == Known::yes && taken->created == Known::yes) s.cluster.fail("model: both were accepted, the delete and the snapshot");
       s.outcome = s.volume->deleted == Known::yes ? "the delete was first" : told(taken->created, "the snapshot was first", "neither");
     },
     false, 2},
    {"", "a volume is deleted by cascade while a snapshot is taken of it",
     [](Scene& s) {
       ModelSnapshot* taken = nullptr;
       s.together({[&] { s.workload.remove(*s.volume, {.cascade = true}); }, [&] { taken = &s.workload.take_snapshot(*s.volume); }});
       if (s.volume->deleted != Known::no) taken->deleted = Known::perhaps;
       s.outcome = s.volume->deleted == Known::no ? "the snapshot was first" : told(taken->created, "the new snapshot went along", "the delete was first");
     },
     false, 2},
    {"", "a volume is deleted by force while an attach waits for its backend",
     [](Scene& s) {
       s.workload.remove(*s.volume, *s.snapshot);
       s.until([&] { return s.cluster.live_operations().empty(); });
       s.cluster.array->faults.latency = 2s;
       ModelAttachment* attachment = nullptr;
       s.together({[&] { attachment = &s.workload.attach(*s.volume); }, [&] { s.workload.remove(*s.volume, {.force = true}); }});
       if (s.volume->deleted != Known::no) attachment->removed = Known::perhaps;
       s.outcome = s.volume->deleted == Known::no ? "not deleted" : told(attachment->created, "the attach was ended", "the delete was first");
     },
     false, 2},
    {"", "a volume is deleted by force while it is being copied to",
     [](Scene& s) {
       ModelVolume& copy = s.workload.create_from(0, *s.volume, s.snapshot);
       s.until([&] { return s.cluster.array->anything_open(); });
       s.workload.remove(copy, {.force = true});
       s.outcome = told(copy.deleted, "the copy was stopped and deleted", "not deleted");
     },
     false, 1},
    {"", "one idempotency key is used twice at once",
     [](Scene& s) {
       ModelVolume& made = s.workload.wish(0, 1);
       s.together({[&] { s.workload.create_with_key(made, "k"); }, [&] { s.workload.create_with_key(made, "k"); }});
       const bool answered = made.created == Known::yes;
       for (int again = 0; again < 20 && made.created != Known::yes; ++again) s.workload.create_with_key(made, "k");
       s.outcome = answered ? "one volume" : "one volume after another try";
     },
     false, 1},
    {"", "a create is cancelled while it is published",
     [](Scene& s) {
       ModelVolume& made = s.workload.create(0, 1);
       s.together({[&] { s.workload.cancel(made); }});
       s.outcome = told(made.cancelled, "the cancel was first", "the publish was first");
     },
     false, 2},
    {"", "a volume cannot grow after its quota was taken",
     [](Scene& s) {
       s.cluster.array->always_fails.insert(s.volume->name);
       s.volume->cannot_grow = true;
       s.workload.extend(*s.volume, 3);
       s.outcome = "quota and capacity given back";
     },
     false, 1},
    {"", "COMMITs are lost and repeated",
     [](Scene& s) {
       s.cluster.server->faults.commit_lost = s.cluster.server->faults.reply_lost = 0.3;
       ModelAttachment* attachment = nullptr;
       s.together({[&] { s.workload.create(0, 1); }, [&] { s.workload.create_from(0, *s.volume, s.snapshot); }, [&] { s.workload.take_snapshot(*s.volume); },
                   [&] { attachment = &s.workload.attach(*s.volume); }});
       s.together({[&] { s.workload.extend(*s.volume, 1); }, [&] { s.workload.remove(*s.volume, *s.snapshot); },
                   [&] { s.workload.detach(*s.volume, *attachment); }});
       s.outcome = "nothing doubled, nothing lost";
     },
     false, 1},
    {"", "a mover is stopped in a copy, and goes on after its successor has published and a user has written",
     [](Scene& s) {
       ModelVolume& copy = s.workload.create_from(0, *s.volume, s.snapshot);
       s.until([&] { return s.cluster.array->anything_open(); });
       s.cluster.pause_node(s.cluster.some_owner(), 90s);
       const bool published = s.until([&] { return !s.model.follow(copy).empty(); });
       s.model.write(copy);
       s.outcome = !published ? "nothing published" : s.cluster.array->anything_open() ? "written while the mover was stopped" : "the mover was not in the copy";
       s.cluster.clock.sleep(100s);
     },
     false, 2},
};

void prepare(Scene& scene) {
  scene.cluster.clock.sleep(2s);  // the nodes come up
  scene.volume = &scene.workload.create(0, 2);
  scene.cluster.wait_quiet(5min);
  scene.model.write(*scene.volume);
  scene.snapshot = &scene.workload.take_snapshot(*scene.volume);
  scene.cluster.wait_quiet(5min);
}


}  // namespace

std::span<const Scenario> scenarios() { return all; }

void Scene::together(const std::vector<std::function<void()>>& works) {
  auto busy = std::make_shared<std::size_t>(works.size());
  const auto delay = cluster.baton.random().below(2) == 0 ? 5'000 : 400'000;
  for (std::size_t i = 0; i < works.size(); ++i)
    cluster.baton.start(fmt::format("client{}", i + 1), [this, busy, delay, work = works[i]] {
      cluster.clock.sleep(Duration{static_cast<std::int64_t>(cluster.baton.random().below(static_cast<std::uint64_t>(delay)))});
      work();
      --*busy;
    });
  while (*busy > 0) cluster.clock.sleep(10ms);
}

bool Scene::until(const std::function<bool()>& there) {
  const Deadline limit = Deadline::in(cluster.clock, 2min);
  while (!limit.passed(cluster.clock)) {
    if (there()) return true;
    cluster.clock.sleep(5ms);
  }
  return false;
}

std::string play(Cluster& cluster, const Scenario& scenario, const std::function<void()>& begin, const std::function<void()>& end) {
  Model model(cluster);
  Workload workload(cluster, model);
  std::string outcome;
  cluster.run([&] {
    cluster.start_nodes();
    Scene scene{cluster, model, workload};
    prepare(scene);
    begin();
    scenario.act(scene);
    outcome = scene.outcome;
    if (!cluster.wait_quiet(20min)) {
      cluster.fail("I7: stuck: operations do not end");
      for (const std::string& operation : cluster.live_operations()) cluster.fail("stuck: " + operation);
    }
    end();
    cluster.heal();
    cluster.clock.sleep(45s);
    cluster.wait_quiet(1min);
    cluster.expect_timely();
    cluster.check_now();
    if (cluster.failures().empty()) {
      cluster.check_slots();
      cluster.check_storage();
      model.compare();
    }
  });
  return outcome;
}

}  // namespace scoria::simulation
