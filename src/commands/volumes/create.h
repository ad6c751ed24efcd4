#pragma once
#include <optional>
#include <string>

#include "commands/services.h"
#include "domain/types/volume_type.h"
#include "domain/volumes/volume.h"
#include "identity/context.h"

namespace scoria::commands {

struct CreateVolumeRequest {
  std::string name, description;
  std::optional<std::int64_t> size_gib;  // may be left out with a source
  std::string volume_type;               // id or name; empty: the source's, else the default
  std::string availability_zone;
  std::string snapshot_id, source_volid;  // at most one
  std::string metadata = "{}";            // JSON object of texts
  std::string hints = "{}";
};

/// Accepts a volume: row, operation, event and quota in one transaction. The work is operations/volumes/create.
Result<Volume> create_volume(Services& services, const Context& context, const CreateVolumeRequest& request);

}  // namespace scoria::commands
