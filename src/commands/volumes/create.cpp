#include "commands/volumes/create.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/mutants.h"
#include "base/text.h"
#include "commands/once.h"
#include "commands/quota_refusal.h"
#include "commands/volumes/place.h"
#include "domain/events.h"
#include "domain/volumes/shapes.h"
#include "engine/claims.h"
#include "engine/start.h"
#include "store/events/outbox.h"
#include "store/quotas/quotas.h"
#include "store/snapshots/snapshots.h"
#include "store/types/types.h"
#include "store/volumes/volumes.h"

namespace scoria::commands {
namespace {

/// What the request means once names are resolved.
struct Resolved {
  VolumeType type;
  store::quotas::Limits limits;
  std::int64_t size_gib = 0;
  std::string zone;
  std::string source_type, source_id;
  bool bootable = false;
  std::vector<PoolState> pools;  // of an empty volume that may be placed at once
};

Result<VolumeType> resolve_type(db::Transaction& tx, const Services& services, const Context& context, const std::string& wanted) {
  const std::string& name = wanted.empty() ? services.options.default_type : wanted;
  auto type = wanted.empty() ? store::types::find_default(tx, context.project_id, name) : store::types::find(tx, name);
  if (!type || !store::types::visible(tx, *type, context.project_id, context.is_admin))
    return refuse(RefusalCode::not_found, "Volume type {} could not be found.", name);
  return *type;
}

Result<std::int64_t> resolve_size(const CreateVolumeRequest& request, std::int64_t source_gib, const VolumeType& type, const store::quotas::Limits& limits) {
  const std::int64_t size = request.size_gib.value_or(source_gib);
  if (size <= 0) return refuse(RefusalCode::invalid_input, "Invalid input received: Volume size '{}' must be an integer greater than 0.", size);
  if (size < source_gib)
    return refuse(RefusalCode::invalid_input, "Invalid input received: Volume size '{}'GB cannot be smaller than the size of its source, {}GB.", size, source_gib);
  const auto bound = [&](const char* spec) { return std::strtoll(std::string(type.spec(spec)).c_str(), nullptr, 10); };
  if (const auto most = bound("provisioning:max_vol_size"); most > 0 && size > most)
    return refuse(RefusalCode::invalid_input, "Invalid input received: Volume type {} allows at most {} GiB, {} were asked for.", type.name, most, size);
  if (const auto least = bound("provisioning:min_vol_size"); least > 0 && size < least)
    return refuse(RefusalCode::invalid_input, "Invalid input received: Volume type {} asks for at least {} GiB, {} were asked for.", type.name, least, size);
  if (const auto most = limits.of_project("per_volume_gigabytes"); most >= 0 && size > most)
    return refuse(Refusal{RefusalCode::over_quota, fmt::format("Volume size exceeds limit: requested {}G, at most {}G per volume.", size, most), "per_volume_gigabytes"});
  return size;
}

/// What a copy takes over from its source.
struct Source {
  std::int64_t size_gib = 0;
  std::string type, zone;
};

Result<Source> resolve_source(db::Transaction& tx, const Context& context, const CreateVolumeRequest& request, Resolved& out) {
  if (!request.snapshot_id.empty() && !request.source_volid.empty())
    return refuse(RefusalCode::invalid_input, "May specify only one of source_volid or snapshot_id.");
  const auto foreign = [&](const std::string& project) { return !context.is_admin && project != context.project_id; };
  if (!request.snapshot_id.empty()) {
    const auto snapshot = store::snapshots::find(tx, {request.snapshot_id});
    if (!snapshot || foreign(snapshot->project_id)) return refuse(RefusalCode::not_found, "Snapshot {} could not be found.", request.snapshot_id);
    const auto volume = store::volumes::find(tx, snapshot->volume_id);
    out.source_type = "snapshot", out.source_id = request.snapshot_id, out.bootable = volume && volume->bootable;
    return Source{snapshot->size_gib, snapshot->type.text, volume ? volume->availability_zone : std::string{}};
  }
  if (!request.source_volid.empty()) {
    const auto volume = store::volumes::find(tx, {request.source_volid});
    if (!volume || foreign(volume->project_id)) return refuse(RefusalCode::not_found, "Volume {} could not be found.", request.source_volid);
    out.source_type = "volume", out.source_id = request.source_volid, out.bootable = volume->bootable;
    return Source{volume->size_gib, volume->type.text, volume->availability_zone};
  }
  return Source{};
}

std::vector<std::string> zones_of(const VolumeType& type) {
  std::vector<std::string> out;
  if (const std::string_view list = type.spec("RESKEY:availability_zones"); !list.empty())
    for (const std::string_view zone : split(list, ',')) out.emplace_back(trimmed(zone));
  return out;
}

bool known_zone(db::Transaction& tx, const Services& services, const std::string& zone) {
  return zone == services.options.storage_zone || !tx.query("SELECT 1 FROM backend WHERE zone = ? LIMIT 1", {zone}).empty();
}

/// The zone asked for, else one of the type's, else the source's, else the default. An unknown one is refused, unless the
/// operator wants the default instead.
Result<std::string> resolve_zone(db::Transaction& tx, const Services& services, const std::string& asked, const VolumeType& type, const std::string& of_source) {
  const Options& options = services.options;
  const std::string fallback = options.default_zone.empty() ? options.storage_zone : options.default_zone;
  const std::vector<std::string> of_type = zones_of(type);
  const auto allowed = [&](const std::string& zone) { return of_type.empty() || std::find(of_type.begin(), of_type.end(), zone) != of_type.end(); };
  if (!asked.empty()) {
    const bool known = known_zone(tx, services, asked);
    if (known && allowed(asked)) return asked;
    if (known) return refuse(RefusalCode::invalid_input, "Invalid input received: Volume type {} is not for availability zone '{}'.", type.name, asked);
    if (options.zone_fallback && allowed(fallback)) return fallback;
    return refuse(RefusalCode::invalid_input, "Invalid input received: Availability zone '{}' is invalid.", asked);
  }
  if (!of_type.empty()) {
    if (options.cloned_volume_same_az && !of_source.empty() && allowed(of_source)) return of_source;
    for (const std::string& zone : of_type)
      if (known_zone(tx, services, zone)) return zone;
    return refuse(RefusalCode::invalid_input, "Invalid input received: None of the availability zones of volume type {} is known.", type.name);
  }
  return options.cloned_volume_same_az && !of_source.empty() ? of_source : fallback;
}

Result<Resolved> resolve(db::Transaction& tx, const Services& services, const Context& context, const CreateVolumeRequest& request) {
  Resolved out;
  const auto source = resolve_source(tx, context, request, out);
  if (!source) return refuse(source.error());
  auto type = resolve_type(tx, services, context, request.volume_type.empty() ? source->type : request.volume_type);
  if (!type) return refuse(type.error());
  out.type = std::move(*type);
  out.limits = store::quotas::limits(tx, context.project_id, out.type.id.text, services.options.quotas);
  const auto size = resolve_size(request, source->size_gib, out.type, out.limits);
  if (!size) return refuse(size.error());
  out.size_gib = *size;
  auto zone = resolve_zone(tx, services, request.availability_zone, out.type, source->zone);
  if (!zone) return refuse(zone.error());
  out.zone = std::move(*zone);
  // A copy goes where its source is, and what hints name is looked up by the operation.
  if (services.scheduler != nullptr && out.source_type.empty() && request.hints == "{}") out.pools = store::pools::all_states(tx);
  return out;
}

Volume requested(const Context& context, const CreateVolumeRequest& request, const Resolved& resolved, const std::string& id, const std::string& operation) {
  Volume volume;
  volume.id = {id};
  volume.project_id = context.project_id, volume.user_id = context.user_id;
  volume.name = request.name, volume.description = request.description;
  volume.size_gib = resolved.size_gib;
  volume.type = resolved.type.id;
  volume.availability_zone = resolved.zone;
  volume.multiattach = resolved.type.is_true("multiattach");
  volume.bootable = resolved.bootable;
  volume.snapshot_id = request.snapshot_id, volume.source_volid = request.source_volid;
  volume.metadata = request.metadata;
  volume.charge = {context.project_id, resolved.type.id.text, resolved.size_gib};
  volume.x_op = operation, volume.x_mode = "X";
  return volume;
}

Refusal source_not_ready(const Services& services, const Resolved& resolved) {
  const std::string status = services.database.read([&](db::Transaction& tx) -> std::string {
    if (resolved.source_type == "snapshot") {
      const auto snapshot = store::snapshots::find(tx, {resolved.source_id});
      return snapshot ? std::string(to_text(snapshot->status)) : "gone";
    }
    const auto volume = store::volumes::find(tx, {resolved.source_id});
    return volume ? std::string(to_text(volume->status)) : "gone";
  });
  const bool snapshot = resolved.source_type == "snapshot";
  return {RefusalCode::invalid_state,
          fmt::format("Invalid {}: Originating {} status must be one of '{}' values; it is {}.", snapshot ? "snapshot" : "volume",
                      snapshot ? "snapshot" : "volume", snapshot ? "available" : "available, in-use", status),
          resolved.source_id};
}

/// Accepts the request, as `volume` with these ids. With a placement its operation begins at the backend, by the step after `place`;
/// refuses with the detail `pool_full` when the room there is gone.
Result<Volume> accept(Services& services, const Context& context, const CreateVolumeRequest& request, const Resolved& resolved, Volume volume,
                      const std::optional<Placement>& placement, int tries) {
  const std::string operation = volume.x_op;
  const std::string queue = placement ? placement->backend : std::string(engine::scheduler_queue);
  if (placement) volume.backend = placement->backend, volume.pool = placement->pool, volume.object_bytes = placement->bytes;
  const CreateVolumeInput input{resolved.size_gib, resolved.source_type, resolved.source_id, request.hints};
  const std::string event = ResourceEvent{.volume_id = volume.id.text, .snapshot_id = {}, .project_id = context.project_id, .user_id = context.user_id,
                                           .request_id = context.request_id, .operation = operation, .size_gib = volume.size_gib}.to_json();
  engine::NewOperation create{.id = operation, .kind = "volume.create", .queue = queue, .backend = placement ? queue : std::string{},
                              .project_id = context.project_id, .user_id = context.user_id, .request_id = context.request_id, .resource_type = "volume",
                              .resource_id = volume.id.text, .time_limit = std::chrono::hours{1}, .input = input.to_json(),
                              .claims = {{"volume", volume.id.text, engine::Mode::exclusive}}};
  if (!resolved.source_type.empty()) create.claims.push_back({resolved.source_type, resolved.source_id, engine::Mode::shared});
  if (placement) create.first_step = "provision", create.context = placement->to_json();
  const store::quotas::Amount amount{.volumes = 1, .gigabytes = volume.size_gib};
  engine::Launch launch(services.berths, operation, queue);
  const auto work = [&](db::Transaction& tx) -> Result<Volume> {
    if (!MUTANT(key_forgotten)) remember(tx, context, operation, volume.id.text);
    if (resolved.source_type == "snapshot") engine::take_shared(tx, "source", "snapshot", resolved.source_id, sql_list({SnapshotStatus::available}));
    if (resolved.source_type == "volume")
      engine::take_shared(tx, "source", "volume", resolved.source_id, sql_list({VolumeStatus::available, VolumeStatus::in_use}));
    store::volumes::insert(tx, volume);
    engine::start(tx, services.kinds, create, &launch);
    store::outbox::add(tx, operation + ".start", "volume.create.start", operation, event);
    if (!MUTANT(quota_apart)) store::quotas::take(tx, context.project_id, volume.type.text, amount, resolved.limits);
    if (placement) write_placement(tx, *placement, volume.id, operation);
    return volume;
  };
  const auto explain = [&](std::string_view guard) -> Refusal {
    if (guard == "source") return source_not_ready(services, resolved);
    if (guard == pool_full) return {RefusalCode::conflict, "The pool is full.", std::string(pool_full)};
    return explain_over_quota(services, context.project_id, resolved.type, guard, amount, resolved.limits);
  };
  const auto landed = [&](db::Transaction& tx) { return store::volumes::find(tx, volume.id); };
  return launch_once<Volume>(services, launch, work, explain, landed, tries);
}

Result<Volume> accept_volume(Services& services, const Context& context, const CreateVolumeRequest& request) {
  const auto resolved = services.database.read([&](db::Transaction& tx) { return resolve(tx, services, context, request); });
  if (!resolved) return refuse(resolved.error());
  // Ids are chosen before the transaction: a COMMIT whose answer is lost is looked up by them, or repeated with them.
  const std::string operation = services.random.uuid();
  const Volume volume = requested(context, request, *resolved, services.random.uuid(), operation);
  const auto placement = place_at_once(services, volume, resolved->type, resolved->pools);
  auto accepted = accept(services, context, request, *resolved, volume, placement, 0);
  if (!accepted && accepted.error().detail == pool_full) accepted = accept(services, context, request, *resolved, volume, {}, 1);
  if (accepted && MUTANT(quota_apart))
    services.database.write([&](db::Transaction& tx) {
      store::quotas::take(tx, context.project_id, volume.type.text, {.volumes = 1, .gigabytes = volume.size_gib}, resolved->limits);
    });
  return accepted;
}

}  // namespace

Result<Volume> create_volume(Services& services, const Context& context, const CreateVolumeRequest& request) {
  try {
    const auto load = [](db::Transaction& tx, const std::string& id) { return store::volumes::find(tx, {id}); };
    return once<Volume>(services, context, load, [&] { return accept_volume(services, context, request); });
  } catch (const db::ConstraintError& broken) {
    // A type that was deleted after it was resolved: the foreign key noticed, and resolving again says what is missing.
    const auto resolved = services.database.read([&](db::Transaction& tx) { return resolve(tx, services, context, request); });
    if (broken.unique || resolved) throw;
    return refuse(resolved.error());
  }
}

}  // namespace scoria::commands
