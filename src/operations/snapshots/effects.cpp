#include "operations/snapshots/effects.h"

#include "json/writer.h"
#include "store/quotas/quotas.h"
#include "store/snapshots/snapshots.h"

namespace scoria::operations {

std::string snapshot_event(const engine::Operation& op) {
  json::Writer out;
  out.begin_object().field("version", 1).field("snapshot_id", std::string_view{op.resource_id}).field("project_id", std::string_view{op.project_id});
  out.field("user_id", std::string_view{op.user_id}).field("request_id", std::string_view{op.request_id}).field("operation", std::string_view{op.id});
  return out.end_object().take();
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
