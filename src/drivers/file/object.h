#pragma once
#include <functional>
#include <string>

#include "base/clock.h"
#include "drivers/errors.h"
#include "drivers/file/description.h"
#include "os/files.h"

/// How an object lies in its pool:
///
///   POOL/<name>/object              what it is (description.h)
///   POOL/<name>/lock                who holds it locks this file
///   POOL/<name>/<layer files>       its bytes: one raw file, or a chain of qcow2 overlays over a raw one
///   POOL/.new.<name>.<random>/      being made: nothing exists under <name> before it is whole
///   POOL/.gone.<name>.<random>/     being removed: nothing exists under <name> any more
///
/// Every object holds links to all files of its chain, so removing one never takes bytes from another, and the last
/// one that goes gives the space back.
namespace scoria::drivers::file {

/// What is under a name right now.
struct Found {
  Presence presence = Presence::absent;
  os::Fd directory;         // open unless absent or foreign
  Description description;  // as read unless absent or foreign
};
Found find_object(const os::Fd& pool, const std::string& name, const std::string& deployment);

/// The empty overlay over `Description::merging` that takes the name of the layer below the head: `name` until it does.
std::string merged_name(const std::string& file);
/// The layers below the head have been replaced on disk: the description says so.
void finish_merging(Found& found);

/// What a reader sees: a raw file may have grown just before a crash.
Bytes size_now(const Found& found);

/// An object with its lock held: its shape does not change but by us.
struct Locked {
  os::Fd lock;
  Found object;
};
/// Waits for `patience`, or the deadline, then `busy`. Absent and foreign are permanent refusals.
DriverResult<Locked> lock_object(Clock& clock, const Call& call, const os::Fd& pool, const std::string& name, const std::string& deployment,
                                 Duration patience = 2s);

/// A new raw file of holes only.
os::Fd make_empty_file(const os::Fd& directory, const std::string& name, Bytes size);

/// Can files of this directory share blocks? Tried: no list of file systems is ever right. Nothing while the disk is full.
std::optional<bool> can_reflink(const os::Fd& pool);

/// Replaces the description; durable on return.
void describe(const os::Fd& directory, const Description& description);

/// An object that nobody sees yet. Its lock is held, so nobody takes it for a leftover.
class Draft {
 public:
  Draft(const os::Fd& pool, std::string name);
  const os::Fd& directory() const { return directory_; }
  const std::string& hidden() const { return hidden_; }  // its name in the pool until it is published
  /// Shows it under its name, whole and durable. False when the name is taken: the draft is discarded then.
  bool publish(const Description& description);
  void discard();
  /// The lock, for a caller who goes on to fill what was published.
  os::Fd take_lock() { return std::move(lock_); }

 private:
  const os::Fd& pool_;
  std::string name_;
  std::string hidden_;
  os::Fd directory_;
  os::Fd lock_;
};

/// Takes the object's name away and removes what was under it. The lock is held by the caller.
DriverResult<> erase(const os::Fd& pool, const std::string& name, const Locked& locked, const std::string& path);

/// Removes what crashes left half made or half removed. Never touches what a live process works on.
void sweep(const os::Fd& pool);

}  // namespace scoria::drivers::file
