#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "os/fd.h"

/// Loop devices: a file as a block device of this host. Needs CAP_SYS_ADMIN.
namespace scoria::os {

struct LoopOptions {
  bool read_only = false;
  bool direct_io = true;             // never on a FUSE file: data corruption
  std::uint32_t block_size = 512;    // what the device reports
};

struct LoopDevice {
  std::string path;  // /dev/loop7
  bool read_only = false;
  bool direct_io = false;
};

/// A free device on the open file. direct_io falls back to buffered where the file system has none. Throws EBUSY only
/// after many lost races for a free device.
LoopDevice attach_loop(const Fd& file, const LoopOptions& options);
/// All devices on that very file (by device and inode, whatever its name is now).
std::vector<LoopDevice> loops_on(const Fd& file);
/// Makes the device as large as its file is now; users of the device see it at once.
void resize_loop(const std::string& device);
/// Frees the device; if somebody has it open (mounted) it goes when the last one closes it. False in that case. Not
/// attached is success.
bool detach_loop(const std::string& device);

}  // namespace scoria::os
