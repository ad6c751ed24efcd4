#include "operations/volumes/placement.h"

#include "json/parse.h"
#include "operations/volumes/source.h"
#include "scheduler/volume_request.h"
#include "store/objects/objects.h"
#include "store/pools/pool_state.h"
#include "store/types/types.h"
#include "store/volumes/hosts.h"
#include "store/volumes/volumes.h"

namespace scoria::operations {
namespace {

struct Seen {
  std::vector<PoolState> pools;
  scheduler::PlacementRequest request;
  std::string name;
};

/// Everything the decision rests on, of one moment.
std::optional<Seen> look(db::Transaction& tx, const engine::Operation& op, const json::Value& hints, bool first) {
  const std::optional<Volume> volume = store::volumes::find(tx, {op.resource_id});
  if (!volume) return std::nullopt;
  const std::optional<VolumeType> type = store::types::find_by_id(tx, volume->type.text);
  Seen out{store::pools::all_states(tx), scheduler::request_for(*volume, type ? type->extra_specs : ExtraSpecs{}, hints),
           first ? store::objects::first_name("volume", op.resource_id) : store::objects::next_name(tx, "volume", op.resource_id)};
  out.request.hosts_of_volumes = store::volumes::hosts_of(tx, scheduler::hinted_volumes(out.request.hints), volume->project_id);
  return out;
}

}  // namespace

Result<Placement> choose_pool(Services& services, const engine::Operation& op, const std::vector<std::string>& refused) {
  const auto input = CreateVolumeInput::from_json(op.input);
  if (!input) return refuse(input.error());
  const Result<json::Value> hints = json::parse(input->hints);
  if (!hints) return refuse(hints.error());
  // A copy is made where its source is: by the backend itself, without moving bytes through this node.
  const auto source = source_object(services.database, op);
  if (!source) return refuse(source.error());
  // Whatever is placed leaves a context: without one nothing was ever made under its name.
  const bool first = op.context == "{}";
  auto seen = services.database.read([&](db::Transaction& tx) { return look(tx, op, *hints, first); });
  if (!seen) return refuse(RefusalCode::not_found, "Volume {} could not be found.", op.resource_id);
  seen->request.tried = refused;
  if (!source->backend.empty()) seen->request.pinned = source->backend + "#" + source->pool;
  const scheduler::Decision decision = services.scheduler.place(seen->request, seen->pools, services.random);
  if (decision.places.empty()) {
    const RefusalCode code = decision.explanation.may_pass() ? RefusalCode::unavailable : RefusalCode::invalid_state;
    return refuse(code, "{}", decision.explanation.summary());
  }
  const scheduler::Place& best = decision.places.front();
  Placement out;
  out.backend = best.backend, out.pool = best.pool, out.object = seen->name, out.bytes = best.taken.count;
  return out;
}

}  // namespace scoria::operations
