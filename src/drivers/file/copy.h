#pragma once
#include <string>

#include "drivers/file/map.h"

/// The sparse copy of one object's bytes into a raw file.
namespace scoria::drivers::file {

/// Where a copy stands, in the file "filled" beside the target: a copy that goes on trusts what is before it.
struct Checkpoint {
  const os::Fd& directory;   // the target's
  std::string target;        // name of the raw file
  bool resumable = true;     // false: begin at 0, write no checkpoint
};

/// Copies every byte of `source` that is not zero into the raw target, which is a file of holes or a copy begun earlier of the very
/// same bytes. Nobody else may write to it (its lock is held) and the source must not change. Every 256 MiB or 5 s what
/// was done is made durable and noted. Asks stop and the deadline every 4 MiB.
DriverResult<> copy_bytes(Clock& clock, const Call& call, const std::string& folder, const Found& source, const Checkpoint& checkpoint);

/// How far a resumable copy got, by its note; the source's size when it is done.
std::int64_t filled(const os::Fd& directory);

}  // namespace scoria::drivers::file
