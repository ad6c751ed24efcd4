#pragma once
#include <functional>
#include <optional>
#include <string>

#include "commands/services.h"
#include "domain/volumes/volume.h"

/// Changes of a volume that need no work on a backend: each one compare-and-set on the row it was decided on.
namespace scoria::commands {

struct DescribeVolumeRequest {
  std::optional<std::string> name, description;
  std::optional<std::string> metadata;  // replaces all of it
};
Result<> describe_volume(Services& services, const VolumeId& id, const DescribeVolumeRequest& request);

/// Which of a volume's two maps.
enum class VolumeMap { metadata, image_metadata };
/// Applies `change` to the map's JSON text and stores what it gives, again if somebody was faster. Gives the new text.
using MapChange = std::function<Result<std::string>(const std::string& before)>;
Result<std::string> change_volume_map(Services& services, const VolumeId& id, VolumeMap map, const MapChange& change);

Result<> set_volume_bootable(Services& services, const VolumeId& id, bool bootable);
Result<> set_volume_readonly(Services& services, const VolumeId& id, bool readonly);

/// The old attachment calls' bookkeeping: available → attaching and back, in-use → detaching and back.
Result<> reserve_volume(Services& services, const Volume& volume);
Result<> unreserve_volume(Services& services, const Volume& volume);
Result<> begin_detaching_volume(Services& services, const Volume& volume);
Result<> roll_detaching_volume(Services& services, const Volume& volume);

/// An admin's override of status and attach status (empty: as it is). Refused while an operation holds the volume: it is
/// named, because it will end by itself or can be cancelled.
Result<> reset_volume_status(Services& services, const Volume& volume, const std::string& status, const std::string& attach_status,
                             const std::string& migration_status);

}  // namespace scoria::commands
