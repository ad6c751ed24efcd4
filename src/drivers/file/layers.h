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
/// A point in time that somebody began and did not see through: its writers move to the head now. Nothing to do is success.
DriverResult<> finish_freezing(const Shape& shape, Locked& locked);
/// The taker has its links: the note about it goes.
void forget_freezing(Locked& locked);

/// Puts links to a chain's files into a new object. False when a file cannot have more links: copy instead.
bool link_chain(const os::Fd& from, const std::vector<Layer>& chain, const os::Fd& to);

/// Makes the object's place the one raw file `file`, which holds the same bytes as its chain, if the object is still as
/// `before` says, its head was not written since `written` and nobody has it open. Else `busy`.
struct HeadState {
  Description description;
  timespec written{};
};
HeadState head_state(const Found& found);
/// Puts the raw file `file`, which holds the bytes of all layers below the head, in their place, by one rename on disk: whoever
/// has the old layers open reads the same bytes. `busy` when the object is not as `before` any more.
DriverResult<> replace_below(const Shape& shape, Locked& locked, const HeadState& before, const std::string& file);
/// How many layers are left then: a qcow2 can only be replaced by a qcow2, so an empty one stands between.
inline constexpr std::size_t merged_layers = 3;
DriverResult<> replace_chain(const Shape& shape, Locked& locked, const HeadState& before, const std::string& file);
/// Removes files of the directory that the description does not name. No flatten may be under way.
void remove_strays(const Found& found);

}  // namespace scoria::drivers::file
