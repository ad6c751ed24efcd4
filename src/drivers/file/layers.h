#pragma once
#include <string>
#include <vector>

#include "drivers/file/object.h"
#include "drivers/live.h"

/// Points in time by overlays: an object's head is frozen (never written again) and goes on in a new qcow2 overlay above it.
namespace scoria::drivers::file {

/// What the work on one object needs to know.
struct Shape {
  Clock& clock;
  const Call& call;
  LiveUse* live;       // may be null
  std::string folder;  // the object's directory, as a path
  std::string name;    // of the object
  bool shares = false;  // blocks can be shared: a raw file is not about to become an overlay
  /// Exports cannot begin to write through while a client is connected, so what may get an overlay does from the start.
  Location location(const Layer& layer) const {
    return {.protocol = "file", .path = folder + "/" + layer.file, .format = layer.format, .write_through = layer.format == "qcow2" || !shares};
  }
};

/// Freezes the bytes the object has now, for `taker` (the snapshot or clone that will share them), and gives the frozen
/// chain, head first. Called again for the same taker after a crash it gives the same point in time. The object's lock is
/// held. `busy` when somebody writes to the object who cannot be moved to an overlay.
DriverResult<std::vector<Layer>> freeze(const Shape& shape, Locked& locked, const ObjectRef& taker);
/// The taker has its links: the note about it goes.
void forget_freezing(Locked& locked);

/// Puts links to a chain's files into a new object. False when a file cannot have more links: copy instead.
bool link_chain(const os::Fd& from, const std::vector<Layer>& chain, const os::Fd& to);

/// Makes the object's place the one raw file `file`, which holds the same bytes as its chain, if the object is still as
/// `before` says and its head was not written since `written`. `unused`: nobody may have the head open. Else `busy`.
struct HeadState {
  Description description;
  timespec written{};
};
HeadState head_state(const Found& found);
DriverResult<> replace_chain(const Shape& shape, Locked& locked, const HeadState& before, const std::string& file, bool unused);
/// Removes files of the directory that the description does not name. No flatten may be under way.
void remove_strays(const Found& found);

}  // namespace scoria::drivers::file
