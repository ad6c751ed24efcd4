#include "commands/attachments/attach.h"

#include <fmt/core.h>

#include "commands/attachments/removal.h"
#include "commands/make_way.h"
#include "commands/once.h"
#include "commands/try_once.h"
#include "engine/start.h"
#include "store/attachments/attachments.h"
#include "store/attachments/exported.h"
#include "store/volumes/volumes.h"

namespace scoria::commands {
namespace {

namespace attachments = store::attachments;
namespace volumes = store::volumes;

struct Seen {
  std::optional<Volume> volume;
  std::vector<Attachment> attachments;
};

Seen look(Services& services, const VolumeId& id) {
  return services.database.read([&](db::Transaction& tx) {
    Seen seen{volumes::find(tx, id), {}};
    if (seen.volume && seen.volume->attachments > 0) seen.attachments = attachments::of_volume(tx, id);
    return seen;
  });
}

/// May one more user come? Decided on the row as seen; the guard on its revision makes it so.
Result<> may_attach(const Seen& seen, const AttachRequest& request) {
  const Volume& volume = *seen.volume;
  using enum VolumeStatus;
  if (volume.provider_name.empty() || volume.x_mode == "X" || !volume.next_op.empty())
    return refuse(RefusalCode::invalid_state, "Invalid volume: Volume {} status must be available or downloading to reserve, but the current status is {}.",
                  volume.id.text, to_text(volume.status));
  if (request.hidden) return {};  // the old calls reserve by themselves
  if (volume.status == available || volume.status == downloading) return {};
  const bool shared = volume.multiattach && (volume.status == in_use || volume.status == reserved || volume.status == attaching);
  const bool same_user = !request.instance_id.empty() && (volume.status == in_use || volume.status == reserved) &&
                         std::all_of(seen.attachments.begin(), seen.attachments.end(), [&](const Attachment& one) { return one.instance_id == request.instance_id; });
  if (shared || same_user) return {};
  return refuse(RefusalCode::invalid_state, "Invalid volume: Volume {} status must be available{} to reserve, but the current status is {}.", volume.id.text,
                volume.multiattach ? " or in-use" : " or downloading", to_text(volume.status));
}

/// Two attachments of one host are one too many unless the volume may be attached many times.
Result<> other_host(const Seen& seen, const std::string& own_id, const ConnectorShape& connector) {
  if (seen.volume->multiattach || connector.host.empty()) return {};
  for (const Attachment& one : seen.attachments)
    if (one.id.text != own_id && !one.hidden && !one.connection.empty() && one.attached_host == connector.host)
      return refuse(RefusalCode::conflict, "Volume {} is already attached to host {} by attachment {}.", seen.volume->id.text, connector.host, one.id.text);
  return {};
}

engine::NewOperation operation_for(const std::string& id, const char* kind, const Context& context, const Volume& volume, const AttachmentId& attachment) {
  return {.id = id, .kind = kind, .queue = volume.backend, .backend = volume.backend, .project_id = volume.project_id, .user_id = context.user_id,
          .request_id = context.request_id, .resource_type = "attachment", .resource_id = attachment.text,
          .claims = {{"attachment", attachment.text, engine::Mode::exclusive}}};
}

/// The connection before it is one: the CHAP secret is made with the request, so that every try of the export uses the same.
std::string sealed_beginning(Services& services, const std::string& attachment_id) {
  ConnectionShape connection;
  connection.chap_user = services.random.secret(20);
  connection.chap_secret = services.random.secret(16);
  return services.sealer->seal(connection.to_json(), "attachment:" + attachment_id);
}

tl::unexpected<Refusal> too_fast(const VolumeId& id) { return refuse(RefusalCode::conflict, "Volume {} changes too fast; try again.", id.text); }

engine::Launch* launched(std::optional<engine::Launch>& launch) { return launch ? &*launch : nullptr; }

/// Another try is due; it takes no slot of this node.
bool again(const std::optional<Result<bool>>& done, std::optional<engine::Launch>& launch) {
  if (!done) launch.reset();
  return !done;
}

void set_going(Services& services, std::optional<engine::Launch>& launch, const std::string& queue) {
  if (launch) return launch->committed(services.poke);
  services.poke(queue);
}

const Attachment* find(const Seen& seen, const AttachmentId& id) {
  const auto found = std::find_if(seen.attachments.begin(), seen.attachments.end(), [&](const Attachment& one) { return one.id == id; });
  return found == seen.attachments.end() ? nullptr : &*found;
}

Result<Attaching> made_attachment(const Seen& seen, const Context& context, const store::idempotency::Made& made) {
  const Attachment* found = find(seen, {made.resource_id});
  if (found == nullptr) return refuse(made_but_gone(context, made.resource_id));
  return Attaching{*found, made.operation};
}

}  // namespace

Result<Attaching> create_attachment(Services& services, const Context& context, const VolumeId& volume_id, const AttachRequest& request, const Volume* known) {
  const AttachmentId id{services.random.uuid()};
  const std::string operation = request.connect ? services.random.uuid() : std::string{};
  std::optional<engine::Launch> launch;
  for (int tries = 0; tries < most_tries; ++tries) {
    const Seen seen = tries == 0 && known != nullptr && known->attachments == 0 ? Seen{*known, {}} : look(services, volume_id);
    if (!seen.volume) return refuse(RefusalCode::not_found, "Volume {} could not be found.", volume_id.text);
    if (const Attachment* made = find(seen, id)) return Attaching{*made, operation};
    const auto before = made_before(services, context);
    if (!before) return refuse(before.error());
    if (*before) return made_attachment(seen, context, **before);
    if (const auto may = may_attach(seen, request); !may) return refuse(may.error());
    if (request.connect)
      if (const auto other = other_host(seen, {}, request.connector); !other) return refuse(other.error());
    if (request.connect && tries == 0) launch.emplace(services.berths, operation, seen.volume->backend);
    Attachment attachment;
    attachment.id = id;
    attachment.volume_id = volume_id, attachment.project_id = context.project_id, attachment.user_id = context.user_id;
    attachment.instance_id = request.instance_id, attachment.attach_mode = request.mode, attachment.hidden = request.hidden;
    attachment.attach_status = request.connect ? "attaching" : "reserved";
    if (request.connect) {
      attachment.connector = request.connector.to_json(), attachment.attached_host = request.connector.host;
      attachment.mountpoint = request.connector.mountpoint;
      if (attachment.attach_mode.empty()) attachment.attach_mode = request.connector.mode.empty() ? "rw" : request.connector.mode;
      attachment.connection = sealed_beginning(services, attachment.id.text);
      attachment.x_op = operation, attachment.x_mode = "X";
    }
    const auto done = try_once(services, [&](db::Transaction& tx) -> Result<bool> {
      remember(tx, context, operation, id.text);
      attachments::insert(tx, attachment);
      if (seen.volume->attachments == 0) attachments::follow_first(tx, "seen", attachment, seen.volume->rev);
      else attachments::follow_attachments(tx, "seen", volume_id, seen.volume->rev);
      if (!request.connect) return true;
      engine::NewOperation connect = operation_for(operation, "attachment.connect", context, *seen.volume, attachment.id);
      Volume volume = *seen.volume;
      ++volume.rev;  // by what is written above
      connect.seen = std::make_shared<const attachments::Exported>(attachments::Exported{attachment, std::move(volume), {}});
      engine::start(tx, services.kinds, connect, launched(launch));
      return true;
    });
    if (again(done, launch)) continue;
    if (request.connect) set_going(services, launch, seen.volume->backend);
    return Attaching{attachment, operation};
  }
  return too_fast(volume_id);
}

Result<Attaching> connect_attachment(Services& services, const Context& context, const Attachment& attachment, const ConnectorShape& connector) {
  const std::string operation = services.random.uuid();
  std::optional<engine::Launch> launch;
  for (int tries = 0; tries < most_tries; ++tries) {
    if (tries > 0 && accepted_before(services, operation)) return Attaching{attachment, operation};
    const Seen seen = look(services, attachment.volume_id);
    if (!seen.volume) return refuse(RefusalCode::not_found, "Volume {} could not be found.", attachment.volume_id.text);
    if (const auto other = other_host(seen, attachment.id.text, connector); !other) return refuse(other.error());
    const auto now = std::find_if(seen.attachments.begin(), seen.attachments.end(), [&](const Attachment& one) { return one.id == attachment.id; });
    if (now == seen.attachments.end()) return refuse(RefusalCode::not_found, "Volume attachment could not be found with filter: attachment_id = {}.", attachment.id.text);
    if (!now->x_op.empty()) return refuse(Refusal{RefusalCode::conflict, fmt::format("Operation {} is working on attachment {}.", now->x_op, attachment.id.text), now->x_op});
    if (now->attach_status == "attached")
      return refuse(RefusalCode::invalid_state, "Invalid volume: attachment {} is in use already.", attachment.id.text);
    const std::string mode = !now->attach_mode.empty() ? now->attach_mode : connector.mode.empty() ? "rw" : connector.mode;
    // A second connector for one attachment keeps its secret: the host may have logged in with it.
    const std::string sealed = now->connection.empty() ? sealed_beginning(services, attachment.id.text) : now->connection;
    if (tries == 0) launch.emplace(services.berths, operation, seen.volume->backend);
    const auto done = try_once(services, [&](db::Transaction& tx) -> Result<bool> {
      attachments::take(tx, "attachment", attachment.id, operation, "'reserved', 'attaching', 'error_attaching'", "attaching");
      attachments::prepare(tx, attachment.id, connector.to_json(), connector.host, mode, sealed);
      attachments::follow_attachments(tx, "seen", attachment.volume_id, seen.volume->rev);
      engine::start(tx, services.kinds, operation_for(operation, "attachment.connect", context, *seen.volume, attachment.id), launched(launch));
      return true;
    });
    if (again(done, launch)) continue;
    set_going(services, launch, seen.volume->backend);
    return Attaching{*now, operation};
  }
  return too_fast(attachment.volume_id);
}

Result<> complete_attachment(Services& services, const Attachment& attachment, bool alone) {
  Attachment completed = attachment;
  completed.attach_status = "attached";
  for (int tries = 0; tries < most_tries; ++tries) {
    const auto done = try_once(services, [&](db::Transaction& tx) -> Result<bool> {
      attachments::complete(tx, "attachment", attachment.id, "");
      if (alone && tries == 0) attachments::follow_only(tx, "alone", completed);
      else attachments::follow_attachments(tx, attachment.volume_id);
      return true;
    });
    if (done) return {};
    const auto now = services.database.read_one([&](db::Transaction& tx) { return attachments::find(tx, attachment.id); });
    if (!now) return refuse(RefusalCode::not_found, "Volume attachment could not be found with filter: attachment_id = {}.", attachment.id.text);
    if (!now->x_op.empty() || (now->attach_status != "attaching" && now->attach_status != "attached"))
      return refuse(RefusalCode::invalid_state, "Invalid volume: attachment {} is {}, not attaching.", attachment.id.text, now->attach_status);
  }
  return too_fast(attachment.volume_id);
}

Result<> begin_removal(db::Transaction& tx, Services& services, const Attachment& seen, engine::NewOperation removal, engine::Launch* launch) {
  removal.priority = engine::Priority::release;
  if (seen.x_op.empty()) {
    attachments::take(tx, "attachment", seen.id, removal.id, "'reserved', 'attaching', 'attached', 'detaching', 'error_attaching', 'error_detaching'", "detaching");
  } else {
    const MakeWay way = make_way(tx, services, seen.x_op);
    // A removal that runs already is the answer to a repeated one.
    if (way == MakeWay::deletes) return refuse(Refusal{RefusalCode::conflict, seen.x_op, "joined"});
    if (way == MakeWay::ended) return refuse(Refusal{RefusalCode::conflict, "moving", "again"});
    attachments::queue_behind(tx, "attachment", seen.id, seen.x_op, removal.id);
    removal.waits_on = "op:" + seen.x_op;
  }
  engine::start(tx, services.kinds, removal, launch);
  return {};
}

Result<Attaching> remove_attachment(Services& services, const Context& context, const Attachment& attachment, const Volume* volume) {
  // First as the caller knows it: the guards tell when it has changed since.
  const auto known = [&] {
    if (volume != nullptr) return Seen{*volume, {attachment}};
    return services.database.read_one([&](db::Transaction& tx) { return Seen{volumes::find(tx, attachment.volume_id), {attachment}}; });
  };
  const std::string removal_id = services.random.uuid();
  std::optional<engine::Launch> launch;
  for (int tries = 0; tries < most_tries; ++tries) {
    if (tries > 0 && accepted_before(services, removal_id)) return Attaching{attachment, removal_id};
    const Seen seen = tries > 0 ? look(services, attachment.volume_id) : known();
    const auto now = std::find_if(seen.attachments.begin(), seen.attachments.end(), [&](const Attachment& one) { return one.id == attachment.id; });
    if (now == seen.attachments.end() && tries > 0) return Attaching{attachment, {}};  // it was a repeated deletion, or somebody else's
    if (now == seen.attachments.end() || !seen.volume)
      return refuse(RefusalCode::not_found, "Volume attachment could not be found with filter: attachment_id = {}.", attachment.id.text);
    const bool exported = !now->connection.empty();
    const std::string operation = exported ? removal_id : std::string{};
    if (exported && tries == 0) launch.emplace(services.berths, operation, seen.volume->backend);
    const auto done = try_once(services, [&](db::Transaction& tx) -> Result<bool> {
      if (!exported) {
        attachments::remove(tx, "attachment", now->id, {});
        attachments::follow_attachments(tx, now->volume_id);
        return true;
      }
      engine::NewOperation removal = operation_for(operation, "attachment.remove", context, *seen.volume, now->id);
      removal.seen = attachments::Whereabouts{now->volume_id, seen.volume->attachments == 1};
      const auto begun = begin_removal(tx, services, *now, removal, launched(launch));
      if (!begun) return refuse(begun.error());
      return true;
    });
    if (again(done, launch)) continue;
    if (!*done && done->error().detail == "joined") return Attaching{*now, done->error().message};
    if (!*done) return refuse(done->error());
    if (exported) set_going(services, launch, seen.volume->backend);
    return Attaching{*now, operation};
  }
  return too_fast(attachment.volume_id);
}

Result<> record_attach(Services& services, const Context& context, const Volume& volume, const OldAttachRequest& request) {
  const AttachmentId id{services.random.uuid()};
  for (int tries = 0; tries < most_tries; ++tries) {
    const Seen seen = look(services, volume.id);
    if (find(seen, id) != nullptr) return {};
    if (!seen.volume) return refuse(RefusalCode::not_found, "Volume {} could not be found.", volume.id.text);
    const VolumeStatus status = seen.volume->status;
    if (status != VolumeStatus::attaching && status != VolumeStatus::available && !(seen.volume->multiattach && status == VolumeStatus::in_use))
      return refuse(RefusalCode::invalid_state, "Invalid volume: Volume {} status must be available or attaching, it is {}.", volume.id.text, to_text(status));
    if (seen.volume->readonly && request.mode != "ro")
      return refuse(RefusalCode::invalid_state, "Invalid attachment mode '{}' for volume {}: it is read-only.", request.mode.empty() ? "rw" : request.mode, volume.id.text);
    Attachment attachment;
    attachment.id = id, attachment.volume_id = volume.id;
    attachment.project_id = context.project_id, attachment.user_id = context.user_id;
    attachment.instance_id = request.instance_id, attachment.attached_host = request.host, attachment.mountpoint = request.mountpoint;
    attachment.attach_mode = request.mode.empty() ? "rw" : request.mode, attachment.attach_status = "attached";
    const auto done = try_once(services, [&](db::Transaction& tx) -> Result<bool> {
      attachments::insert(tx, attachment);
      attachments::follow_attachments(tx, "seen", volume.id, seen.volume->rev);
      return true;
    });
    if (done) return {};
  }
  return too_fast(volume.id);
}

Result<> record_detach(Services& services, const Volume& volume, const std::string& attachment_id) {
  for (int tries = 0; tries < most_tries; ++tries) {
    const Seen seen = look(services, volume.id);
    std::vector<Attachment> recorded;
    for (const Attachment& one : seen.attachments)
      if (!one.hidden && one.connection.empty() && (attachment_id.empty() || one.id.text == attachment_id)) recorded.push_back(one);
    if (recorded.size() > 1)
      return refuse(RefusalCode::invalid_state, "Invalid volume: Detach of volume {} failed: it is attached more than once; name the attachment.", volume.id.text);
    const auto done = try_once(services, [&](db::Transaction& tx) -> Result<bool> {
      if (!recorded.empty()) attachments::remove(tx, "attachment", recorded.front().id, {});
      attachments::follow_attachments(tx, volume.id);
      return true;
    });
    if (done) return {};
  }
  return too_fast(volume.id);
}

}  // namespace scoria::commands
