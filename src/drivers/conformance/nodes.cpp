#include <signal.h>

#include <algorithm>

#include "base/failpoint.h"
#include "drivers/conformance/bench.h"
#include "drivers/conformance/child.h"

/// Three nodes, each a process with a driver of its own, use one backend at once, die, pause and wake up. What passes here
/// may be worked on by all nodes of a cluster together (drivers/proofs.h).
namespace scoria::drivers::conformance {
namespace {

constexpr int nodes = 3;

void need_processes(Bench& b) { expect(!b.subject.in_memory, "the backend lives in the memory of one process: other nodes have others"); }

bool passing(const DriverError& error) {
  return error.kind == FailureClass::busy || error.kind == FailureClass::transient || error.kind == FailureClass::unknown;
}

/// As the engine would: tried again while that makes sense.
void insist(Bench& b, const char* what, const std::function<DriverResult<>()>& act) {
  const Deadline limit = Deadline::in(b.clock(), 30s);
  for (DriverResult<> result = act(); !result; result = act()) {
    expect(passing(result.error()) && !limit.passed(b.clock()), "{}: {}", what, text_of(result));
    b.clock().sleep(2ms);
  }
}

/// The names of one round of one node.
struct Own {
  ObjectRef volume, snapshot, copy;
};

void live_one_round(Bench& b, Driver& driver, const Own& own, int node, bool clean_up) {
  auto* snapshots = dynamic_cast<Snapshots*>(&driver);
  auto* extends = dynamic_cast<Extends*>(&driver);
  insist(b, "check", [&] { return driver.check(b.call()); });
  insist(b, "create", [&] { return driver.create(b.call(), own.volume, b.size()); });
  b.subject.io->write(*driver.locate(b.call(), own.volume), {{0, 10 + node}, {3, 20 + node}});
  if (snapshots != nullptr) {
    insist(b, "snapshot", [&] { return snapshots->snapshot(b.call(), own.volume, own.snapshot); });
    insist(b, "clone", [&] { return snapshots->clone(b.call(), own.snapshot, own.copy, b.size(2)); });
  }
  if (extends != nullptr) insist(b, "extend", [&] { return extends->extend(b.call(), own.volume, b.size(2)); });
  if (snapshots != nullptr) insist(b, "remove", [&] { return driver.remove(b.call(), own.snapshot); });
  if (clean_up && snapshots != nullptr) insist(b, "remove", [&] { return driver.remove(b.call(), own.copy); });
  if (clean_up) insist(b, "remove", [&] { return driver.remove(b.call(), own.volume); });
}

void three_nodes_work_side_by_side(Bench& b) {
  need_processes(b);
  constexpr int rounds = 4;
  std::vector<Own> names;
  for (int i = 0; i < nodes * rounds; ++i) names.push_back({b.fresh(), b.fresh("snapshot"), b.fresh("clone")});
  run_together(nodes, [&](int node) {
    const std::unique_ptr<Driver> driver = b.another();
    for (int round = 0; round < rounds; ++round) live_one_round(b, *driver, names[static_cast<std::size_t>(node * rounds + round)], node, round % 2 == 1);
    return std::string();
  });
  for (int i = 0; i < nodes * rounds; ++i) {
    const Own& own = names[static_cast<std::size_t>(i)];
    const Content content{{0, 10 + i / rounds}, {3, 20 + i / rounds}};
    b.expect_presence(own.volume, i % rounds % 2 == 1 ? Presence::absent : Presence::complete);
    if (i % rounds % 2 == 1) continue;
    b.expect_content(own.volume, content);
    if (b.has<Snapshots>() != nullptr) b.expect_content(own.copy, content);
  }
}

void one_name_is_made_by_one_node(Bench& b) {
  need_processes(b);
  for (int round = 0; round < 10; ++round) {
    const ObjectRef object = b.fresh();
    const auto size_of = [&](int node) { return b.size(1 + node % 2); };
    const std::vector<std::string> answers = run_together(nodes, [&](int node) -> std::string {
      const DriverResult<> made = b.another()->create(b.call(), object, size_of(node));
      return made ? "made" : passing(made.error()) ? "later" : name_of(made.error().kind);
    });
    insist(b, "create", [&] {
      const Probe now = b.probe(object);
      return b.driver().create(b.call(), object, now.presence == Presence::complete ? now.size : b.size());
    });
    const Probe probe = b.probe(object);
    for (int node = 0; node < nodes; ++node) {
      const std::string& answer = answers[static_cast<std::size_t>(node)];
      const bool right = probe.size == size_of(node);
      expect(answer != "made" || right, "a node was told that it made {} bytes, and {} are there", size_of(node).count, probe.size.count);
      expect(answer == "made" || answer == "later" || (answer == "permanent" && !right), "create by three nodes at once: {}", answer);
    }
  }
}

void one_copy_is_made_by_one_node(Bench& b) {
  need_processes(b);
  if (b.has<Snapshots>() == nullptr) return;
  const ObjectRef volume = b.create(b.size());
  const Content content = b.some_blocks(b.size(), 6);
  b.write(volume, content);
  const ObjectRef snapshot = b.snapshot(volume);
  for (std::size_t pool = 0; pool < std::min<std::size_t>(b.pools().size(), 2); ++pool) {
    for (int round = 0; round < 5; ++round) {
      const ObjectRef target = b.fresh("clone", pool);
      run_together(nodes, [&](int) {
        const std::unique_ptr<Driver> driver = b.another();
        insist(b, "clone", [&] { return dynamic_cast<Snapshots&>(*driver).clone(b.call(), snapshot, target, b.size()); });
        return std::string();
      });
      b.expect_content(target, content);
    }
  }
  b.expect_content(volume, content);
}

// Where a call is paused: at the n-th failpoint it comes by, or, for drivers without any, at some moment.
int visits_left = 0;
std::string_view sites_begin;

void stop_here(const failpoint::Site& site) {
  if (std::string_view(site.name).starts_with(sites_begin) && --visits_left == 0) ::raise(SIGSTOP);
}

/// A call of another node that is paused in its middle. `stopped` is false when it ended before.
struct Paused {
  std::unique_ptr<Child> child;
  bool stopped = false;
};

Paused pause_in(Bench& b, int visit, const std::function<void(Driver&)>& work) {
  Paused out;
  const bool has_points = !b.subject.failpoints.empty();
  out.child = std::make_unique<Child>(
      [&](const std::function<void()>& reached) {
        const std::unique_ptr<Driver> driver = b.another();
        sites_begin = b.subject.failpoints;
        visits_left = visit;
        if (has_points) failpoint::set_handler(stop_here);
        reached();
        work(*driver);
      },
      false);
  if (!has_points) {
    b.clock().sleep(Duration{static_cast<std::int64_t>(b.dice.below(3000))});
    out.child->pause();
    out.stopped = true;
  } else {
    out.stopped = out.child->wait_stopped();
  }
  return out;
}

constexpr int most_visits = 60, random_visits = 25;

/// One kind of call, which another node begins and this one ends.
struct Begun {
  const char* name;
  bool (*possible)(Bench&);
  DriverResult<> (*act)(Bench&, Driver&, const Own&);
  ObjectRef Own::*result;  // what it makes or changes
};

bool can_copy(Bench& b) { return b.has<Snapshots>() != nullptr; }

const Begun calls[] = {
    {"create", [](Bench&) { return true; }, [](Bench& b, Driver& d, const Own& o) { return d.create(b.call(), o.copy, b.size()); }, &Own::copy},
    {"extend", [](Bench& b) { return b.has<Extends>() != nullptr; },
     [](Bench& b, Driver& d, const Own& o) { return dynamic_cast<Extends&>(d).extend(b.call(), o.volume, b.size(2)); }, &Own::volume},
    {"snapshot", can_copy, [](Bench& b, Driver& d, const Own& o) { return dynamic_cast<Snapshots&>(d).snapshot(b.call(), o.volume, o.copy); }, &Own::copy},
    {"clone", can_copy, [](Bench& b, Driver& d, const Own& o) { return dynamic_cast<Snapshots&>(d).clone(b.call(), o.volume, o.copy, b.size()); }, &Own::copy},
    {"remove", [](Bench&) { return true; }, [](Bench& b, Driver& d, const Own& o) { return d.remove(b.call(), o.volume); }, &Own::volume},
};

Own own_volume(Bench& b) {
  Own out{b.create(b.size()), {}, b.fresh("target")};
  b.write(out.volume, {{0, 1}, {2, 3}});
  return out;
}

/// For every moment of every call at which a node can be paused.
void at_every_pause(Bench& b, void (*look)(Bench&, const Begun&, const Own&, Child&), bool insists) {
  need_processes(b);
  for (const Begun& one : calls) {
    if (!one.possible(b)) continue;
    const int visits = b.subject.failpoints.empty() ? random_visits : most_visits;
    for (int visit = 1; visit <= visits; ++visit) {
      const Own own = own_volume(b);
      const Paused paused = pause_in(b, visit, [&](Driver& driver) {
        if (insists) insist(b, one.name, [&] { return one.act(b, driver, own); });
        else static_cast<void>(one.act(b, driver, own));
      });
      if (!paused.stopped) break;
      try {
        look(b, one, own, *paused.child);
      } catch (const CheckFailed& failure) {
        throw CheckFailed(fmt::format("{} paused at its {}. point: {}", one.name, visit, failure.what()));
      }
      expect(b.tidy_up(), "what {} made cannot be removed", one.name);
    }
  }
}

/// A node starts (its driver checks and tidies up) while another is in the middle of something: that one ends well.
void begin_beside(Bench& b, const Begun& one, const Own& own, Child& paused) {
  const std::unique_ptr<Driver> started = b.another();
  insist(b, "check", [&] { return started->check(b.call()); });
  static_cast<void>(started->pools(b.call()));
  static_cast<void>(started->list(b.call(), own.volume.pool, "", 1000));
  paused.finish();
  const bool removes = std::string_view(one.name) == "remove";
  b.expect_presence(own.*one.result, removes ? Presence::absent : Presence::complete);
  if (!removes) b.expect_content(own.volume, {{0, 1}, {2, 3}});
}

/// Another node ends the call, and users write; then the first one wakes up in the middle of it.
void end_for_it(Bench& b, const Begun& one, const Own& own, Child& paused) {
  const std::string_view name = one.name;
  const Deadline limit = Deadline::in(b.clock(), 300ms);
  DriverResult<> done = one.act(b, b.driver(), own);
  while (!done && passing(done.error()) && !limit.passed(b.clock())) {
    b.clock().sleep(10ms);
    done = one.act(b, b.driver(), own);
  }
  expect(done || done.error().kind == FailureClass::busy, "another node cannot end it: {}", text_of(done));
  if (done && name == "extend") insist(b, "extend", [&] { return dynamic_cast<Extends&>(b.driver()).extend(b.call(), own.volume, b.size(3)); });
  const bool writable = done && name != "remove" && name != "snapshot";
  const Content users{{0, 77}, {1, 78}};
  if (writable) b.write(own.*one.result, users);
  const Content before = done && name != "remove" ? b.read(own.*one.result) : Content{};
  paused.finish();
  if (!done) return;  // the paused one keeps others out; what it ended is looked at by the checks of one node
  b.expect_presence(own.*one.result, name == "remove" ? Presence::absent : Presence::complete);
  if (name == "remove") return;
  b.expect_content(own.*one.result, before);
  expect(b.probe(own.*one.result).size == b.size(name == "extend" ? 3 : 1), "its size changed");
}

void a_node_that_starts_leaves_others_work_alone(Bench& b) { at_every_pause(b, begin_beside, true); }
void a_late_call_of_a_paused_node_changes_nothing(Bench& b) { at_every_pause(b, end_for_it, false); }

}  // namespace

std::vector<CheckEntry> three_node_checks() {
  return {{"three_nodes_work_side_by_side", three_nodes_work_side_by_side},
          {"one_name_is_made_by_one_node", one_name_is_made_by_one_node},
          {"one_copy_is_made_by_one_node", one_copy_is_made_by_one_node},
          {"a_node_that_starts_leaves_others_work_alone", a_node_that_starts_leaves_others_work_alone},
          {"a_late_call_of_a_paused_node_changes_nothing", a_late_call_of_a_paused_node_changes_nothing}};
}

}  // namespace scoria::drivers::conformance
