#include "simulation/workload.h"

#include "commands/attachments/attach.h"
#include "commands/snapshots/create.h"
#include "commands/snapshots/delete.h"
#include "commands/volumes/create.h"
#include "commands/volumes/delete.h"
#include "commands/volumes/extend.h"
#include "commands/volumes/revert.h"
#include "engine/start.h"
#include "store/attachments/attachments.h"
#include "store/snapshots/snapshots.h"
#include "store/volumes/volumes.h"

namespace scoria::simulation {
namespace {

template <class T>
std::optional<Refusal> refusal_of(const Result<T>& result) {
  return result ? std::nullopt : std::optional(result.error());
}

std::optional<Refusal> vanished() { return Refusal{RefusalCode::not_found, "gone", {}}; }

}  // namespace

/// What a seed's clients may ask for, each as often as it stands there.
std::vector<Workload::Wish> Workload::wishes() const {
  const Requests& may = cluster_.config.requests;
  const std::pair<bool, std::vector<Wish>> all[] = {
      {true, {Wish::create, Wish::create}}, {may.keys, {Wish::create_once}}, {may.copies, {Wish::copy}}, {may.clones, {Wish::clone}},
      {may.deletes, {Wish::remove}}, {may.extends, {Wish::extend}}, {may.reverts, {Wish::revert}}, {may.snapshots, {Wish::snapshot, Wish::snapshot}},
      {may.snapshot_deletes, {Wish::remove_snapshot}}, {may.cancels, {Wish::cancel, Wish::cancel}}, {may.attachments, {Wish::attachment, Wish::attachment, Wish::attachment}}};
  std::vector<Wish> out;
  for (const auto& [wanted, kinds] : all)
    if (wanted) out.insert(out.end(), kinds.begin(), kinds.end());
  return out;
}

void Workload::client(int number) {
  Random& random = cluster_.baton.random();
  const std::vector<Wish> drawn = wishes();
  for (int i = 0; i < cluster_.config.commands; ++i) {
    cluster_.clock.sleep(Duration{static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(cluster_.config.think.count())))});
    ModelVolume* volume = one_of(number);
    if (volume == nullptr) {
      create(number, 1 + static_cast<std::int64_t>(random.below(4)));
      continue;
    }
    model_.write(*volume);
    ask_for(drawn[random.below(drawn.size())], number, *volume);
  }
}

void Workload::ask_for(Wish wish, int client, ModelVolume& volume) {
  Random& random = cluster_.baton.random();
  const bool by_force = cluster_.config.requests.by_force;
  ModelSnapshot* snapshot = one_of(volume);
  switch (wish) {
    case Wish::create: create(client, 1 + static_cast<std::int64_t>(random.below(4))); break;
    case Wish::create_once: create_once(client, 1 + static_cast<std::int64_t>(random.below(4))); break;
    case Wish::copy: if (snapshot != nullptr) create_from(client, volume, snapshot); break;
    case Wish::clone: create_from(client, volume, nullptr); break;
    case Wish::remove: remove(volume, {.cascade = by_force && cluster_.baton.chance(0.4), .force = by_force && cluster_.baton.chance(0.3)}); break;
    case Wish::extend: extend(volume, 1 + static_cast<std::int64_t>(random.below(2))); break;
    case Wish::revert: revert(volume); break;
    case Wish::snapshot: take_snapshot(volume); break;
    case Wish::remove_snapshot: if (snapshot != nullptr) remove(volume, *snapshot); break;
    case Wish::cancel: cancel(volume); break;
    case Wish::attachment: change_attachments(volume); break;
  }
}

/// Asks with one key until there is an answer.
void Workload::create_once(int client, std::int64_t gib) {
  ModelVolume& volume = wish(client, gib);
  const std::string key = "key-" + volume.name;
  for (int tries = 0; tries < 5 && create_with_key(volume, key) == Known::perhaps; ++tries) cluster_.clock.sleep(500ms);
}

/// A volume of this client that is not known to be deleted.
ModelVolume* Workload::one_of(int client) {
  std::vector<ModelVolume*> mine;
  for (ModelVolume& volume : model_.volumes)
    if (volume.client == client && volume.created != Known::no && volume.deleted != Known::yes && volume.cancelled != Known::yes) mine.push_back(&volume);
  return mine.empty() ? nullptr : mine[cluster_.baton.random().below(mine.size())];
}

ModelSnapshot* Workload::one_of(ModelVolume& volume) {
  std::vector<ModelSnapshot*> mine;
  for (ModelSnapshot& snapshot : volume.snapshots)
    if (snapshot.created != Known::no && snapshot.deleted != Known::yes && snapshot.cancelled != Known::yes) mine.push_back(&snapshot);
  return mine.empty() ? nullptr : mine[cluster_.baton.random().below(mine.size())];
}

ModelAttachment* Workload::attachment_of(ModelVolume& volume) {
  for (ModelAttachment& attachment : volume.attachments)
    if (attachment.created != Known::no && attachment.removed != Known::yes) return &attachment;
  return nullptr;
}

void Workload::change_attachments(ModelVolume& volume) {
  ModelAttachment* attachment = attachment_of(volume);
  if (attachment == nullptr) attach(volume);
  else if (attachment->completed == Known::no && cluster_.baton.chance(0.6)) complete(volume, *attachment);
  else detach(volume, *attachment);
}

/// Sends one request: accepted, refused, or no answer.
Known Workload::ask(const std::string& name, const std::function<std::optional<Refusal>(commands::Services&, const Context&)>& work) {
  std::optional<Refusal> refused;
  const auto answer = cluster_.request(name, [&](commands::Services& services, const Context& context) { refused = work(services, context); });
  if (answer == Cluster::Answer::unknown) return Known::perhaps;
  if (refused) return cluster_.baton.note(name + " refused: " + refused->message), Known::no;
  ++cluster_.counters.accepted;
  return Known::yes;
}

std::string Workload::id_of(std::string_view table, const std::string& id, const std::string& name) {
  if (!id.empty()) return id;
  return cluster_.look([&](db::Transaction& tx) {
    const db::Rows rows = tx.query(fmt::format("SELECT id FROM {} WHERE name = ?", table), {name});
    return rows.empty() ? std::string() : rows.at(0, 0).text();
  });
}

ModelVolume& Workload::create(int client, std::int64_t gib) { return create(client, gib, nullptr, nullptr); }

ModelVolume& Workload::create_from(int client, ModelVolume& source, ModelSnapshot* snapshot) {
  return create(client, *source.sizes.rbegin() + static_cast<std::int64_t>(cluster_.baton.random().below(2)), &source, snapshot);
}

ModelVolume& Workload::create(int client, std::int64_t gib, ModelVolume* source, ModelSnapshot* snapshot) {
  ModelVolume& volume = wish(client, gib);
  volume.must_fail = source == nullptr && cluster_.config.permanent_failures && cluster_.baton.chance(0.2);
  if (volume.must_fail) cluster_.array->always_fails.insert(volume.name);
  if (source == nullptr && !volume.must_fail && cluster_.config.obstacles && cluster_.baton.chance(0.2)) {
    volume.must_fail = true;
    cluster_.array->never_ready.insert(volume.name);
  }
  commands::CreateVolumeRequest request;
  request.name = volume.name;
  request.size_gib = gib;
  if (source != nullptr) {
    volume.from_something = true;
    if (snapshot != nullptr) request.snapshot_id = volume.source_snapshot = id_of("snapshot", snapshot->id, snapshot->name);
    else request.source_volid = id_of("volume", source->id, source->name);
    // Nobody writes to a volume that is being read, so these are the bytes the copy must get, if it is accepted now.
    if (snapshot == nullptr && !model_.follow(*source).empty()) volume.source = source->bytes;
  }
  volume.created = ask("create " + volume.name, [&](commands::Services& services, const Context& context) {
    const auto result = commands::create_volume(services, context, request);
    if (result) volume.id = result->id.text;
    return refusal_of(result);
  });
  if (volume.created != Known::yes) volume.source.reset();  // who knows when it was accepted
  return volume;
}

ModelVolume& Workload::wish(int client, std::int64_t gib) {
  model_.volumes.emplace_back();
  ModelVolume& volume = model_.volumes.back();
  volume.client = client;
  volume.name = fmt::format("v{}", ++names_);
  volume.sizes = {gib};
  return volume;
}

Known Workload::create_with_key(ModelVolume& volume, const std::string& key) {
  const Known answer = ask("create " + volume.name + " once", [&](commands::Services& services, const Context& context) {
    Context keyed = context;
    keyed.idempotency_key = key, keyed.request_hash = volume.name;
    commands::CreateVolumeRequest request;
    request.name = volume.name, request.size_gib = *volume.sizes.begin();
    const auto result = commands::create_volume(services, keyed, request);
    if (result && !volume.id.empty() && result->id.text != volume.id) cluster_.fail("model: one key made " + volume.id + " and " + result->id.text);
    if (result) volume.id = result->id.text;
    return refusal_of(result);
  });
  volume.created = std::max(volume.created, answer);
  return answer;
}

/// Whatever may come of a deletion by cascade or force that is cancelled on its way.
void Workload::note_whole(ModelVolume& volume) {
  for (ModelSnapshot& snapshot : volume.snapshots) snapshot.deleted = std::max(snapshot.deleted, Known::perhaps);
  for (ModelAttachment& attachment : volume.attachments) attachment.removed = std::max(attachment.removed, Known::perhaps);
  volume.cancelled = std::max(volume.cancelled, Known::perhaps);
  for (std::int64_t size = 1; size < *volume.sizes.rbegin(); ++size) volume.sizes.insert(size);
}

void Workload::remove(ModelVolume& volume, const commands::DeleteVolumeRequest& how) {
  const Known answer = ask("delete " + volume.name, [&](commands::Services& services, const Context& context) {
    const std::string id = id_of("volume", volume.id, volume.name);
    const auto row = services.database.read([&](db::Transaction& tx) { return store::volumes::find(tx, {id}); });
    return row ? refusal_of(commands::delete_volume(services, context, *row, how)) : vanished();
  });
  if (answer != Known::no && (how.cascade || how.force)) note_whole(volume);
  volume.deleted = std::max(volume.deleted, answer);
}

void Workload::extend(ModelVolume& volume, std::int64_t more) {
  std::int64_t wanted = 0;
  const Known answer = ask("extend " + volume.name, [&](commands::Services& services, const Context& context) {
    const std::string id = id_of("volume", volume.id, volume.name);
    const auto row = services.database.read([&](db::Transaction& tx) { return store::volumes::find(tx, {id}); });
    if (!row) return vanished();
    wanted = row->size_gib + more;
    return refusal_of(commands::extend_volume(services, context, *row, wanted, true));
  });
  if (answer == Known::no || wanted == 0 || volume.cannot_grow) return;
  // A full array may refuse to grow it, later.
  if (answer == Known::yes && cluster_.config.pool_gib > 100) volume.sizes = {wanted};
  else volume.sizes.insert(wanted);
}

ModelSnapshot& Workload::take_snapshot(ModelVolume& volume) {
  volume.snapshots.emplace_back();
  ModelSnapshot& snapshot = volume.snapshots.back();
  snapshot.name = fmt::format("s{}", ++names_);
  if (!model_.follow(volume).empty()) snapshot.bytes = volume.bytes;
  snapshot.created = ask("snapshot " + snapshot.name + " of " + volume.name, [&](commands::Services& services, const Context& context) {
    const std::string id = id_of("volume", volume.id, volume.name);
    const auto row = services.database.read([&](db::Transaction& tx) { return store::volumes::find(tx, {id}); });
    if (!row) return vanished();
    commands::CreateSnapshotRequest request;
    request.name = snapshot.name;
    request.in_use = true;
    const auto result = commands::create_snapshot(services, context, *row, request);
    if (result) snapshot.id = result->id.text;
    return refusal_of(result);
  });
  if (snapshot.created != Known::yes) snapshot.bytes.reset();
  return snapshot;
}

void Workload::remove(ModelVolume&, ModelSnapshot& snapshot) {
  const Known answer = ask("delete snapshot " + snapshot.name, [&](commands::Services& services, const Context& context) {
    const std::string id = id_of("snapshot", snapshot.id, snapshot.name);
    const auto row = services.database.read([&](db::Transaction& tx) { return store::snapshots::find(tx, {id}); });
    return row ? refusal_of(commands::delete_snapshot(services, context, *row, false)) : vanished();
  });
  snapshot.deleted = std::max(snapshot.deleted, answer);
}

void Workload::revert(ModelVolume& volume) {
  ask("revert " + volume.name, [&](commands::Services& services, const Context& context) {
    const std::string id = id_of("volume", volume.id, volume.name);
    const auto row = services.database.read([&](db::Transaction& tx) { return store::volumes::find(tx, {id}); });
    if (!row) return vanished();
    const auto all = services.database.read([&](db::Transaction& tx) { return store::snapshots::of_volume(tx, row->id); });
    if (all.empty()) return vanished();
    for (ModelSnapshot& snapshot : volume.snapshots)
      if (snapshot.name == all.back().name) snapshot.id = all.back().id.text;
    return refusal_of(commands::revert_volume(services, context, *row, all.back().id.text));
  });
}

ModelAttachment& Workload::attach(ModelVolume& volume) {
  volume.attachments.emplace_back();
  ModelAttachment& attachment = volume.attachments.back();
  attachment.instance = fmt::format("instance-{}", ++names_);
  attachment.created = ask("attach " + volume.name, [&](commands::Services& services, const Context& context) {
    commands::AttachRequest request;
    request.instance_id = attachment.instance;
    request.connect = true;
    request.connector.host = attachment.instance + "-host";
    return refusal_of(commands::create_attachment(services, context, {id_of("volume", volume.id, volume.name)}, request));
  });
  return attachment;
}

std::optional<store::attachments::Placed> Workload::find(commands::Services& services, const ModelAttachment& attachment) {
  return services.database.read([&](db::Transaction& tx) -> std::optional<store::attachments::Placed> {
    const db::Rows rows = tx.query("SELECT id FROM attachment WHERE instance_id = ?", {attachment.instance});
    if (rows.empty()) return std::nullopt;
    return store::attachments::find_placed(tx, {rows.at(0, 0).text()});
  });
}

void Workload::complete(ModelVolume& volume, ModelAttachment& attachment) {
  const Known answer = ask("complete the attachment of " + volume.name, [&](commands::Services& services, const Context&) {
    const auto row = find(services, attachment);
    return row ? refusal_of(commands::complete_attachment(services, row->attachment, row->alone())) : vanished();
  });
  attachment.completed = std::max(attachment.completed, answer);
}

void Workload::detach(ModelVolume& volume, ModelAttachment& attachment) {
  const Known answer = ask("detach " + volume.name, [&](commands::Services& services, const Context& context) {
    const auto row = find(services, attachment);
    return row ? refusal_of(commands::remove_attachment(services, context, row->attachment)) : vanished();
  });
  attachment.removed = std::max(attachment.removed, answer);
}

/// Asks the newest live operation of the volume or of one of its snapshots to stop.
void Workload::cancel(ModelVolume& volume) {
  struct Target {
    std::string operation, kind, resource;
  } target;
  const Known answer = ask("cancel something of " + volume.name, [&](commands::Services& services, const Context&) {
    const std::string id = id_of("volume", volume.id, volume.name);
    target = services.database.read([&](db::Transaction& tx) {
      const db::Rows rows = tx.query(
          "SELECT id, kind, resource_id FROM operation WHERE state IN ('ready', 'running', 'waiting') AND (resource_id = ? OR resource_id IN "
          "(SELECT id FROM snapshot WHERE volume_id = ?)) ORDER BY seq DESC LIMIT 1",
          {id, id});
      return rows.empty() ? Target{} : Target{rows.at(0, 0).text(), rows.at(0, 1).text(), rows.at(0, 2).text()};
    });
    if (target.operation.empty()) return vanished();
    return refusal_of(engine::request_cancel(services.database, services.kinds, target.operation));
  });
  if (answer != Known::no && !target.operation.empty()) note_cancelled(volume, target.kind, target.resource, answer);
}

void Workload::note_cancelled(ModelVolume& volume, const std::string& kind, const std::string& resource, Known answer) {
  if (kind == "volume.create") volume.cancelled = std::max(volume.cancelled, answer);
  if (kind == "volume.delete") volume.deleted = answer == Known::yes ? Known::no : Known::perhaps;
  if (kind == "volume.extend" && !volume.sizes.empty())
    for (std::int64_t size = 1; size < *volume.sizes.rbegin(); ++size) volume.sizes.insert(size);  // back to what it was
  // A cascade whose child was told to stop does not come to its end.
  if (kind == "snapshot.delete" && volume.deleted != Known::no) volume.deleted = Known::perhaps, volume.cascade_stopped = true;
  for (ModelSnapshot& snapshot : volume.snapshots) {
    if (id_of("snapshot", snapshot.id, snapshot.name) != resource) continue;
    if (kind == "snapshot.create") snapshot.cancelled = std::max(snapshot.cancelled, answer);
    if (kind == "snapshot.delete") snapshot.deleted = answer == Known::yes ? Known::no : Known::perhaps;
  }
}

}  // namespace scoria::simulation
