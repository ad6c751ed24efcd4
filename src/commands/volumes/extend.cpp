#include "commands/volumes/extend.h"

#include <fmt/core.h>

#include "commands/quota_refusal.h"
#include "domain/events.h"
#include "domain/volumes/shapes.h"
#include "engine/start.h"
#include "store/events/outbox.h"
#include "store/quotas/quotas.h"
#include "store/types/types.h"
#include "store/volumes/volumes.h"

namespace scoria::commands {
namespace {

Refusal why_not(const Services& services, const Volume& volume, bool in_use) {
  const auto now = services.database.read([&](db::Transaction& tx) { return store::volumes::find(tx, volume.id); });
  if (!now) return {RefusalCode::not_found, fmt::format("Volume {} could not be found.", volume.id.text), {}};
  return {RefusalCode::invalid_state,
          fmt::format("Invalid volume: Volume {} status must be '{}' to extend, currently {}.", volume.id.text, in_use ? "available' or 'in-use" : "available",
                      to_text(now->status)),
          now->x_op};
}

}  // namespace

Result<> extend_volume(Services& services, const Context& context, const Volume& volume, std::int64_t new_gib, bool in_use) {
  if (new_gib <= volume.size_gib)
    return refuse(RefusalCode::invalid_input, "Invalid input received: New size for extend must be greater than current size. (current: {}, extended: {}).",
                  volume.size_gib, new_gib);
  struct Resolved {
    VolumeType type;
    store::quotas::Limits limits;
  };
  const Resolved resolved = services.database.read([&](db::Transaction& tx) {
    return Resolved{store::types::find(tx, volume.type.text).value_or(VolumeType{}),
                    store::quotas::limits(tx, volume.project_id, volume.type.text, services.options.quotas)};
  });
  if (const auto most = resolved.limits.of_project("per_volume_gigabytes"); most >= 0 && new_gib > most)
    return refuse(Refusal{RefusalCode::over_quota, fmt::format("Volume size exceeds limit: requested {}G, at most {}G per volume.", new_gib, most), "per_volume_gigabytes"});
  if (const auto most = std::strtoll(std::string(resolved.type.spec("provisioning:max_vol_size")).c_str(), nullptr, 10); most > 0 && new_gib > most)
    return refuse(RefusalCode::invalid_input, "Invalid input received: Volume type {} allows at most {} GiB, {} were asked for.", resolved.type.name, most, new_gib);

  const std::string operation = services.random.uuid();
  const ExtendVolumeInput input{volume.size_gib, new_gib, volume.object_bytes};
  const store::quotas::Amount more{.gigabytes = new_gib - volume.size_gib};
  const std::string event = ResourceEvent{.volume_id = volume.id.text, .snapshot_id = {}, .project_id = context.project_id, .user_id = context.user_id,
                                           .request_id = context.request_id, .operation = operation, .size_gib = new_gib}.to_json();
  engine::Launch launch(services.berths, operation, volume.backend);
  const auto accept = [&](db::Transaction& tx) -> Result<bool> {
    if (in_use)
      store::volumes::take_to_grow(tx, "volume.extend", volume.id, operation, volume.size_gib, new_gib, {VolumeStatus::available, VolumeStatus::in_use});
    else
      store::volumes::take_to_grow(tx, "volume.extend", volume.id, operation, volume.size_gib, new_gib, {VolumeStatus::available});
    store::volumes::require_at(tx, volume);
    engine::start(tx, services.kinds,
                  {.id = operation, .kind = "volume.extend", .queue = volume.backend, .backend = volume.backend, .project_id = volume.project_id,
                   .user_id = context.user_id, .request_id = context.request_id, .resource_type = "volume", .resource_id = volume.id.text,
                   .time_limit = std::chrono::hours{1}, .input = input.to_json(), .claims = {{"volume", volume.id.text, engine::Mode::lasting}}},
                  &launch);
    store::outbox::add(tx, operation + ".start", "volume.resize.start", operation, event);
    store::quotas::take(tx, volume.charge.project, volume.charge.type, more, resolved.limits);
    return true;
  };
  const auto explain = [&](std::string_view guard) {
    if (guard == "volume.extend") return why_not(services, volume, in_use);
    return explain_over_quota(services, volume.charge.project, resolved.type, guard, more, resolved.limits);
  };
  const auto landed = [&](db::Transaction& tx) -> std::optional<bool> {
    if (tx.query("SELECT 1 FROM operation WHERE id = ?", {operation}).empty()) return std::nullopt;
    return true;
  };
  const auto accepted = launch_once<bool>(services, launch, accept, explain, landed);
  if (!accepted) return refuse(accepted.error());
  return {};
}

}  // namespace scoria::commands
