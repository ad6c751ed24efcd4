#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "drivers/file/copy.h"
#include "drivers/file/driver.h"
#include "drivers/file/qemu.h"
#include "drivers/names.h"
#include "os/extents.h"

namespace scoria::drivers::file {
namespace {

/// The hidden point in time that a copy from a volume reads.
std::string own_source_of(const std::string& target) { return ".source." + target; }

bool same(const ObjectRef& a, const ObjectRef& b) { return a.pool == b.pool && a.name == b.name; }

/// Builds an object and shows it under its name; whatever goes wrong, nothing half made stays.
DriverResult<bool> drafted(const os::Fd& pool, const std::string& name, const std::function<DriverResult<bool>(Draft&, Description&)>& build) {
  Draft draft(pool, name);
  try {
    Description description;
    DriverResult<bool> built = build(draft, description);
    if (!built || !*built) {
      draft.discard();
      return built;
    }
    draft.publish(description);  // taken meanwhile: whoever made it, the caller looks again
    return true;
  } catch (const std::system_error&) {
    draft.discard();
    throw;
  }
}

}  // namespace

DriverResult<> FileDriver::snapshot(const Call& call, const ObjectRef& source, const ObjectRef& snapshot) {
  return guarded([&]() -> DriverResult<> {
    const DriverResult<Place> at = place(call, snapshot);
    if (!at) return failed(at.error());
    if (!valid_name(source.name)) return failed(FailureClass::permanent, "'{}' is not a name of an object", source.name);
    if (source.pool != snapshot.pool) return failed(FailureClass::permanent, "a snapshot lies in the pool of its volume, '{}'", source.pool);
    while (true) {
      const Found there = find(*at, snapshot.name);
      if (there.presence == Presence::complete && there.description.read_only && same(there.description.source, source)) return {};
      if (there.presence != Presence::absent) return failed(FailureClass::permanent, "{} exists already and is no snapshot of {}", snapshot.name, source.name);
      const DriverResult<bool> shared = share(call, *at, source, {.object = snapshot, .read_only = true});
      if (!shared) return failed(shared.error());
      if (!*shared) return failed(FailureClass::busy, "{} has too many snapshots and clones for this file system: flatten some", source.name);
    }
  });
}

DriverResult<> FileDriver::clone(const Call& call, const ObjectRef& source, const ObjectRef& target, Bytes size) {
  return guarded([&]() -> DriverResult<> {
    const DriverResult<Place> at = place(call, target), from = place(call, source);
    if (!at) return failed(at.error());
    if (!from) return failed(from.error());
    if (DriverResult<> fits = check_size(*at->pool, size); !fits) return fits;
    while (true) {
      const Found there = find(*at, target.name);
      if (there.presence != Presence::absent) {
        if (!there.directory || there.description.read_only || !same(there.description.source, source) || size_now(there) != size)
          return failed(FailureClass::permanent, "{} exists already and is no clone of {} with {} bytes", target.name, source.name, size.count);
        return there.presence == Presence::complete ? DriverResult<>{} : fill(call, *at, target);
      }
      const Found origin = find(*from, source.name);
      if (origin.presence != Presence::complete) return failed(FailureClass::permanent, "there is no whole object {} in pool '{}'", source.name, source.pool);
      if (size < size_now(origin)) return failed(FailureClass::permanent, "{} bytes cannot hold {} with {}", size.count, source.name, size_now(origin).count);
      DriverResult<bool> shared = false;
      if (source.pool == target.pool) shared = share(call, *at, source, {.object = target, .size = size});
      if (!shared) return failed(shared.error());
      if (!*shared)
        if (DriverResult<> begun = begin_copy(*at, source, {.object = target, .size = size}, !origin.description.read_only); !begun) return begun;
    }
  });
}

bool FileDriver::can_share_blocks(const Place& at, const Found& source) const {
  const std::vector<Layer>& layers = source.description.layers;
  if (!at.pool->reflink || layers.size() != 1 || layers.front().format != "raw") return false;
  const auto extents = os::count_extents(os::open_at(source.directory, layers.front().file, O_RDONLY));
  return !extents || *extents <= options_.reflink_extent_limit;
}

DriverResult<bool> FileDriver::share(const Call& call, const Place& at, const ObjectRef& source, const Target& target) {
  const std::size_t most = 2 * static_cast<std::size_t>(options_.layer_limit);
  {
    const Found found = find(at, source.name);
    if (found.directory && found.description.read_only) {
      if (can_share_blocks(at, found))
        if (DriverResult<bool> shared = share_blocks(at, found, source, target); !shared || *shared) return shared;
      if (!target.read_only && found.description.layers.size() >= most) return false;
      return share_chain(call, at, found, source, found.description.layers, target);
    }
    if (found.presence == Presence::complete && found.description.layers.size() >= most)
      if (DriverResult<> flattened = flatten(call, source); !flattened) return failed(flattened.error());
  }
  DriverResult<Locked> locked = lock(call, at, source.name);
  if (!locked) return failed(locked.error());
  if (locked->object.presence != Presence::complete) return failed(FailureClass::permanent, "{} is not whole yet", source.name);
  if (find(at, target.object.name).presence != Presence::absent) return true;
  if (can_share_blocks(at, locked->object))
    if (DriverResult<bool> shared = share_blocks(at, locked->object, source, target); !shared || *shared) return shared;
  const Shape form = shape(call, at, source.name);
  DriverResult<std::vector<Layer>> chain;
  const DriverResult<> free = options_.live == nullptr ? DriverResult<>{} : options_.live->movable(form.location(locked->object.description.head()));
  if (free) chain = freeze(form, *locked, target.object);
  else chain = failed(free.error());
  // In use by a protocol that cannot follow: rather make its writers wait while many extents are shared than refuse.
  if (!chain && (!free || chain.error().kind == FailureClass::busy) && at.pool->reflink && locked->object.description.layers.size() == 1)
    if (DriverResult<bool> shared = share_blocks(at, locked->object, source, target); !shared || *shared) return shared;
  if (!chain) return failed(chain.error());
  DriverResult<bool> shared = share_chain(call, at, locked->object, source, *chain, target);
  if (shared && *shared) forget_freezing(*locked);
  return shared;
}

DriverResult<bool> FileDriver::share_blocks(const Place& at, const Found& source, const ObjectRef& from, const Target& target) {
  return drafted(at.directory, target.object.name, [&](Draft& draft, Description& out) -> DriverResult<bool> {
    const Bytes size = target.read_only ? size_now(source) : target.size;
    const Layer layer{.file = target.object.name + ".0.raw", .format = "raw"};
    const os::Fd file = os::open_at(draft.directory(), layer.file, O_RDWR | O_CREAT | O_EXCL);
    if (!os::reflink(os::open_at(source.directory, source.description.head().file, O_RDONLY), file)) return false;
    FAILPOINT("driver.file.share.linked");
    if (os::status_of(file).st_size != size.count && ::ftruncate(file.get(), size.count) != 0) os::fail("size", target.object.name);
    os::sync(file);
    out = {.deployment = options_.deployment, .complete = true, .read_only = target.read_only, .size = size, .layers = {layer}, .source = from};
    return true;
  });
}

DriverResult<bool> FileDriver::share_chain(const Call& call, const Place& at, const Found& source, const ObjectRef& from, const std::vector<Layer>& chain,
                                           const Target& target) {
  const Bytes size = target.read_only ? size_now(source) : target.size;
  return drafted(at.directory, target.object.name, [&](Draft& draft, Description& out) -> DriverResult<bool> {
    if (!link_chain(source.directory, chain, draft.directory())) return false;
    FAILPOINT("driver.file.share.chained");
    out = {.deployment = options_.deployment, .complete = true, .read_only = target.read_only, .size = size, .layers = chain, .source = from};
    if (target.read_only) return true;
    const Layer overlay{.file = target.object.name + ".0.qcow2", .format = "qcow2"};
    const DriverResult<> made = make_overlay(clock_, call, at.folder_of(draft.hidden()), overlay.file, chain.front().file, chain.front().format, size);
    if (!made) return failed(made.error());
    out.layers.insert(out.layers.begin(), overlay);
    return true;
  });
}

DriverResult<> FileDriver::begin_copy(const Place& at, const ObjectRef& source, const Target& target, bool own_source) {
  const DriverResult<bool> made = drafted(at.directory, target.object.name, [&](Draft& draft, Description& out) -> DriverResult<bool> {
    const Layer layer{.file = target.object.name + ".0.raw", .format = "raw"};
    make_empty_file(draft.directory(), layer.file, target.size);
    out = {.deployment = options_.deployment, .size = target.size, .layers = {layer}, .source = source, .own_source = own_source};
    return true;
  });
  if (!made) return failed(made.error());
  return {};
}

DriverResult<> FileDriver::fill(const Call& call, const Place& at, const ObjectRef& target) {
  DriverResult<Locked> locked = lock(call, at, target.name, Duration::zero());
  if (!locked) return failed(locked.error());
  Found& found = locked->object;
  if (found.presence == Presence::complete) return {};
  const DriverResult<Place> from = open_pool(found.description.source.pool);
  if (!from) return failed(from.error());
  if (!os::open_at_if_there(found.directory, "copied", O_RDONLY)) {
    std::string source = found.description.source.name;
    if (found.description.own_source) {
      source = own_source_of(target.name);
      while (find(*from, source).presence == Presence::absent) {
        const Target hidden{.object = {.pool = from->pool->config.name, .name = source}, .read_only = true};
        const DriverResult<bool> shared = share(call, *from, found.description.source, hidden);
        if (!shared) return failed(shared.error());
        if (!*shared) return failed(FailureClass::busy, "{} has too many snapshots and clones for this file system", found.description.source.name);
      }
    }
    if (DriverResult<> copied = fill_from(call, *from, source, found); !copied) return copied;
    os::write_atomically(found.directory, "copied", "");
    FAILPOINT("driver.file.fill.copied");
  }
  if (DriverResult<> dropped = drop_own_source(call, target, found.description); !dropped) return dropped;
  FAILPOINT("driver.file.fill.dropped");
  found.description.complete = true;
  found.description.own_source = false;
  describe(found.directory, found.description);
  os::remove_tree(found.directory, "filled");
  os::remove_tree(found.directory, "copied");
  return {};
}

DriverResult<> FileDriver::fill_from(const Call& call, const Place& from, const std::string& source, const Found& target) {
  const Found origin = find(from, source);
  if (origin.presence != Presence::complete) return failed(FailureClass::permanent, "the source {} of the copy is not there any more", source);
  return copy_bytes(clock_, call, from.folder_of(source), origin, {.directory = target.directory, .target = target.description.head().file});
}

DriverResult<> FileDriver::drop_own_source(const Call& call, const ObjectRef& object, const Description& description) {
  if (!description.own_source) return {};
  const DriverResult<Place> from = open_pool(description.source.pool);
  if (!from) return failed(from.error());
  return remove_named(call, *from, own_source_of(object.name));
}

/// A volume's layers may change while they are looked at: then the map is of neither shape.
DriverResult<std::vector<Piece>> FileDriver::steady_places(const Call& call, const Place& at, const std::string& name) {
  while (true) {
    const Found found = find(at, name);
    if (found.presence != Presence::complete) return failed(FailureClass::permanent, "there is no whole object {}", name);
    if (!found.description.merging.empty()) {
      if (const DriverResult<Locked> mended = lock(call, at, name); !mended) return failed(mended.error());
      continue;
    }
    DriverResult<std::vector<Piece>> places = places_of(clock_, call, at.folder_of(name), found);
    const Found after = find(at, name);
    if (!after.directory || after.description == found.description) return places;
    if (call.deadline.passed(clock_)) return failed(FailureClass::busy, "{} changes its shape", name);
  }
}

DriverResult<std::vector<Extent>> FileDriver::changed(const Call& call, const ObjectRef& older, const ObjectRef& newer) {
  return guarded([&]() -> DriverResult<std::vector<Extent>> {
    std::vector<Piece> pieces[2];
    const ObjectRef* objects[2] = {&older, &newer};
    for (int i = 0; i < 2; ++i) {
      if (objects[i]->name.empty()) continue;
      const DriverResult<Place> at = place(call, *objects[i]);
      if (!at) return failed(at.error());
      DriverResult<std::vector<Piece>> places = steady_places(call, *at, objects[i]->name);
      if (!places) return failed(places.error());
      pieces[i] = std::move(*places);
    }
    return difference(pieces[0], pieces[1]);
  });
}

DriverResult<std::shared_ptr<void>> FileDriver::hold(const Call& call, const ObjectRef& object) {
  return guarded([&]() -> DriverResult<std::shared_ptr<void>> {
    const DriverResult<Place> at = place(call, object);
    if (!at) return failed(at.error());
    DriverResult<Locked> locked = lock(call, *at, object.name, Duration::zero());
    if (!locked) return failed(locked.error());
    return std::make_shared<os::Fd>(std::move(locked->lock));
  });
}

}  // namespace scoria::drivers::file
