#include "commands/make_way.h"

#include "engine/operations.h"
#include "engine/start.h"

namespace scoria::commands {

MakeWay make_way(db::Transaction& tx, const Services& services, const std::string& holder) {
  const auto operation = engine::find_operation(tx, holder);
  if (!operation || engine::is_end(operation->state)) return MakeWay::ended;
  if (operation->kind == "volume.delete" || operation->kind == "snapshot.delete" || operation->kind == "attachment.remove") return MakeWay::deletes;
  const engine::Kind* kind = services.kinds.find(operation->kind);
  if (operation->cancel_requested || kind == nullptr || !kind->cancellable_at(operation->step)) return MakeWay::waits;
  return engine::request_cancel(tx, services.kinds, *operation) ? MakeWay::waits : MakeWay::ended;
}

}  // namespace scoria::commands
