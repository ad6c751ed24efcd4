#include <algorithm>
#include <atomic>
#include <mutex>

#include "drivers/conformance/bench.h"

/// Several nodes at once, each with a driver of its own.
namespace scoria::drivers::conformance {
namespace {

constexpr int workers = 4;

/// Runs `work(i, driver)` on several threads and passes on the first failure.
void in_parallel(Bench& b, const std::function<void(int, Driver&)>& work) {
  std::atomic<int> left = workers;
  std::mutex mutex;
  std::string failure;
  for (int i = 0; i < workers; ++i) {
    const auto main = [&, i, driver = std::shared_ptr<Driver>(b.another())]() mutable {
      try {
        work(i, *driver);
      } catch (const std::exception& error) {
        const std::lock_guard lock(mutex);
        failure = error.what();
      }
      driver.reset();
      --left;
    };
    b.clock().spawn("conformance", main);
  }
  while (left > 0) b.clock().sleep(1ms);
  expect(failure.empty(), "{}", failure);
}

bool passing(const DriverResult<>& result) {
  return result || result.error().kind == FailureClass::busy || result.error().kind == FailureClass::transient || result.error().kind == FailureClass::unknown;
}

void retried(Bench& b, const char* what, const std::function<DriverResult<>()>& act) {
  const Deadline limit = Deadline::in(b.clock(), 30s);
  for (DriverResult<> result = act(); !result; result = act()) {
    expect(passing(result) && !limit.passed(b.clock()), "{}: {}", what, text_of(result));
    b.clock().sleep(5ms);
  }
}

void different_objects_do_not_disturb_each_other(Bench& b) {
  constexpr int rounds = 3;
  std::vector<ObjectRef> names;
  for (int i = 0; i < workers * rounds * 3; ++i) names.push_back(b.fresh());
  in_parallel(b, [&](int worker, Driver& driver) {
    auto* snapshots = dynamic_cast<Snapshots*>(&driver);
    auto* extends = dynamic_cast<Extends*>(&driver);
    for (int round = 0; round < rounds; ++round) {
      const ObjectRef* mine = &names[static_cast<std::size_t>((worker * rounds + round) * 3)];
      retried(b, "create", [&] { return driver.create(b.call(), mine[0], b.size()); });
      if (extends != nullptr) retried(b, "extend", [&] { return extends->extend(b.call(), mine[0], b.size(2)); });
      if (snapshots != nullptr) {
        retried(b, "snapshot", [&] { return snapshots->snapshot(b.call(), mine[0], mine[1]); });
        retried(b, "clone", [&] { return snapshots->clone(b.call(), mine[1], mine[2], b.size(2)); });
        retried(b, "remove", [&] { return driver.remove(b.call(), mine[2]); });
        retried(b, "remove", [&] { return driver.remove(b.call(), mine[1]); });
      }
      if (round != rounds - 1) retried(b, "remove", [&] { return driver.remove(b.call(), mine[0]); });
    }
  });
  for (int worker = 0; worker < workers; ++worker) b.expect_presence(names[static_cast<std::size_t>((worker * rounds + rounds - 1) * 3)], Presence::complete);
  expect(b.listed().size() >= workers, "volumes made at the same time are missing in the list");
}

void one_name_is_made_once(Bench& b) {
  for (int round = 0; round < 5; ++round) {
    const ObjectRef object = b.fresh();
    std::array<DriverResult<>, workers> results;
    in_parallel(b, [&](int worker, Driver& driver) {
      results[static_cast<std::size_t>(worker)] = driver.create(b.call(), object, b.size(1 + worker % 2));
    });
    const Probe probe = b.probe(object);
    expect(probe.presence == Presence::complete, "after {} creates at once it is {}", workers, name_of(probe.presence));
    for (int worker = 0; worker < workers; ++worker) {
      const DriverResult<>& result = results[static_cast<std::size_t>(worker)];
      const bool right = probe.size == b.size(1 + worker % 2);
      expect(!result || right, "create with {} bytes succeeded, but it has {}", b.size(1 + worker % 2).count, probe.size.count);
      expect(passing(result) || (!right && result.error().kind == FailureClass::permanent), "create at once: {}", text_of(result));
    }
  }
}

void making_and_removing_one_name_ends_whole_or_absent(Bench& b) {
  const ObjectRef object = b.fresh();
  in_parallel(b, [&](int worker, Driver& driver) {
    for (int i = 0; i < 10; ++i) {
      const DriverResult<> result = (worker + i) % 2 == 0 ? driver.create(b.call(), object, b.size()) : driver.remove(b.call(), object);
      expect(passing(result) || result.error().kind == FailureClass::permanent, "create against remove: {}", text_of(result));
      const DriverResult<Probe> probe = driver.probe(b.call(), object);
      expect(!probe || probe->presence == Presence::absent || (probe->presence == Presence::complete && probe->size == b.size()), "seen {} with {} bytes",
             probe ? name_of(probe->presence) : "", probe ? probe->size.count : 0);
    }
  });
  b.remove(object);
  b.expect_clean();
}

void snapshots_of_one_volume_at_once_are_all_right(Bench& b) {
  b.need<Snapshots>("make snapshots");
  const ObjectRef volume = b.create(b.size());
  const Content content = b.some_blocks(b.size(), 5);
  b.write(volume, content);
  std::vector<ObjectRef> names;
  for (int i = 0; i < workers; ++i) names.push_back(b.fresh("snapshot"));
  in_parallel(b, [&](int worker, Driver& driver) {
    retried(b, "snapshot", [&] { return dynamic_cast<Snapshots&>(driver).snapshot(b.call(), volume, names[static_cast<std::size_t>(worker)]); });
  });
  for (const ObjectRef& snapshot : names) b.expect_content(snapshot, content);
  b.expect_content(volume, content);
}

/// Writes ever higher numbers into the blocks, always in the same order, until told to end.
void write_rounds(OpenObject& open, const std::atomic<bool>& end, std::int64_t blocks) {
  for (int value = 1; !end && value < 250; ++value)
    for (std::int64_t block = 0; block < blocks && !end; ++block) open.write(block, value);
}

void a_snapshot_of_a_volume_in_use_is_one_moment(Bench& b) {
  auto& snapshots = b.need<Snapshots>("make snapshots");
  constexpr std::int64_t blocks = 24;
  const ObjectRef volume = b.create(b.size());
  std::unique_ptr<OpenObject> open = b.subject.io->open(*b.driver().locate(b.call(), volume));
  if (open == nullptr) skip("the kit cannot hold this volume open");
  std::atomic<bool> end = false, ended = false;
  b.clock().spawn("writer", [&] {
    write_rounds(*open, end, blocks);
    ended = true;
  });
  std::vector<ObjectRef> taken;
  DriverResult<> result;
  for (int i = 0; i < 5; ++i) {
    const ObjectRef snapshot = b.fresh("snapshot");
    result = snapshots.snapshot(b.call(), volume, snapshot);
    if (result) taken.push_back(snapshot);
    b.clock().sleep(3ms);
  }
  end = true;
  while (!ended) b.clock().sleep(1ms);
  open.reset();
  if (taken.empty()) {
    expect(result.error().kind == FailureClass::busy, "snapshot of a volume in use: {}", text_of(result));
    skip("a volume that this kit has open cannot be snapshotted here ({})", result.error().message);
  }
  for (const ObjectRef& snapshot : taken) {
    const Content content = b.read(snapshot);
    int before = content.contains(0) ? content.at(0) : 0;
    const int newest = before;
    for (std::int64_t block = 1; block < blocks; ++block) {
      const int value = content.contains(block) ? content.at(block) : 0;
      expect(value != -1, "block {} of {} is torn", block, snapshot.name);
      expect(value <= before && newest - value <= 1, "block {} of {} has {}, written before a block that has {}", block, snapshot.name, value, before);
      before = value;
    }
  }
}

}  // namespace

std::vector<CheckEntry> concurrency_checks() {
  return {{"different_objects_do_not_disturb_each_other", different_objects_do_not_disturb_each_other},
          {"one_name_is_made_once", one_name_is_made_once},
          {"making_and_removing_one_name_ends_whole_or_absent", making_and_removing_one_name_ends_whole_or_absent},
          {"snapshots_of_one_volume_at_once_are_all_right", snapshots_of_one_volume_at_once_are_all_right},
          {"a_snapshot_of_a_volume_in_use_is_one_moment", a_snapshot_of_a_volume_in_use_is_one_moment}};
}

}  // namespace scoria::drivers::conformance
