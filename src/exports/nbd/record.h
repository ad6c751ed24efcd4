#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exports/exporter.h"

namespace scoria::exports {

/// One attachment of a volume that a storage daemon serves.
struct NbdExport {
  int slot = 0;      // names the daemon's own objects; not used again while the daemon's record lives
  std::string name;  // attachment id, the export's name on the wire
  bool read_only = false;
  bool write_through = false;  // fixed when the export is made: every write is on disk before it is acknowledged
  Throttle throttle;
};

/// What one storage daemon serves: one volume to all its attachments on this node. Version 1.
struct NbdVolume {
  std::string volume;
  std::string birth;      // differs between two records of one volume, so that nobody takes an old socket for the new one
  drivers::Location location;
  int image = 0;          // rises when the volume moves to another file; names the daemon's nodes
  drivers::Location next;  // an overlay of `location`, which may be opened in its place at any time; path empty: none
  std::string portal;      // the address that moves with it; empty: it stays on this machine
  bool tcp = false;
  std::string address;    // TCP only
  int port = 0;
  int next_slot = 1;
  std::vector<NbdExport> exports;

  NbdExport* find(std::string_view name);
  const NbdExport* find(std::string_view name) const;
};

std::string to_text(const NbdVolume& volume);
/// Nothing when it is not such a record or of a later version.
std::optional<NbdVolume> nbd_volume_from(std::string_view text);

}  // namespace scoria::exports
