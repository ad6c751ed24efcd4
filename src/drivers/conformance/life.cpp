#include <algorithm>

#include "drivers/conformance/bench.h"
#include "drivers/names.h"

/// Making, finding, growing and removing.
namespace scoria::drivers::conformance {
namespace {

void the_report_makes_sense(Bench& b) {
  for (const PoolReport& pool : b.pools()) {
    expect(!pool.name.empty(), "a pool has no name");
    expect(pool.allocation_unit.count >= 512 && pool.allocation_unit.count % 512 == 0, "pool '{}': the allocation unit {} is not whole sectors", pool.name,
           pool.allocation_unit.count);
    expect(pool.minimum_size.count > 0, "pool '{}': minimum size {}", pool.name, pool.minimum_size.count);
    if (pool.total && pool.free) expect(pool.free->count >= 0 && *pool.free <= *pool.total, "pool '{}': {} of {} free", pool.name, pool.free->count, pool.total->count);
  }
  if (!b.pool().provisioned) return;
  const Bytes before = *b.pool().provisioned;
  const ObjectRef volume = b.create(b.size(2));
  const DriverResult<std::vector<PoolReport>> after = b.driver().pools(b.call());
  expect(after.has_value(), "pools(): {}", text_of(after));
  const Bytes now = after->front().provisioned.value_or(Bytes{});
  expect(now == before + b.size(2), "{} bytes provisioned after {} and a volume of {}", now.count, before.count, b.size(2).count);
}

void create_is_exclusive_and_idempotent(Bench& b) {
  const ObjectRef volume = b.create(b.size());
  const Content content = b.some_blocks(b.size(), 4);
  b.write(volume, content);
  const DriverResult<> again = b.driver().create(b.call(), volume, b.size());
  expect(again.has_value(), "create of what exists: {}", text_of(again));
  b.expect_content(volume, content);
  b.refused(b.driver().create(b.call(), volume, b.size(2)), FailureClass::permanent, "create of what exists with another size");
  expect(b.probe(volume).size == b.size(), "create with another size changed the volume to {} bytes", b.probe(volume).size.count);
  b.expect_content(volume, content);
}

void remove_is_idempotent_and_complete(Bench& b) {
  const ObjectRef never = b.fresh();
  const DriverResult<> absent = b.driver().remove(b.call(), never);
  expect(absent.has_value(), "remove of what never was: {}", text_of(absent));
  const ObjectRef volume = b.create(b.size());
  b.remove(volume);
  b.expect_presence(volume, Presence::absent);
  const DriverResult<> again = b.driver().remove(b.call(), volume);
  expect(again.has_value(), "remove of what is gone: {}", text_of(again));
  b.expect_clean();
}

void probe_tells_the_truth_and_changes_nothing(Bench& b) {
  const ObjectRef never = b.fresh();
  b.expect_presence(never, Presence::absent);
  b.expect_presence(never, Presence::absent);
  b.expect_clean();
  const ObjectRef volume = b.create(b.size());
  const Probe probe = b.probe(volume);
  expect(probe.presence == Presence::complete, "a new volume is {}", name_of(probe.presence));
  expect(probe.size == b.size(), "a volume of {} bytes has {}", b.size().count, probe.size.count);
  expect(probe.base.name.empty(), "a new volume hangs on {}", probe.base.name);
}

void new_volumes_read_as_zeroes(Bench& b) {
  // The space of a removed volume must not shine through a new one.
  for (int round = 0; round < 3; ++round) {
    const ObjectRef volume = b.create(b.size());
    b.expect_content(volume, {});
    b.write(volume, b.some_blocks(b.size(), 8));
    b.remove(volume);
  }
}

void names_are_kept_to_the_letter(Bench& b) {
  const ObjectRef fresh = b.fresh();
  const std::string longest = fresh.name + std::string(200 - fresh.name.size(), 'x');
  for (const std::string& name : {fresh.name + ".r2", fresh.name + "_A-b.C", longest}) {
    const ObjectRef object{.pool = fresh.pool, .name = name};
    const DriverResult<> made = b.driver().create(b.call(), object, b.size());
    expect(made.has_value(), "create of '{}': {}", name, text_of(made));
    const std::vector<std::string> names = b.listed();
    expect(std::find(names.begin(), names.end(), name) != names.end(), "'{}' is not listed under its name", name);
    b.remove(object);
  }
  for (const std::string& name : {std::string(), longest + "x", std::string("."), std::string(".."), "../" + fresh.name, fresh.name + "/x", "." + fresh.name,
                                  fresh.name + " x", fresh.name + "\n", fresh.name + "\xc3\xa4", fresh.name + std::string(1, '\0')})
    b.refused(b.driver().create(b.call(), {.pool = fresh.pool, .name = name}, b.size()), FailureClass::permanent, fmt::format("create of the bad name '{}'", name));
  b.refused(b.driver().create(b.call(), {.pool = "no-such-pool", .name = fresh.name}, b.size()), FailureClass::permanent, "create in an unknown pool");
  b.expect_clean();
}

void sizes_are_exact(Bench& b) {
  const Bytes unit = b.unit(), least = round_up(std::max(b.pool().minimum_size, unit), unit);
  for (const Bytes size : {least, least + unit, Bytes{least.count + 7 * unit.count}}) {
    const ObjectRef volume = b.create(size);
    expect(b.probe(volume).size == size, "a volume of {} bytes has {}", size.count, b.probe(volume).size.count);
  }
  for (const Bytes size : {Bytes{0}, Bytes{-1}, Bytes{least.count - unit.count}, Bytes{least.count + 1}, Bytes{least.count - 1}, Bytes{INT64_MAX}}) {
    const ObjectRef volume = b.fresh();
    const DriverResult<> made = b.driver().create(b.call(), volume, size);
    expect(!made && (made.error().kind == FailureClass::permanent || made.error().kind == FailureClass::no_space), "create with {} bytes: {}", size.count, text_of(made));
    b.expect_presence(volume, Presence::absent);
  }
  SeededRandom dice = b.dice;
  for (int i = 0; i < 200; ++i) {
    const Bytes wish{static_cast<std::int64_t>(dice.below(std::uint64_t{1} << 42))};
    const Bytes size = effective_size(wish, b.pool());
    expect(size >= wish && size >= b.pool().minimum_size && size.count % unit.count == 0, "{} bytes would take {}", wish.count, size.count);
  }
}

void large_volumes_are_possible_or_refused(Bench& b) {
  const ObjectRef volume = b.fresh();
  const Bytes size = round_up({std::int64_t{1} << 40}, b.unit());
  const DriverResult<> made = b.driver().create(b.call(), volume, size);
  if (made) {
    expect(b.probe(volume).size == size, "a volume of {} bytes has {}", size.count, b.probe(volume).size.count);
    b.write(volume, {{size.count / block_size - 1, 42}});
  } else {
    expect(made.error().kind == FailureClass::no_space || made.error().kind == FailureClass::permanent, "create of a tebibyte: {}", text_of(made));
    b.expect_presence(volume, Presence::absent);
  }
  // Close to the largest number there is: whatever adds to it must not overflow.
  const ObjectRef monster = b.fresh();
  const Bytes most{(INT64_MAX / b.unit().count - 1) * b.unit().count};
  if (b.driver().create(b.call(), monster, most).has_value()) return;
  b.expect_presence(monster, Presence::absent);
}

void size_only_grows(Bench& b) {
  Extends& extends = b.need<Extends>("extend");
  const ObjectRef volume = b.create(b.size());
  const auto extend = [&](Bytes size) {
    b.eventually("extend", [&] { return extends.extend(b.call(), volume, size); });
    return b.probe(volume).size;
  };
  Content content = b.some_blocks(b.size(), 4);
  b.write(volume, content);
  expect(extend(b.size(3)) == b.size(3), "extended to {}, it has {}", b.size(3).count, b.probe(volume).size.count);
  expect(extend(b.size(3)) == b.size(3), "extended to its size again, it has {}", b.probe(volume).size.count);
  expect(extend(b.size(2)) == b.size(3), "extended to less than it had, it has {}", b.probe(volume).size.count);
  b.expect_content(volume, content);
  content[b.size(3).count / block_size - 1] = 77;
  b.write(volume, {{b.size(3).count / block_size - 1, 77}});
  b.expect_content(volume, content);
  b.refused(extends.extend(b.call(), volume, {b.size(4).count + 1}), FailureClass::permanent, "extend to a size that is no multiple of the unit");
  b.refused(extends.extend(b.call(), b.fresh(), b.size(2)), FailureClass::permanent, "extend of what is absent");
  expect(b.probe(volume).size == b.size(3), "a refused extend changed the size to {}", b.probe(volume).size.count);
}

void lists_are_sorted_paged_and_whole(Bench& b) {
  std::vector<std::string> made;
  for (int i = 0; i < 23; ++i) made.push_back(b.create(b.size()).name);
  std::sort(made.begin(), made.end());
  std::vector<std::string> all;
  while (true) {
    const auto page = b.driver().list(b.call(), b.pool().name, all.empty() ? "" : all.back(), 5);
    expect(page.has_value(), "list: {}", text_of(page));
    if (page->empty()) break;
    expect(page->size() <= 5, "a page of 5 has {} names", page->size());
    all.insert(all.end(), page->begin(), page->end());
    expect(all.size() <= 10'000, "the list does not end");
  }
  expect(std::is_sorted(all.begin(), all.end()), "the list is not sorted");
  expect(std::adjacent_find(all.begin(), all.end()) == all.end(), "the list names something twice");
  expect(std::includes(all.begin(), all.end(), made.begin(), made.end()), "the list misses some of {} volumes", made.size());
  b.refused(b.driver().list(b.call(), "no-such-pool", "", 5), FailureClass::permanent, "list of an unknown pool");
}

void the_absent_is_refused(Bench& b) {
  const ObjectRef absent = b.fresh(), target = b.fresh();
  b.refused(b.driver().locate(b.call(), absent), FailureClass::permanent, "locate");
  if (auto* snapshots = b.has<Snapshots>()) {
    b.refused(snapshots->snapshot(b.call(), absent, target), FailureClass::permanent, "snapshot of what is absent");
    b.refused(snapshots->clone(b.call(), absent, target, b.size()), FailureClass::permanent, "clone of what is absent");
  }
  if (auto* flattens = b.has<Flattens>()) b.refused(flattens->flatten(b.call(), absent), FailureClass::permanent, "flatten");
  if (auto* changed = b.has<ChangedBlocks>()) b.refused(changed->changed(b.call(), {}, absent), FailureClass::permanent, "changed");
  if (auto* holds = b.has<Holds>()) b.refused(holds->hold(b.call(), absent), FailureClass::permanent, "hold");
  b.expect_presence(target, Presence::absent);
  b.expect_clean();
}

void foreign_things_are_left_alone(Bench& b) {
  if (!b.subject.make_foreign) skip("nothing foreign can be put there");
  const ObjectRef foreign{.pool = b.pool().name, .name = "foreign-thing"};
  const std::function<void()> take_away = b.subject.make_foreign(foreign.pool, foreign.name);
  b.expect_presence(foreign, Presence::foreign);
  b.refused(b.driver().create(b.call(), foreign, b.size()), FailureClass::permanent, "create over something foreign");
  b.refused(b.driver().remove(b.call(), foreign), FailureClass::permanent, "remove of something foreign");
  const std::vector<std::string> names = b.listed();
  expect(std::find(names.begin(), names.end(), foreign.name) == names.end(), "something foreign is listed as ours");
  b.expect_presence(foreign, Presence::foreign);
  take_away();
}

void a_stop_or_a_passed_deadline_does_nothing(Bench& b) {
  const ObjectRef volume = b.fresh();
  Call stopped = b.call();
  stopped.stop = [] { return true; };
  const Call late{.deadline = {b.clock().now()}};
  b.refused(b.driver().create(stopped, volume, b.size()), FailureClass::stopped, "create with stop");
  const DriverResult<> made = b.driver().create(late, volume, b.size());
  expect(!made, "create after its deadline succeeded");
  b.expect_presence(volume, Presence::absent);
  const ObjectRef there = b.create(b.size());
  b.refused(b.driver().remove(stopped, there), FailureClass::stopped, "remove with stop");
  expect(!b.driver().remove(late, there), "remove after its deadline succeeded");
  b.expect_presence(there, Presence::complete);
}

void abilities_are_told(Bench& b) {
  const std::vector<std::string> told = abilities(b.driver());
  const auto check = [&](bool has, const char* name) {
    expect(has == (std::find(told.begin(), told.end(), name) != told.end()), "the report of abilities is wrong about '{}'", name);
  };
  check(b.has<Extends>() != nullptr, "extend");
  check(b.has<Snapshots>() != nullptr, "snapshot");
  check(b.has<Flattens>() != nullptr, "flatten");
  check(b.has<ChangedBlocks>() != nullptr, "changed_blocks");
  check(b.has<Holds>() != nullptr, "hold");
  expect(!b.driver().vendor().empty(), "the driver does not tell its vendor");
}

}  // namespace

std::vector<CheckEntry> life_checks() {
  return {{"the_report_makes_sense", the_report_makes_sense},
          {"abilities_are_told", abilities_are_told},
          {"create_is_exclusive_and_idempotent", create_is_exclusive_and_idempotent},
          {"remove_is_idempotent_and_complete", remove_is_idempotent_and_complete},
          {"probe_tells_the_truth_and_changes_nothing", probe_tells_the_truth_and_changes_nothing},
          {"new_volumes_read_as_zeroes", new_volumes_read_as_zeroes},
          {"names_are_kept_to_the_letter", names_are_kept_to_the_letter},
          {"sizes_are_exact", sizes_are_exact},
          {"large_volumes_are_possible_or_refused", large_volumes_are_possible_or_refused},
          {"size_only_grows", size_only_grows},
          {"lists_are_sorted_paged_and_whole", lists_are_sorted_paged_and_whole},
          {"the_absent_is_refused", the_absent_is_refused},
          {"foreign_things_are_left_alone", foreign_things_are_left_alone},
          {"a_stop_or_a_passed_deadline_does_nothing", a_stop_or_a_passed_deadline_does_nothing}};
}

}  // namespace scoria::drivers::conformance
