#include <algorithm>

#include "drivers/conformance/bench.h"

/// Bytes: who sees which, and when.
namespace scoria::drivers::conformance {
namespace {

Content merged(Content below, const Content& above) {
  for (const auto& [block, value] : above) below[block] = value;
  return below;
}

void a_snapshot_keeps_its_moment(Bench& b) {
  b.need<Snapshots>("make snapshots");
  const ObjectRef volume = b.create(b.size());
  const Content first = b.some_blocks(b.size(), 6);
  b.write(volume, first);
  const ObjectRef snapshot = b.snapshot(volume);
  const Content second = merged(first, b.some_blocks(b.size(), 6));
  b.write(volume, second);
  b.expect_content(snapshot, first);
  b.expect_content(volume, second);
  expect(b.probe(snapshot).size == b.size(), "a snapshot of {} bytes has {}", b.size().count, b.probe(snapshot).size.count);
  b.renew();
  b.expect_content(snapshot, first);
  b.expect_content(volume, second);
}

void a_snapshot_is_taken_once(Bench& b) {
  auto& snapshots = b.need<Snapshots>("make snapshots");
  const ObjectRef volume = b.create(b.size()), other = b.create(b.size());
  const Content first = b.some_blocks(b.size(), 4);
  b.write(volume, first);
  const ObjectRef snapshot = b.snapshot(volume);
  b.write(volume, b.some_blocks(b.size(), 4));
  const DriverResult<> again = snapshots.snapshot(b.call(), volume, snapshot);
  expect(again.has_value(), "snapshot again: {}", text_of(again));
  b.expect_content(snapshot, first);
  b.refused(snapshots.snapshot(b.call(), other, snapshot), FailureClass::permanent, "snapshot of another volume under a name that exists");
  b.refused(snapshots.snapshot(b.call(), volume, other), FailureClass::permanent, "snapshot over a volume");
  b.expect_content(other, {});
  b.expect_content(snapshot, first);
}

void a_clone_has_the_bytes_and_its_own_size(Bench& b) {
  auto& snapshots = b.need<Snapshots>("make clones");
  const ObjectRef volume = b.create(b.size());
  const Content first = b.some_blocks(b.size(), 6);
  b.write(volume, first);
  const ObjectRef snapshot = b.snapshot(volume);
  b.write(volume, b.some_blocks(b.size(), 6));
  const ObjectRef same = b.clone(snapshot, b.size()), larger = b.clone(snapshot, b.size(3));
  expect(b.probe(same).size == b.size(), "a clone of {} bytes has {}", b.size().count, b.probe(same).size.count);
  expect(b.probe(larger).size == b.size(3), "a clone of {} bytes has {}", b.size(3).count, b.probe(larger).size.count);
  b.expect_content(same, first);
  b.expect_content(larger, first);
  const std::int64_t last = b.size(3).count / block_size - 1;
  b.write(larger, {{last, 9}});
  b.expect_content(larger, merged(first, {{last, 9}}));
  const DriverResult<> again = snapshots.clone(b.call(), snapshot, larger, b.size(3));
  expect(again.has_value(), "clone again: {}", text_of(again));
  b.expect_content(larger, merged(first, {{last, 9}}));
  b.refused(snapshots.clone(b.call(), snapshot, larger, b.size(4)), FailureClass::permanent, "clone of another size under a name that exists");
  const ObjectRef big = b.create(b.size(2));
  b.refused(snapshots.clone(b.call(), big, b.fresh("clone"), b.size()), FailureClass::permanent, "clone smaller than its source");
  b.refused(snapshots.clone(b.call(), snapshot, b.fresh("clone"), {b.size().count + 1}), FailureClass::permanent, "clone of a size that is no multiple of the unit");
}

void clones_and_their_source_do_not_see_each_other(Bench& b) {
  const ObjectRef volume = b.create(b.size());
  const Content first = b.some_blocks(b.size(), 5);
  b.write(volume, first);
  const ObjectRef snapshot = b.snapshot(volume);
  const ObjectRef one = b.clone(snapshot, b.size()), two = b.clone(volume, b.size());
  b.write(one, {{0, 201}});
  b.write(two, {{0, 202}});
  b.write(volume, {{0, 203}});
  b.expect_content(snapshot, first);
  b.expect_content(one, merged(first, {{0, 201}}));
  b.expect_content(two, merged(first, {{0, 202}}));
  b.expect_content(volume, merged(first, {{0, 203}}));
}

void going_back_is_a_clone_of_the_snapshot(Bench& b) {
  auto* extends = b.has<Extends>();
  const ObjectRef volume = b.create(b.size());
  const Content first = b.some_blocks(b.size(), 5);
  b.write(volume, first);
  const ObjectRef snapshot = b.snapshot(volume);
  b.write(volume, b.some_blocks(b.size(), 9));
  if (extends != nullptr) b.eventually("extend", [&] { return extends->extend(b.call(), volume, b.size(2)); });
  const ObjectRef reverted = b.clone(snapshot, b.probe(volume).size);
  b.remove(volume);
  b.expect_content(reverted, first);
  b.expect_content(snapshot, first);
}

void extending_keeps_the_bytes_of_all(Bench& b) {
  auto& extends = b.need<Extends>("extend");
  const ObjectRef volume = b.create(b.size());
  const Content first = b.some_blocks(b.size(), 5);
  b.write(volume, first);
  const ObjectRef snapshot = b.snapshot(volume);
  const ObjectRef clone = b.clone(snapshot, b.size());
  const std::int64_t last = b.size(2).count / block_size - 1;
  for (const ObjectRef& object : {volume, clone}) {
    b.eventually("extend", [&] { return extends.extend(b.call(), object, b.size(2)); });
    b.expect_content(object, first);
    b.write(object, {{last, 33}});
    b.expect_content(object, merged(first, {{last, 33}}));
  }
  expect(b.probe(snapshot).size == b.size(), "the snapshot grew with its volume");
  b.expect_content(snapshot, first);
}

/// Removes in the given order; what must wait for its children says whom.
void remove_in_order(Bench& b, std::vector<ObjectRef> order, const std::vector<ObjectRef>& family) {
  for (int rounds = 0; !order.empty(); ++rounds) {
    expect(rounds < 100, "{} can never be removed", order.front().name);
    const ObjectRef next = order.front();
    order.erase(order.begin());
    const DriverResult<> removed = b.driver().remove(b.call(), next);
    if (removed) {
      b.expect_presence(next, Presence::absent);
      continue;
    }
    expect(removed.error().kind == FailureClass::busy, "remove of {}: {}", next.name, text_of(removed));
    const bool is_base = std::any_of(family.begin(), family.end(), [&](const ObjectRef& other) { return b.probe(other).base.name == next.name; });
    expect(is_base, "remove of {} is busy, but nothing says that it hangs on it", next.name);
    order.push_back(next);
  }
}

void a_base_outlives_its_children(Bench& b) {
  b.need<Snapshots>("make snapshots");
  for (int order = 0; order < 2; ++order) {
    const ObjectRef volume = b.create(b.size());
    const Content one = b.some_blocks(b.size(), 4);
    b.write(volume, one);
    const ObjectRef snapshot = b.snapshot(volume);
    const ObjectRef child = b.clone(snapshot, b.size());
    const Content two = merged(one, {{3, 50}});
    b.write(child, {{3, 50}});
    const ObjectRef child_snapshot = b.snapshot(child);
    const ObjectRef grandchild = b.clone(child_snapshot, b.size());
    b.write(grandchild, {{4, 51}});
    const std::vector<ObjectRef> family{volume, snapshot, child, child_snapshot, grandchild};
    // Everything that the last one could hang on goes first, from either end.
    std::vector<ObjectRef> rest{snapshot, volume, child_snapshot, child};
    if (order == 1) std::reverse(rest.begin(), rest.end());
    for (const ObjectRef& object : rest) static_cast<void>(b.driver().remove(b.call(), object));
    b.renew();
    b.expect_content(grandchild, merged(two, {{4, 51}}));
    rest.push_back(grandchild);
    remove_in_order(b, rest, family);
    b.expect_clean();
  }
}

void flattening_frees_and_keeps_the_bytes(Bench& b) {
  auto& flattens = b.need<Flattens>("flatten");
  const ObjectRef volume = b.create(b.size());
  const Content first = b.some_blocks(b.size(), 6);
  b.write(volume, first);
  const ObjectRef snapshot = b.snapshot(volume);
  const ObjectRef clone = b.clone(snapshot, b.size(2));
  b.write(clone, {{1, 60}});
  for (int again = 0; again < 2; ++again) b.eventually("flatten", [&] { return flattens.flatten(b.call(), clone); });
  const Probe probe = b.probe(clone);
  expect(probe.base.name.empty() && probe.layers == 1 && !probe.wants_flatten, "a flattened clone has {} layers and hangs on '{}'", probe.layers, probe.base.name);
  b.expect_content(clone, merged(first, {{1, 60}}));
  b.expect_content(snapshot, first);
  b.remove(snapshot);
  b.remove(volume);
  b.expect_content(clone, merged(first, {{1, 60}}));
}

void many_snapshots_stay_right_and_readable(Bench& b) {
  b.need<Snapshots>("make snapshots");
  const ObjectRef volume = b.create(b.size());
  std::vector<std::pair<ObjectRef, Content>> history;
  Content content;
  for (int i = 0; i < 20; ++i) {
    const Content more = b.some_blocks(b.size(), 3);
    b.write(volume, more);
    content = merged(content, more);
    history.emplace_back(b.snapshot(volume), content);
    expect(b.probe(volume).layers <= 32, "after {} snapshots a read may go through {} layers", i + 1, b.probe(volume).layers);
  }
  for (const auto& [snapshot, then] : history) b.expect_content(snapshot, then);
  b.expect_content(volume, content);
  for (std::size_t i = 0; i < history.size(); i += 2) static_cast<void>(b.driver().remove(b.call(), history[i].first));
  for (std::size_t i = 1; i < history.size(); i += 2) b.expect_content(history[i].first, history[i].second);
  b.expect_content(volume, content);
}

void bytes_survive_a_restart(Bench& b) {
  const ObjectRef volume = b.create(b.size());
  const Content content = b.some_blocks(b.size(), 10);
  b.write(volume, content);
  b.renew();
  b.expect_content(volume, content);
  b.expect_presence(volume, Presence::complete);
}

/// The extents in blocks; whether they are whole blocks, in order and disjoint.
Content blocks_of(const std::vector<Extent>& extents, Bytes size) {
  Content out;
  std::int64_t at = 0;
  for (const Extent& extent : extents) {
    expect(extent.offset.count >= at && extent.length.count > 0, "changed extents overlap or are out of order at {}", extent.offset.count);
    at = extent.offset.count + extent.length.count;
    expect(at <= round_up(size, {block_size}).count, "a changed extent ends at {} of {}", at, size.count);
    for (std::int64_t block = extent.offset.count / block_size; block * block_size < at; ++block) {
      const auto known = out.find(block);
      out[block] = extent.zero && (known == out.end() || known->second == 0) ? 0 : 1;
    }
  }
  return out;
}

void changed_blocks_miss_nothing(Bench& b) {
  auto& changes = b.need<ChangedBlocks>("tell changed blocks");
  const ObjectRef volume = b.create(b.size(2));
  std::vector<std::pair<ObjectRef, Content>> points;
  Content content;
  for (int i = 0; i < 4; ++i) {
    Content more = b.some_blocks(b.size(2), 8);
    for (auto& [block, value] : more) value = 1 + (value + i * 61) % 250;
    b.write(volume, more);
    content = merged(content, more);
    points.emplace_back(b.snapshot(volume), content);
  }
  for (std::size_t older = 0; older < points.size(); ++older) {
    for (std::size_t newer = older; newer < points.size(); ++newer) {
      const auto extents = b.eventually("changed", [&] { return changes.changed(b.call(), points[older].first, points[newer].first); });
      const Content told = blocks_of(*extents, b.size(2));
      const Content &before = points[older].second, &after = points[newer].second;
      for (const auto& [block, unused] : merged(merged(before, after), told)) {
        const auto was = before.find(block), is = after.find(block);
        const int old_value = was == before.end() ? 0 : was->second, new_value = is == after.end() ? 0 : is->second;
        const auto said = told.find(block);
        expect(old_value == new_value || said != told.end(), "block {} changed from {} to {} between snapshots {} and {}, and is not told", block, old_value, new_value,
               older, newer);
        expect(said == told.end() || said->second != 0 || new_value == 0, "block {} is told to be zero and is {}", block, new_value);
      }
      // Written again with the same byte is a change too, so "exact" is measured where nothing at all was written.
      if (older == newer) expect(told.empty(), "a snapshot differs from itself in {} blocks", told.size());
    }
  }
  const auto everything = b.eventually("changed", [&] { return changes.changed(b.call(), {}, points.back().first); });
  Content data = blocks_of(*everything, b.size(2));
  std::erase_if(data, [](const auto& entry) { return entry.second == 0; });
  for (const auto& [block, value] : points.back().second) expect(data.contains(block), "block {} has data and is not told", block);
  expect(data.size() == points.back().second.size(), "{} blocks were written, {} are told", points.back().second.size(), data.size());
}

void only_what_was_written_is_changed(Bench& b) {
  auto& changes = b.need<ChangedBlocks>("tell changed blocks");
  const ObjectRef volume = b.create(b.size(2));
  b.write(volume, b.some_blocks(b.size(2), 20));
  const ObjectRef before = b.snapshot(volume);
  const Content written = b.some_blocks(b.size(2), 7);
  b.write(volume, written);
  const ObjectRef after = b.snapshot(volume);
  const auto extents = b.eventually("changed", [&] { return changes.changed(b.call(), before, after); });
  const Content told = blocks_of(*extents, b.size(2));
  for (const auto& [block, value] : told) expect(written.contains(block), "block {} was not written and is told to have changed", block);
  for (const auto& [block, value] : written) expect(told.contains(block), "block {} was written and is not told", block);
}

}  // namespace

std::vector<CheckEntry> content_checks() {
  return {{"bytes_survive_a_restart", bytes_survive_a_restart},
          {"a_snapshot_keeps_its_moment", a_snapshot_keeps_its_moment},
          {"a_snapshot_is_taken_once", a_snapshot_is_taken_once},
          {"a_clone_has_the_bytes_and_its_own_size", a_clone_has_the_bytes_and_its_own_size},
          {"clones_and_their_source_do_not_see_each_other", clones_and_their_source_do_not_see_each_other},
          {"going_back_is_a_clone_of_the_snapshot", going_back_is_a_clone_of_the_snapshot},
          {"extending_keeps_the_bytes_of_all", extending_keeps_the_bytes_of_all},
          {"a_base_outlives_its_children", a_base_outlives_its_children},
          {"flattening_frees_and_keeps_the_bytes", flattening_frees_and_keeps_the_bytes},
          {"many_snapshots_stay_right_and_readable", many_snapshots_stay_right_and_readable},
          {"changed_blocks_miss_nothing", changed_blocks_miss_nothing},
          {"only_what_was_written_is_changed", only_what_was_written_is_changed}};
}

}  // namespace scoria::drivers::conformance
