#include "drivers/file/layers.h"

#include <fcntl.h>

#include <cerrno>

#include "drivers/file/qemu.h"

namespace scoria::drivers::file {
namespace {

void rename_file(const os::Fd& directory, const std::string& from, const std::string& to) {
  if (!os::rename_new(directory, from, directory, to)) os::fail(EEXIST, "rename " + from + " to", to);
  os::sync(directory);
}

/// Back to the shape before the freeze: possible as long as nobody has opened the overlay.
DriverResult<> thaw(const Shape& shape, Locked& locked, const Description& before, DriverError why) {
  Found& found = locked.object;
  const Description frozen = found.description;
  const std::string aside = frozen.head().file + ".aside";
  describe(found.directory, before);
  rename_file(found.directory, frozen.head().file, aside);
  if (os::open_elsewhere(shape.folder + "/" + aside)) {
    rename_file(found.directory, aside, frozen.head().file);
    describe(found.directory, frozen);
    return failed(FailureClass::busy, "{} is being opened by several programs at once", shape.name);
  }
  rename_file(found.directory, frozen_name(before.head().file), before.head().file);
  os::remove_tree(found.directory, aside);
  found.description = before;
  return failed(std::move(why));
}

/// Moves whoever writes to the object over to its new head; in the end nobody writes to the frozen one.
DriverResult<> redirect(const Shape& shape, Locked& locked) {
  Description& now = locked.object.description;
  const Layer frozen = now.layers[1];
  const Layer writable{.file = thawed_name(frozen.file), .format = frozen.format};
  DriverResult<bool> moved = shape.live == nullptr ? DriverResult<bool>(false) : shape.live->redirect(shape.call, shape.location(writable), shape.location(now.head()));
  if (moved && !*moved && os::written_elsewhere(shape.folder + "/" + frozen.file))
    moved = failed(FailureClass::busy, "{} is open for writing by a program that cannot follow a snapshot here", shape.name);
  if (!moved) {
    if (moved.error().kind != FailureClass::busy && moved.error().kind != FailureClass::permanent) return failed(moved.error());
    Description before = now;
    before.layers.erase(before.layers.begin());
    before.layers.front() = writable;
    before.freezing = {};
    return thaw(shape, locked, before, moved.error());
  }
  FAILPOINT("driver.file.freeze.redirected");
  os::sync(os::open_at(locked.object.directory, frozen.file, O_RDONLY));
  return {};
}

}  // namespace

DriverResult<> finish_freezing(const Shape& shape, Locked& locked) {
  if (locked.object.description.freezing.name.empty()) return {};
  return redirect(shape, locked);
}

DriverResult<std::vector<Layer>> freeze(const Shape& shape, Locked& locked, const ObjectRef& taker) {
  Found& found = locked.object;
  const bool again = found.description.freezing.pool == taker.pool && found.description.freezing.name == taker.name;
  if (DriverResult<> moved = finish_freezing(shape, locked); !moved) return failed(moved.error());
  if (!again) {
    Description next = found.description;
    next.size = size_now(found);
    const Layer old = next.head();
    const Layer overlay{.file = fmt::format("{}.{}.qcow2", shape.name, next.next_layer++), .format = "qcow2"};
    next.layers.front().file = frozen_name(old.file);
    next.layers.insert(next.layers.begin(), overlay);
    next.freezing = taker;
    os::remove_tree(found.directory, overlay.file);
    const DriverResult<> made = make_overlay(shape.clock, shape.call, shape.folder, overlay.file, next.layers[1].file, old.format, next.size);
    if (!made) {
      os::remove_tree(found.directory, overlay.file);
      return failed(made.error());
    }
    FAILPOINT("driver.file.freeze.overlay");
    rename_file(found.directory, old.file, next.layers[1].file);
    FAILPOINT("driver.file.freeze.renamed");
    describe(found.directory, next);
    found.description = next;
    FAILPOINT("driver.file.freeze.described");
    if (DriverResult<> moved = redirect(shape, locked); !moved) return failed(moved.error());
  }
  return std::vector<Layer>(found.description.layers.begin() + 1, found.description.layers.end());
}

void forget_freezing(Locked& locked) {
  if (locked.object.description.freezing.name.empty()) return;
  locked.object.description.freezing = {};
  describe(locked.object.directory, locked.object.description);
}

bool link_chain(const os::Fd& from, const std::vector<Layer>& chain, const os::Fd& to) {
  for (const Layer& layer : chain) {
    try {
      if (!os::link_file(from, layer.file, to, layer.file)) os::fail(EEXIST, "link", layer.file);
    } catch (const std::system_error& error) {
      if (error.code().value() == EMLINK) return false;
      throw;
    }
  }
  return true;
}

HeadState head_state(const Found& found) {
  const auto status = os::status_at(found.directory, found.description.head().file);
  return {.description = found.description, .written = status ? status->st_mtim : timespec{}};
}

DriverResult<> replace_below(const Shape& shape, Locked& locked, const HeadState& before, const std::string& file) {
  Found& found = locked.object;
  if (!(found.description == before.description)) return failed(FailureClass::busy, "{} has changed its shape meanwhile", shape.name);
  const std::string below = found.description.layers[1].file;
  const DriverResult<> made = make_overlay(shape.clock, shape.call, shape.folder, merged_name(below), file, "raw", found.description.size);
  if (!made) return made;
  found.description.merging = file;
  describe(found.directory, found.description);
  FAILPOINT("driver.file.merge.noted");
  if (::renameat(found.directory.get(), merged_name(below).c_str(), found.directory.get(), below.c_str()) != 0) os::fail("rename", merged_name(below));
  os::sync(found.directory);
  FAILPOINT("driver.file.merge.renamed");
  finish_merging(found);
  return {};
}

DriverResult<> replace_chain(const Shape& shape, Locked& locked, const HeadState& before, const std::string& file) {
  Found& found = locked.object;
  if (!(found.description == before.description)) return failed(FailureClass::busy, "{} has changed its shape meanwhile", shape.name);
  const Layer old = found.description.head();
  const std::string aside = frozen_name(old.file);
  // As in erase(): first the name, then the look. A crash in between is mended by who locks the object next.
  rename_file(found.directory, old.file, aside);
  FAILPOINT("driver.file.flatten.aside");
  const timespec written = os::status_at(found.directory, aside)->st_mtim;
  const bool untouched = written.tv_sec == before.written.tv_sec && written.tv_nsec == before.written.tv_nsec;
  if (!untouched || os::open_elsewhere(shape.folder + "/" + aside)) {
    rename_file(found.directory, aside, old.file);
    return failed(FailureClass::busy, "{} came into use meanwhile", shape.name);
  }
  Description next = found.description;
  next.layers = {{.file = file, .format = "raw"}};
  next.freezing = {};
  describe(found.directory, next);
  found.description = next;
  FAILPOINT("driver.file.flatten.described");
  return {};
}

void remove_strays(const Found& found) {
  for (const std::string& name : os::names_in(found.directory)) {
    const auto& layers = found.description.layers;
    const bool known = name == "object" || name == "lock" || name == "filled" || name == "flattening" ||
                       std::any_of(layers.begin(), layers.end(), [&name](const Layer& layer) { return layer.file == name; });
    if (!known) os::remove_tree(found.directory, name);
  }
}

}  // namespace scoria::drivers::file
