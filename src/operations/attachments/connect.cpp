#include "operations/attachments/connect.h"

#include <fmt/core.h>

#include "engine/claims.h"
#include "operations/attachments/export_spec.h"
#include "operations/places.h"
#include "operations/tell.h"
#include "store/attachments/attachments.h"
#include "store/portals/portals.h"
#include "store/volumes/volumes.h"

namespace scoria::operations {

using engine::Outcome;
namespace attachments = store::attachments;

std::span<const ConnectAttachment::Step> ConnectAttachment::table() {
  static constexpr Step steps[] = {{"export", &ConnectAttachment::make_export}};
  return steps;
}

Outcome ConnectAttachment::make_export(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  if (services_.exports == nullptr || services_.sealer == nullptr) return Outcome::retry("this node exports no volumes", false);
  auto source = export_source(services_, op);
  if (!source) return Outcome::fail("attach", source.error().message);
  if (source->volume.status == VolumeStatus::extending)
    return Outcome::wait("op:" + source->volume.x_op, "the volume is being extended", [by = source->volume.x_op](db::Transaction& tx) { engine::require_live(tx, by); });
  Backend* backend = services_.backends.find(source->volume.backend);
  if (backend == nullptr) return Outcome::retry(fmt::format("backend {} is not served by this node", source->volume.backend), false);
  const auto protocol = choose_protocol(services_, *backend, *source);
  if (!protocol) return Outcome::fail("connector", protocol.error().message);
  if (auto elsewhere = settle_place(task, *backend, *source, *protocol)) return std::move(*elsewhere);
  const drivers::Call call = call_for(task);
  const auto plan = plan_export(services_, *backend, call, *source);
  if (!plan) return outcome_of(plan.error(), "attach");
  if (!source->place.empty())
    if (const auto ours = services_.exports->exclusive(plan->spec.location); !ours) return outcome_of(ours.error(), "attach");
  const auto made = services_.exports->ensure(call, plan->protocol, plan->spec);
  if (!made) return outcome_of(made.error(), "attach");
  source->connection.protocol = plan->protocol, source->connection.type = made->type;
  source->connection.data = connection_data(*made, *source, plan->spec.read_only);
  const std::string sealed = services_.sealer->seal(source->connection.to_json(), seal_owner(op.resource_id));
  Attachment connected = source->attachment;
  connected.connection = sealed;
  return Outcome::succeed([sealed, id = source->attachment.id, op_id = op.id, volume = source->volume](db::Transaction& tx) {
    // What was exported is the volume as it still is: not grown, not flipped since.
    tx.guard("volume.same", "UPDATE volume SET rev = rev + 1 WHERE id = ? AND provider_name = ? AND object_bytes = ? AND status <> 'extending'",
             {volume.id.text, volume.provider_name, volume.object_bytes});
    attachments::settle_connected(tx, id, op_id, sealed);
  }, std::move(connected));
}

/// One machine at a time serves a volume of a cluster. Nothing: this one does.
std::optional<Outcome> ConnectAttachment::settle_place(engine::Task& task, const Backend& backend, const ExportSource& source, const std::string& protocol) const {
  if (services_.places == nullptr || backend.cluster.empty()) return std::nullopt;
  const Places& places = *services_.places;
  const auto now = services_.database.read_one([&](db::Transaction& tx) { return store::portals::place_of(tx, source.volume.id, source.attachment.id.text); });
  // What only a process of the same machine can reach is served by the client's own, if it is one of ours.
  const bool stays = protocol == "local" || source.connector.transport == "nbd+unix";
  const std::string of_client = store::portals::home_place(source.connector.host);
  const std::string wanted = !stays ? places.choose(source.volume.id.text) : places.alive(of_client) ? of_client : places.home();
  const bool fits = now && (now->used ? !stays || now->name == wanted || store::portals::is_home(now->name) : now->name == wanted);
  if (fits) return places.serves(now->name) ? std::nullopt : std::optional(go_to(task, now->name));
  if (now && now->used)
    return Outcome::fail("attach", fmt::format("Volume {} is attached at portal {}, and one machine at a time writes to its image: attach over iscsi or nbd, or detach it first.",
                                               source.volume.id.text, now->name));
  return Outcome::advance(task.operation().context, [id = source.volume.id, rev = source.volume.rev, wanted](db::Transaction& tx) {
           store::portals::put(tx, id, rev, wanted);
         }).onto(store::portals::queue_of(wanted), task.operation().backend).back_to("export");
}

void ConnectAttachment::settle(db::Transaction& tx, const engine::Operation& op, const engine::Ending& ending) const {
  if (ending.state == engine::State::succeeded) return;
  if (const auto attachment = attachments::find(tx, {op.resource_id}))
    tell_user(tx, op, ending, "VOLUME", MessageAction::update_attachment, attachment->volume_id.text);
  attachments::settle(tx, {op.resource_id}, op.id, "error_attaching");
}

}  // namespace scoria::operations
