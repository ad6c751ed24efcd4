#include "operations/volumes/source.h"

#include "store/snapshots/snapshots.h"
#include "store/volumes/volumes.h"

namespace scoria::operations {

Result<Placement> source_object(db::Database& database, const engine::Operation& op) {
  const auto input = CreateVolumeInput::from_json(op.input);
  if (!input) return refuse(input.error());
  if (input->source_type.empty()) return Placement{};
  return database.read([&](db::Transaction& tx) -> Result<Placement> {
    if (input->source_type == "snapshot") {
      if (const auto snapshot = store::snapshots::find(tx, {input->source_id})) return Placement{snapshot->backend, snapshot->pool, snapshot->provider_name, 0, {}};
    } else if (const auto volume = store::volumes::find(tx, {input->source_id})) {
      return Placement{volume->backend, volume->pool, volume->provider_name, 0, {}};
    }
    return refuse(RefusalCode::not_found, "The source {} {} is gone.", input->source_type, input->source_id);
  });
}

}  // namespace scoria::operations
