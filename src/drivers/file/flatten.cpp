#include <fcntl.h>

#include "drivers/file/copy.h"
#include "drivers/file/driver.h"

namespace scoria::drivers::file {

/// A volume that nobody uses becomes one raw file. One in use keeps its head, and all below becomes one raw file: nothing that
/// is written meanwhile has to be copied, so nothing can be missed.
DriverResult<> FileDriver::flatten(const Call& call, const ObjectRef& object) {
  return guarded([&]() -> DriverResult<> {
    const DriverResult<Place> at = place(call, object);
    if (!at) return failed(at.error());
    const Found found = find(*at, object.name);
    if (found.presence != Presence::complete) return failed(FailureClass::permanent, "there is no whole object {} in pool '{}'", object.name, object.pool);
    if (found.description.read_only) return failed(FailureClass::permanent, "{} is a snapshot: what hangs on it is flattened, not it", object.name);
    // A lock of its own: a flatten takes long, and snapshots must not wait for it.
    const os::Fd alone = os::open_at(found.directory, "flattening", O_RDWR | O_CREAT);
    if (!os::try_lock(alone)) return failed(FailureClass::busy, "{} is being flattened", object.name);
    const DriverResult<Location> head = locate(call, object);
    if (!head) return failed(head.error());
    const bool used = (options_.live != nullptr && options_.live->serves(*head)) || os::written_elsewhere(head->path);
    std::string file;
    const DriverResult<HeadState> before = begin_flatten(call, *at, object.name, used, file);
    if (!before) return failed(before.error());
    if (file.empty()) return {};
    FAILPOINT("driver.file.flatten.begun");
    DriverResult<> done = used ? merge_below(call, *at, object.name, *before, file) : flatten_into(call, *at, object.name, *before, file);
    // What is not named any more goes: the old chain, or what was copied in vain.
    if (const DriverResult<Locked> locked = lock(call, *at, object.name); locked) remove_strays(locked->object);
    return done;
  });
}

DriverResult<HeadState> FileDriver::begin_flatten(const Call& call, const Place& at, const std::string& name, bool used, std::string& file) {
  DriverResult<Locked> locked = lock(call, at, name);
  if (!locked) return failed(locked.error());
  Found& found = locked->object;
  remove_strays(found);
  if (const DriverResult<> moved = finish_freezing(shape(call, at, name), *locked); !moved) return failed(moved.error());
  const std::vector<Layer>& layers = found.description.layers;
  if (used ? layers.size() <= merged_layers : layers.size() == 1 && layers.front().format == "raw") return HeadState{};
  file = fmt::format("{}.{}.raw", name, found.description.next_layer++);
  if (used) file = frozen_name(file);
  describe(found.directory, found.description);
  make_empty_file(found.directory, file, size_now(found));
  return head_state(found);
}

DriverResult<> FileDriver::flatten_into(const Call& call, const Place& at, const std::string& name, const HeadState& before, const std::string& file) {
  const Shape form = shape(call, at, name);
  const std::string head = form.folder + "/" + before.description.head().file;
  const Found found = find(at, name);
  Call careful = call;
  careful.stop = [&] { return call.should_stop() || os::written_elsewhere(head); };
  const DriverResult<> copied = copy_bytes(clock_, careful, form.folder, found, {.directory = found.directory, .target = file, .resumable = false});
  if (!copied && copied.error().kind == FailureClass::stopped && !call.should_stop()) return failed(FailureClass::busy, "{} came into use", name);
  if (!copied) return copied;
  FAILPOINT("driver.file.flatten.copied");
  DriverResult<Locked> locked = lock(call, at, name);
  if (!locked) return failed(locked.error());
  return replace_chain(form, *locked, before, file);
}

DriverResult<> FileDriver::merge_below(const Call& call, const Place& at, const std::string& name, const HeadState& before, const std::string& file) {
  const Shape form = shape(call, at, name);
  Found below = find(at, name);
  below.description = before.description;
  below.description.layers.erase(below.description.layers.begin());
  const DriverResult<> copied = copy_bytes(clock_, call, form.folder, below, {.directory = below.directory, .target = file, .resumable = false});
  if (!copied) return copied;
  FAILPOINT("driver.file.merge.copied");
  {
    DriverResult<Locked> locked = lock(call, at, name);
    if (!locked) return failed(locked.error());
    if (const DriverResult<> replaced = replace_below(form, *locked, before, file); !replaced) return replaced;
  }
  FAILPOINT("driver.file.merge.replaced");
  if (options_.live == nullptr) return {};
  // Who has the old layers open goes on with them until told; a crash before that costs nothing but their space.
  return options_.live->rebase(call, form.location(before.description.head()), form.location(before.description.layers[1]));
}

}  // namespace scoria::drivers::file
