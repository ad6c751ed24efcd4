#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "drivers/driver.h"
#include "drivers/live.h"

/// The `file` backend: volumes as sparse files in directories of one machine. Raw files; snapshots and clones by shared
/// blocks where the file system can, else as qcow2 overlays. How objects lie on disk: object.h.
namespace scoria::drivers::file {

struct FilePool {
  std::string name;
  std::string directory;          // must exist; several pools may lie on one file system
  Bytes allocation_unit{mib};     // rounded up to whole sectors
  Bytes minimum_size{mib};
  double max_over_subscription_ratio = 20.0;
  int reserved_percentage = 0;
};

struct FileOptions {
  std::string deployment = "scoria";         // objects of other deployments in the same directory are foreign
  std::vector<FilePool> pools;
  std::size_t reflink_extent_limit = 20000;  // above it sharing blocks would stall writers (0.3 s): an overlay instead
  int layer_limit = 8;                       // more layers want flattening; at twice as many the call does it itself
  bool allow_reflink = true;                 // false: behave as on a file system without it
  std::string storage_protocol = "iSCSI";
  LiveUse* live = nullptr;                   // who serves volumes in use; must outlive the driver
};

/// A driver for all pools; one object may be used by many threads. Also Extends, Snapshots, Flattens, ChangedBlocks, Holds.
std::unique_ptr<Driver> make_file_driver(Clock& clock, FileOptions options);

}  // namespace scoria::drivers::file
