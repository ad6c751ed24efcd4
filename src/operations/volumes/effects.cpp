#include "operations/volumes/effects.h"

#include "json/writer.h"
#include "store/quotas/quotas.h"
#include "store/volumes/volumes.h"

namespace scoria::operations {

std::string volume_event(const engine::Operation& op) {
  json::Writer out;
  out.begin_object().field("version", 1).field("volume_id", std::string_view{op.resource_id}).field("project_id", std::string_view{op.project_id});
  out.field("user_id", std::string_view{op.user_id}).field("request_id", std::string_view{op.request_id}).field("operation", std::string_view{op.id});
  return out.end_object().take();
}

void end_volume(db::Transaction& tx, const engine::Operation& op) {
  const VolumeId id{op.resource_id};
  const auto volume = store::volumes::find(tx, id);
  store::volumes::remove(tx, id, op.id);
  if (volume && !volume->charge.project.empty())
    store::quotas::give_back(tx, volume->charge.project, volume->charge.type, {.volumes = 1, .gigabytes = volume->charge.gib});
}

}  // namespace scoria::operations
