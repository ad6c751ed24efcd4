#include <fcntl.h>

#include "drivers/file/copy.h"
#include "drivers/file/driver.h"

namespace scoria::drivers::file {

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
    std::string file;
    const DriverResult<HeadState> before = begin_flatten(call, *at, object.name, file);
    if (!before) return failed(before.error());
    if (file.empty()) return {};
    FAILPOINT("driver.file.flatten.begun");
    DriverResult<> done = flatten_into(call, *at, object.name, *before, file);
    // What is not named any more goes: the old chain, or what was copied in vain.
    if (const DriverResult<Locked> locked = lock(call, *at, object.name); locked) remove_strays(locked->object);
    return done;
  });
}

DriverResult<HeadState> FileDriver::begin_flatten(const Call& call, const Place& at, const std::string& name, std::string& file) {
  DriverResult<Locked> locked = lock(call, at, name);
  if (!locked) return failed(locked.error());
  Found& found = locked->object;
  remove_strays(found);
  if (found.description.layers.size() == 1 && found.description.head().format == "raw") return HeadState{};
  file = fmt::format("{}.{}.raw", name, found.description.next_layer++);
  describe(found.directory, found.description);
  make_empty_file(found.directory, file, size_now(found));
  return head_state(found);
}

DriverResult<> FileDriver::flatten_into(const Call& call, const Place& at, const std::string& name, const HeadState& before, const std::string& file) {
  const Shape form = shape(call, at, name);
  const Layer target{.file = file, .format = "raw"};
  const auto commit = [&](bool unused) -> DriverResult<> {
    DriverResult<Locked> locked = lock(call, at, name);
    if (!locked) return failed(locked.error());
    return replace_chain(form, *locked, before, file, unused);
  };
  if (options_.live != nullptr) {
    const DriverResult<bool> mirrored = options_.live->mirror(call, form.location(before.description.head()), form.location(target), [&] { return commit(false); });
    if (!mirrored) return failed(mirrored.error());
    if (*mirrored) return {};
  }
  const std::string head = form.folder + "/" + before.description.head().file;
  if (os::written_elsewhere(head)) return failed(FailureClass::busy, "{} is open for writing by a program that cannot follow", name);
  const Found found = find(at, name);
  Call careful = call;
  careful.stop = [&] { return call.should_stop() || os::written_elsewhere(head); };
  const DriverResult<> copied = copy_bytes(clock_, careful, form.folder, found, {.directory = found.directory, .target = file, .resumable = false});
  if (!copied && copied.error().kind == FailureClass::stopped && !call.should_stop()) return failed(FailureClass::busy, "{} came into use", name);
  if (!copied) return copied;
  FAILPOINT("driver.file.flatten.copied");
  return commit(true);
}

}  // namespace scoria::drivers::file
