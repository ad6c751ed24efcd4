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
  std::string label = {};            // whose device it is: at most 63 characters, kept by the kernel
};

struct LoopDevice {
  std::string path;  // /dev/loop7
  bool read_only = false;
  bool direct_io = false;
  std::string label;
  std::uint64_t file_device = 0, file_inode = 0;  // st_dev and st_ino of its file
};

/// A free device on the open file. direct_io falls back to buffered where the file system has none. Throws EBUSY only
/// after many lost races for a free device.
LoopDevice attach_loop(const Fd& file, const LoopOptions& options);
/// All devices on that very file (by device and inode, whatever its name is now).
std::vector<LoopDevice> loops_on(const Fd& file);
/// All devices in use, fenced ones excepted.
std::vector<LoopDevice> all_loops();
/// Makes the device as large as its file is now; users of the device see it at once.
void resize_loop(const std::string& device);
/// Frees the device; if somebody has it open (mounted) it goes when the last one closes it. False in that case. Not
/// attached is success.
bool detach_loop(const std::string& device);
/// Detaches it from under its users: after return nothing they do reaches the file any more, their reads and writes
/// fail. What they wrote to the device's cache before is written first. Not attached is success.
void fence_loop(const std::string& device);

}  // namespace scoria::os
