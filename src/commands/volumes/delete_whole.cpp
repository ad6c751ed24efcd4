#include "commands/volumes/delete_whole.h"

#include <fmt/core.h>

#include <algorithm>

#include "commands/attachments/removal.h"
#include "commands/make_way.h"
#include "commands/snapshots/deletion.h"
#include "commands/try_once.h"
#include "domain/events.h"
#include "engine/start.h"
#include "store/attachments/attachments.h"
#include "store/events/outbox.h"
#include "store/services/services.h"
#include "store/snapshots/snapshots.h"
#include "store/volumes/volumes.h"

namespace scoria::commands {
namespace {

struct Seen {
  Volume volume;
  std::vector<Snapshot> snapshots;
  std::vector<Attachment> attachments;
  bool frozen = false;
};

std::optional<Seen> look(Services& services, const VolumeId& id) {
  return services.database.read([&](db::Transaction& tx) -> std::optional<Seen> {
    auto volume = store::volumes::find(tx, id);
    if (!volume) return std::nullopt;
    Seen seen{std::move(*volume), {}, {}, false};
    if (seen.volume.snapshots > 0) seen.snapshots = store::snapshots::of_volume(tx, id);
    if (seen.volume.attachments > 0) seen.attachments = store::attachments::of_volume(tx, id);
    seen.frozen = store::services::frozen(tx, seen.volume.backend);
    return seen;
  });
}

tl::unexpected<Refusal> no(const Volume& volume, const std::string& why) {
  return refuse(Refusal{RefusalCode::invalid_state, fmt::format("Invalid volume: Volume {} cannot be deleted: {}.", volume.id.text, why), volume.x_op});
}

/// Decided on rows as seen; the guards on their revisions make it so.
Result<> may_delete(const Seen& seen, const Context& context, const DeleteVolumeRequest& request) {
  const Volume& volume = seen.volume;
  using enum VolumeStatus;
  constexpr VolumeStatus rest[] = {available, error, error_restoring, error_extending, error_managing};
  const std::string& moving = volume.migration_status;
  if (seen.frozen) return no(volume, fmt::format("its backend {} is frozen", volume.backend));
  if (!volume.group_id.empty()) return no(volume, fmt::format("it belongs to group {}", volume.group_id));
  if (!moving.empty() && moving != "deleting" && moving != "error" && moving != "success") return no(volume, "it is migrating");
  if (volume.attach_status == "attached" ||
      std::any_of(seen.attachments.begin(), seen.attachments.end(), [](const Attachment& one) { return one.attach_status == "attached"; }))
    return no(volume, "it is attached");
  if (!request.cascade && !seen.snapshots.empty()) return no(volume, fmt::format("it has {} snapshots", seen.snapshots.size()));
  for (const Snapshot& one : seen.snapshots) {
    if (!one.group_snapshot_id.empty()) return no(volume, fmt::format("its snapshot {} belongs to a group snapshot", one.id.text));
    if (!context.is_admin && one.project_id != context.project_id) return no(volume, "another project has a snapshot of it");
  }
  if (request.force) return {};
  if (!seen.attachments.empty()) return no(volume, fmt::format("it has {} attachments", seen.attachments.size()));
  if (std::find(std::begin(rest), std::end(rest), volume.status) == std::end(rest) || !volume.x_op.empty())
    return no(volume, fmt::format("its status is {}", to_text(volume.status)));
  for (const Snapshot& one : seen.snapshots)
    if ((one.status != SnapshotStatus::available && one.status != SnapshotStatus::error) || !one.x_op.empty())
      return no(volume, fmt::format("its snapshot {} is {}", one.id.text, to_text(one.status)));
  return {};
}

engine::NewOperation deletion_of(const std::string& id, const Seen& seen, const Context& context) {
  const Volume& volume = seen.volume;
  return {.id = id, .kind = "volume.delete", .queue = volume.backend.empty() ? std::string(engine::scheduler_queue) : volume.backend, .backend = volume.backend,
          .project_id = volume.project_id, .user_id = context.user_id, .request_id = context.request_id, .resource_type = "volume", .resource_id = volume.id.text,
          .priority = engine::Priority::release, .claims = {{"volume", volume.id.text, engine::Mode::exclusive}}};
}

/// The volume's own row and operation. False: it is being deleted already.
Result<bool> begin(db::Transaction& tx, Services& services, const Seen& seen, engine::NewOperation deletion) {
  const Volume& volume = seen.volume;
  if (volume.x_op.empty()) {
    store::volumes::take(tx, "volume.seen", volume.id, deletion.id, 'X', {volume.status}, VolumeStatus::deleting, fmt::format("rev = {}", volume.rev));
  } else {
    const MakeWay way = make_way(tx, services, volume.x_op);
    if (way == MakeWay::deletes || !volume.next_op.empty()) return false;
    if (way == MakeWay::ended) return refuse(Refusal{RefusalCode::conflict, "moving", "again"});
    store::volumes::queue_behind(tx, "volume.seen", volume, deletion.id);
    deletion.waits_on = "op:" + volume.x_op;
  }
  engine::start(tx, services.kinds, deletion);
  const ResourceEvent event{.volume_id = volume.id.text, .snapshot_id = {}, .project_id = deletion.project_id, .user_id = deletion.user_id,
                            .request_id = deletion.request_id, .operation = deletion.id};
  store::outbox::add(tx, deletion.id + ".start", "volume.delete.start", deletion.id, event.to_json());
  return true;
}

/// One attachment that nobody uses: its row goes with its export. What others end already is waited for.
Result<> end_attachment(db::Transaction& tx, Services& services, const Seen& seen, const Attachment& one, const engine::NewOperation& parent, const std::string& id) {
  if (one.connection.empty()) {
    store::attachments::remove(tx, "attachment", one.id, {});
    store::attachments::follow_attachments(tx, seen.volume.id);
    return {};
  }
  engine::NewOperation removal = parent;
  removal.id = id, removal.kind = "attachment.remove", removal.resource_type = "attachment", removal.resource_id = one.id.text;
  removal.parent = parent.id, removal.claims = {{"attachment", one.id.text, engine::Mode::exclusive}};
  const auto begun = begin_removal(tx, services, one, removal);
  if (begun || begun.error().detail == "joined") return {};
  return refuse(begun.error());
}

}  // namespace

Result<> delete_whole(Services& services, const Context& context, const VolumeId& id, const DeleteVolumeRequest& request) {
  const std::string operation = services.random.uuid();
  for (int tries = 0; tries < most_tries; ++tries) {
    if (tries > 0 && accepted_before(services, operation)) return {};
    const auto seen = look(services, id);
    if (!seen) return refuse(RefusalCode::not_found, "Volume {} could not be found.", id.text);
    if (const auto may = may_delete(*seen, context, request); !may) return refuse(may.error());
    std::vector<std::string> children;
    for (std::size_t i = 0; i < seen->snapshots.size() + seen->attachments.size(); ++i) children.push_back(services.random.uuid());
    const engine::NewOperation deletion = deletion_of(operation, *seen, context);
    const auto done = try_once(services, [&](db::Transaction& tx) -> Result<bool> {
      const auto begun = begin(tx, services, *seen, deletion);
      if (!begun || !*begun) return begun;
      std::size_t child = 0;
      for (const Snapshot& one : seen->snapshots)
        if (const auto taken = begin_deletion(tx, services, context, one, children[child++], deletion.id); !taken && taken.error().detail != "joined")
          return refuse(taken.error());
      for (const Attachment& one : seen->attachments)
        if (const auto ended = end_attachment(tx, services, *seen, one, deletion, children[child++]); !ended) return refuse(ended.error());
      return true;
    });
    if (!done) continue;
    if (!*done) return refuse(done->error());
    services.poke(deletion.queue);
    return {};
  }
  return refuse(RefusalCode::conflict, "Volume {} changes too fast; try again.", id.text);
}

}  // namespace scoria::commands
