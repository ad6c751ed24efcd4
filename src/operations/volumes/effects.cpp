#include "operations/volumes/effects.h"

#include "domain/events.h"
#include "store/portals/portals.h"
#include "store/quotas/quotas.h"
#include "store/volumes/volumes.h"

namespace scoria::operations {

std::string volume_event(const engine::Operation& op) {
  return ResourceEvent{.volume_id = op.resource_id, .snapshot_id = {},
                       .project_id = op.project_id, .user_id = op.user_id, .request_id = op.request_id, .operation = op.id}.to_json();
}

void end_volume(db::Transaction& tx, const engine::Operation& op) {
  const VolumeId id{op.resource_id};
  const auto volume = store::volumes::find(tx, id);
  store::volumes::remove(tx, id, op.id);
  store::portals::forget(tx, id);
  if (volume && !volume->charge.project.empty())
    store::quotas::give_back(tx, volume->charge.project, volume->charge.type, {.volumes = 1, .gigabytes = volume->charge.gib});
}

}  // namespace scoria::operations
