#include <algorithm>
#include <cstring>

#include "base/failpoint.h"
#include "drivers/conformance/bench.h"
#include "drivers/conformance/child.h"

/// Crashes inside calls: every failpoint of the driver, or random moments when it has none.
namespace scoria::drivers::conformance {
namespace {

/// The objects of one case.
struct Case {
  ObjectRef volume, snapshot, target;
  Content content;
  mutable std::shared_ptr<void> user;  // has the target open until the case is over
};

/// One kind of call: what it needs, what it does, what must be true when it has succeeded.
struct Act {
  const char* name;
  bool (*possible)(Bench&);
  void (*prepare)(Bench&, Case&);
  DriverResult<> (*call)(Bench&, Driver&, const Case&, const Call&);
  void (*verify)(Bench&, const Case&);
};

bool can_snapshot(Bench& b) { return b.has<Snapshots>() != nullptr; }
bool can_copy(Bench& b) { return can_snapshot(b) && b.pools().size() > 1; }

void volume_with_bytes(Bench& b, Case& c) {
  c.volume = b.create(b.size());
  c.content = b.some_blocks(b.size(), 4);
  b.write(c.volume, c.content);
  c.target = b.fresh("target");
}
void volume_and_snapshot(Bench& b, Case& c) {
  volume_with_bytes(b, c);
  c.snapshot = b.snapshot(c.volume);
}
void clone_to_flatten(Bench& b, Case& c) {
  volume_and_snapshot(b, c);
  c.target = b.clone(c.snapshot, b.size());
}
/// More layers than one in use keeps.
void deep_clone_in_use(Bench& b, Case& c) {
  clone_to_flatten(b, c);
  for (int i = 0; i < 2; ++i) b.snapshot(c.target);
  const auto at = b.driver().locate(b.call(), c.target);
  expect(at.has_value(), "locate: {}", text_of(at));
  c.user = b.subject.io->use(*at);
}
void expect_target(Bench& b, const Case& c) {
  b.expect_presence(c.target, Presence::complete);
  b.expect_content(c.target, c.content);
  if (!c.volume.name.empty()) b.expect_content(c.volume, c.content);
}
void expect_gone(Bench& b, const Case& c) { b.expect_presence(c.volume, Presence::absent); }

const Act acts[] = {
    {"create", [](Bench&) { return true; }, [](Bench& b, Case& c) { c.target = b.fresh("target"); },
     [](Bench& b, Driver& driver, const Case& c, const Call& call) { return driver.create(call, c.target, b.size()); }, expect_target},
    {"extend", [](Bench& b) { return b.has<Extends>() != nullptr; }, volume_with_bytes,
     [](Bench& b, Driver& driver, const Case& c, const Call& call) { return dynamic_cast<Extends&>(driver).extend(call, c.volume, b.size(2)); },
     [](Bench& b, const Case& c) {
       expect(b.probe(c.volume).size == b.size(2), "it has {} bytes", b.probe(c.volume).size.count);
       b.expect_content(c.volume, c.content);
     }},
    {"extend of a clone", [](Bench& b) { return can_snapshot(b) && b.has<Extends>() != nullptr; }, clone_to_flatten,
     [](Bench& b, Driver& driver, const Case& c, const Call& call) { return dynamic_cast<Extends&>(driver).extend(call, c.target, b.size(2)); },
     [](Bench& b, const Case& c) {
       expect(b.probe(c.target).size == b.size(2), "it has {} bytes", b.probe(c.target).size.count);
       b.expect_content(c.target, c.content);
     }},
    {"snapshot", can_snapshot, volume_with_bytes,
     [](Bench&, Driver& driver, const Case& c, const Call& call) { return dynamic_cast<Snapshots&>(driver).snapshot(call, c.volume, c.target); }, expect_target},
    {"clone of a snapshot", can_snapshot, volume_and_snapshot,
     [](Bench& b, Driver& driver, const Case& c, const Call& call) { return dynamic_cast<Snapshots&>(driver).clone(call, c.snapshot, c.target, b.size()); },
     expect_target},
    {"clone of a volume", can_snapshot, volume_with_bytes,
     [](Bench& b, Driver& driver, const Case& c, const Call& call) { return dynamic_cast<Snapshots&>(driver).clone(call, c.volume, c.target, b.size()); },
     expect_target},
    {"copy to another pool", can_copy,
     [](Bench& b, Case& c) {
       volume_with_bytes(b, c);
       c.target = b.fresh("target", 1);
     },
     [](Bench& b, Driver& driver, const Case& c, const Call& call) { return dynamic_cast<Snapshots&>(driver).clone(call, c.volume, c.target, b.size()); },
     expect_target},
    {"flatten", [](Bench& b) { return can_snapshot(b) && b.has<Flattens>() != nullptr; }, clone_to_flatten,
     [](Bench&, Driver& driver, const Case& c, const Call& call) { return dynamic_cast<Flattens&>(driver).flatten(call, c.target); }, expect_target},
    {"flatten in use", [](Bench& b) { return can_snapshot(b) && b.has<Flattens>() != nullptr; }, deep_clone_in_use,
     [](Bench&, Driver& driver, const Case& c, const Call& call) { return dynamic_cast<Flattens&>(driver).flatten(call, c.target); }, expect_target},
    {"remove", [](Bench&) { return true; }, volume_with_bytes,
     [](Bench&, Driver& driver, const Case& c, const Call& call) { return driver.remove(call, c.volume); }, expect_gone},
};

/// Thrown where the process would be killed, for backends in memory.
struct Crash {};
const char* crash_site = nullptr;
int crash_hit = 0;

void crash_here(const failpoint::Site& site) {
  if (crash_site != nullptr && std::strcmp(site.name, crash_site) == 0 && --crash_hit == 0) throw Crash{};
}

std::vector<std::string> sites_of(const Bench& b) {
  std::vector<std::string> out;
  if (b.subject.failpoints.empty()) return out;
  for (const failpoint::Site* site : failpoint::sites())
    if (std::string_view(site->name).starts_with(b.subject.failpoints)) out.emplace_back(site->name);
  return out;
}

/// Which sites the act reaches, how often.
std::map<std::string, std::uint64_t> reached_by(Bench& b, const Act& act) {
  Case c;
  act.prepare(b, c);
  for (const std::string& site : sites_of(b)) failpoint::arm(site, "yield");
  b.eventually(act.name, [&] { return act.call(b, b.driver(), c, b.call()); });
  std::map<std::string, std::uint64_t> out;
  for (const std::string& site : sites_of(b))
    if (const std::uint64_t hits = failpoint::hits(site); hits > 0) out[site] = hits;
  failpoint::disarm_all();
  for (const auto& [site, hits] : out) b.subject.reached->insert(site);
  act.verify(b, c);
  c.user.reset();
  expect(b.tidy_up(), "what {} made cannot be removed", act.name);
  return out;
}

/// Runs the act so that it dies at the n-th visit of the site.
void crash_at(Bench& b, const Act& act, const Case& c, const std::string& site, int hit) {
  if (b.subject.in_memory) {
    crash_site = site.c_str();
    crash_hit = hit;
    failpoint::set_handler(crash_here);
    bool crashed = false;
    try {
      static_cast<void>(act.call(b, b.driver(), c, b.call()));
    } catch (const Crash&) {
      crashed = true;
    }
    failpoint::set_handler(nullptr);
    crash_site = nullptr;
    expect(crashed, "{} did not come by {} a {}. time", act.name, site, hit);
    return;
  }
  const bool killed = runs_into_kill([&] {
    failpoint::arm(site, hit == 1 ? "1*kill" : fmt::format("{}*off->1*kill", hit - 1));
    const std::unique_ptr<Driver> driver = b.another();
    static_cast<void>(act.call(b, *driver, c, b.call()));
  });
  expect(killed, "{} did not come by {} a {}. time", act.name, site, hit);
}

enum class Aftermath { finished, given_up };

void after_crash(Bench& b, const Act& act, const Case& c, Aftermath aftermath, const std::string& where) {
  b.renew();
  try {
    // Whatever was there must still be readable before anybody repairs anything.
    if (!c.snapshot.name.empty()) b.expect_content(c.snapshot, c.content);
    if (std::string_view(act.name) != "remove") {
      if (!c.volume.name.empty()) b.expect_content(c.volume, c.content);
    }
    if (aftermath == Aftermath::finished) {
      b.eventually(act.name, [&] { return act.call(b, b.driver(), c, b.call()); });
      act.verify(b, c);
    }
    c.user.reset();
    expect(b.tidy_up(), "something cannot be removed");
    b.expect_clean();
  } catch (const CheckFailed& failure) {
    throw CheckFailed(fmt::format("{} after a crash at {}: {}", act.name, where, failure.what()));
  }
}

void every_crash_point(Bench& b, const Act& act) {
  for (const auto& [site, hits] : reached_by(b, act)) {
    for (int hit = 1; hit <= static_cast<int>(std::min<std::uint64_t>(hits, 2)); ++hit) {
      for (const Aftermath aftermath : {Aftermath::finished, Aftermath::given_up}) {
        Case c;
        act.prepare(b, c);
        crash_at(b, act, c, site, hit);
        after_crash(b, act, c, aftermath, site);
      }
    }
  }
}

void random_moments(Bench& b, const Act& act) {
  for (int i = 0; i < 10; ++i) {
    Case c;
    act.prepare(b, c);
    {
      Child child([&](const std::function<void()>& reached) {
        const std::unique_ptr<Driver> driver = b.another();
        reached();
        static_cast<void>(act.call(b, *driver, c, b.call()));
      });
      b.clock().sleep(Duration{static_cast<std::int64_t>(b.dice.below(4000))});
    }
    after_crash(b, act, c, i % 2 == 0 ? Aftermath::finished : Aftermath::given_up, "a random moment");
  }
}

void every_crash_is_finished_or_given_up(Bench& b) {
  const bool has_points = !sites_of(b).empty();
  if (!has_points && b.subject.in_memory) skip("the driver has no failpoints and lives in this process");
  for (const Act& act : acts) {
    if (!act.possible(b)) continue;
    if (has_points) every_crash_point(b, act);
    else random_moments(b, act);
  }
}

/// An error, or an answer that never came, at every point: the next call finds out what happened.
void every_error_and_lost_answer_is_repeated(Bench& b) {
  if (sites_of(b).empty()) skip("the driver has no failpoints");
  for (const Act& act : acts) {
    if (!act.possible(b)) continue;
    for (const auto& [site, hits] : reached_by(b, act)) {
      for (const char* fault : {"1*return(injected)", "1*drop_reply"}) {
        Case c;
        act.prepare(b, c);
        failpoint::arm(site, fault);
        const DriverResult<> result = act.call(b, b.driver(), c, b.call());
        failpoint::disarm_all();
        expect(result || result.error().kind == FailureClass::transient || result.error().kind == FailureClass::unknown, "{} with {} at {}: {}", act.name, fault, site,
               text_of(result));
        after_crash(b, act, c, Aftermath::finished, fmt::format("{} ({})", site, fault));
      }
    }
  }
}

}  // namespace

std::vector<CheckEntry> crash_checks() {
  return {{"every_crash_is_finished_or_given_up", every_crash_is_finished_or_given_up},
          {"every_error_and_lost_answer_is_repeated", every_error_and_lost_answer_is_repeated}};
}

}  // namespace scoria::drivers::conformance
