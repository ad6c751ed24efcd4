#include "api/explain.h"

#include "api/volumes/load.h"
#include "base/random.h"
#include "domain/volumes/shapes.h"
#include "engine/find.h"
#include "json/parse.h"
#include "scheduler/volume_request.h"
#include "store/pools/pool_state.h"
#include "store/types/types.h"
#include "store/volumes/hosts.h"

namespace scoria::api {
namespace {

struct Seen {
  std::vector<PoolState> pools;
  scheduler::PlacementRequest request;
};

/// The hints that the volume was asked for with; null when nobody knows any more.
json::Value hints_of(db::Transaction& tx, const Volume& volume) {
  const auto made = engine::newest_of(tx, volume.id.text, "volume.create");
  const auto input = made ? CreateVolumeInput::from_json(made->input) : refuse(RefusalCode::not_found, "no operation");
  if (!input) return {};
  return json::parse(input->hints).value_or(json::Value());
}

Seen look(db::Transaction& tx, const Volume& volume) {
  const std::optional<VolumeType> type = store::types::find(tx, volume.type.text);
  Seen out{store::pools::all_states(tx), scheduler::request_for(volume, type ? type->extra_specs : ExtraSpecs{}, hints_of(tx, volume))};
  out.request.hosts_of_volumes = store::volumes::hosts_of(tx, scheduler::hinted_volumes(out.request.hints), volume.project_id);
  return out;
}

Answer explain(Services& services, const scheduler::Scheduler& scheduler, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  const Seen seen = services.database.read([&](db::Transaction& tx) { return look(tx, *volume); });
  SeededRandom same_for_all(0);  // asked twice, the answer is the same
  const scheduler::Decision decision = scheduler.place(seen.request, seen.pools, same_for_all);
  json::Writer out;
  out.begin_object().key("explanation");
  decision.explanation.write(out, request.allows("volume_extension:volume_host_attribute"));
  return request.reply(out.end_object().take());
}

}  // namespace

void mount_explain(Handlers& handlers, Services& services, const scheduler::Scheduler& scheduler) {
  handlers.mount("scoria.explain.volume", [&services, &scheduler](ApiRequest& request) { return explain(services, scheduler, request); });
}

}  // namespace scoria::api
