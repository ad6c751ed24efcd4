#include "operations/snapshots/effects.h"

#include "domain/events.h"
#include "store/quotas/quotas.h"
#include "store/snapshots/snapshots.h"

namespace scoria::operations {

std::string snapshot_event(const engine::Operation& op) {
  return ResourceEvent{.volume_id = {}, .snapshot_id = op.resource_id,
                       .project_id = op.project_id, .user_id = op.user_id, .request_id = op.request_id, .operation = op.id}.to_json();
}

void end_snapshot(db::Transaction& tx, const engine::Operation& op) {
  const SnapshotId id{op.resource_id};
  const auto snapshot = store::snapshots::find(tx, id);
  if (snapshot) store::snapshots::remove_from_volume(tx, snapshot->volume_id);
  store::snapshots::remove(tx, id, op.id);
  if (snapshot && !snapshot->charge.project.empty())
    store::quotas::give_back(tx, snapshot->charge.project, snapshot->charge.type, {.gigabytes = snapshot->charge.gib, .snapshots = 1});
}

}  // namespace scoria::operations
