#pragma once
#include <string>

#include "base/clock.h"
#include "drivers/driver.h"

/// A pool with shared blocks on a machine whose file system has none: an xfs file system in a sparse file, on a loop device.
namespace scoria::drivers::file {

/// What a directory's file system costs the pool in it, in one line that ends with the command that makes a better one; empty
/// when blocks can be shared there. Throws std::system_error when nothing can be written there.
std::string advice(const std::string& directory);

/// Makes `directory` (made if absent, else it must be empty) a mounted xfs of `size` whose bytes lie in the sparse file
/// `<directory>.xfs`. Again after a crash or a restart of the machine: what is there is only mounted. Needs root and the
/// package xfsprogs. `permanent` when the directory holds something else or the image has another content.
DriverResult<> make_pool_image(Clock& clock, const Call& call, const std::string& directory, Bytes size);

/// The image beside a directory, if there is one that is not mounted now: mount_pool_image before the pool is used.
bool needs_mount(const std::string& directory);
DriverResult<> mount_pool_image(const std::string& directory);

}  // namespace scoria::drivers::file
