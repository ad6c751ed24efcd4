#include "simulation/model.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace scoria::simulation {
namespace {

struct Row {
  std::string id, status, x_op, provider;
  std::int64_t gib = 0, readers = 0;
};

std::optional<Row> find_volume(Cluster& cluster, const std::string& name) {
  return cluster.look([&](db::Transaction& tx) -> std::optional<Row> {
    const db::Rows rows = tx.query("SELECT id, status, x_op, provider_name, size_gib, s_ops FROM volume WHERE name = ?", {name});
    if (rows.size() > 1) cluster.fail("model: there are two volumes " + name);
    if (rows.empty()) return std::nullopt;
    return Row{rows.at(0, 0).text(), rows.at(0, 1).text(), rows.at(0, 2).text(), rows.at(0, 3).text(), rows.at(0, 4).integer(), rows.at(0, 5).integer()};
  });
}

}  // namespace

std::optional<Stamps> Model::bytes_of_snapshot(const std::string& id) {
  for (const auto& [name, bytes] : cluster_.array->snapshots_taken)
    if (name.find(id) != std::string::npos) return bytes;
  return std::nullopt;
}

/// What an operation that succeeded did to the bytes.
void Model::apply(ModelVolume& volume, const std::string& kind, const std::string& input) {
  if (kind == "volume.create") {
    if (!volume.from_something) volume.bytes = Stamps{};
    else if (!volume.source_snapshot.empty()) volume.bytes = bytes_of_snapshot(volume.source_snapshot);
    else volume.bytes = volume.source;
  } else if (kind == "volume.revert") {
    for (const ModelSnapshot& snapshot : volume.snapshots)
      if (!snapshot.id.empty() && input.find(snapshot.id) != std::string::npos) volume.bytes = bytes_of_snapshot(snapshot.id);
  }
}

std::string Model::last_error(const std::string& resource) {
  return cluster_.look([&](db::Transaction& tx) {
    const db::Rows rows = tx.query("SELECT kind, step, err_text FROM operation WHERE resource_id = ? AND err_text IS NOT NULL ORDER BY seq DESC LIMIT 1", {resource});
    return rows.empty() ? std::string() : fmt::format("{} at {}: {}", rows.at(0, 0).text(), rows.at(0, 1).text(), rows.at(0, 2).text());
  });
}

std::string Model::follow(ModelVolume& volume) {
  const auto row = find_volume(cluster_, volume.name);
  if (!row || !row->x_op.empty() || row->readers > 0 || (row->status != "available" && row->status != "in-use")) return {};
  cluster_.look([&](db::Transaction& tx) {
    const db::Rows rows = tx.query("SELECT seq, kind, input FROM operation WHERE resource_id = ? AND seq > ? AND state = 'succeeded' ORDER BY seq", {row->id, volume.seen_operation});
    for (std::size_t i = 0; i < rows.size(); ++i) {
      apply(volume, rows.at(i, 1).text(), rows.at(i, 2).text());
      volume.seen_operation = rows.at(i, 0).integer();
    }
    return true;
  });
  const auto object = cluster_.array->objects.find(row->provider);
  if (object == cluster_.array->objects.end()) {
    cluster_.fail("I8: " + volume.name + " is " + row->status + ", but its object " + row->provider + " does not exist");
    return {};
  }
  if (volume.bytes) {
    volume.bytes->resize(object->second.blocks.size());
    if (*volume.bytes != object->second.blocks)
      cluster_.fail(fmt::format("I10: {} ({}) holds {}, it should hold {}", volume.name, row->provider, fmt::join(object->second.blocks, " "), fmt::join(*volume.bytes, " ")));
  }
  return row->provider;
}

void Model::write(ModelVolume& volume) {
  const std::string object = follow(volume);
  if (object.empty() || !volume.bytes || volume.bytes->empty()) return;
  const std::size_t block = cluster_.baton.random().below(volume.bytes->size());
  (*volume.bytes)[block] = cluster_.array->host_writes(object, block);
  cluster_.baton.note(fmt::format("host writes {} block {} of {}", (*volume.bytes)[block], block, object));
}

void Model::compare() {
  for (ModelVolume& volume : volumes) {
    compare(volume);
    for (const ModelSnapshot& snapshot : volume.snapshots) compare(volume, snapshot);
    for (const ModelAttachment& attachment : volume.attachments) compare(volume, attachment);
  }
  compare_quota();
  cluster_.counters.operations = static_cast<std::uint64_t>(
      cluster_.look([](db::Transaction& tx) { return tx.query("SELECT count(*) FROM operation").at(0, 0).integer(); }));
}

void Model::compare(ModelVolume& volume) {
  const auto seen = find_volume(cluster_, volume.name);
  if (!seen) {
    if (volume.created == Known::yes && volume.deleted == Known::no && volume.cancelled == Known::no) cluster_.fail(fmt::format("model: {} was accepted, and is gone", volume.name));
    return;
  }
  if (volume.created == Known::no) return cluster_.fail(fmt::format("model: {} was refused, and exists", volume.name));
  if (volume.deleted == Known::yes) return cluster_.fail(fmt::format("model: {} was deleted, and is {}", volume.name, seen->status));
  if (!volume.sizes.contains(seen->gib)) cluster_.fail(fmt::format("model: {} has {} GiB, {} were asked for", volume.name, seen->gib, fmt::join(volume.sizes, " or ")));
  const bool full = cluster_.config.pool_gib < 100;  // the array may be full
  const bool attached = seen->status == "in-use" || seen->status == "attaching" || seen->status == "reserved";
  const bool may_be_attached = std::any_of(volume.attachments.begin(), volume.attachments.end(), [](const auto& one) { return one.created != Known::no && one.removed != Known::yes; });
  if (seen->status == "available" || (attached && may_be_attached)) {
    if (volume.cancelled == Known::yes) cluster_.fail(fmt::format("model: the create of {} was cancelled, and published", volume.name));
    if (volume.must_fail) cluster_.fail(fmt::format("model: {} is available, though the array refused it", volume.name));
    follow(volume);
  } else if (!(seen->status == "error" && (volume.must_fail || full)) && !(seen->status == "error_extending" && (full || volume.cannot_grow)) &&
             !(seen->status == "error_deleting" && volume.cascade_stopped)) {
    cluster_.fail(fmt::format("model: {} ended as {}: {}", volume.name, seen->status, last_error(seen->id)));
  }
}

void Model::compare(const ModelVolume& volume, const ModelSnapshot& snapshot) {
  const auto seen = cluster_.look([&](db::Transaction& tx) -> std::optional<Row> {
    const db::Rows rows = tx.query("SELECT id, status, x_op, provider_name FROM snapshot WHERE name = ?", {snapshot.name});
    if (rows.empty()) return std::nullopt;
    return Row{rows.at(0, 0).text(), rows.at(0, 1).text(), rows.at(0, 2).text(), rows.at(0, 3).text()};
  });
  if (!seen) {
    if (snapshot.created == Known::yes && snapshot.deleted == Known::no && snapshot.cancelled == Known::no && volume.deleted == Known::no)
      cluster_.fail(fmt::format("model: snapshot {} was accepted, and is gone", snapshot.name));
    return;
  }
  if (snapshot.created == Known::no) return cluster_.fail(fmt::format("model: snapshot {} was refused, and exists", snapshot.name));
  if (snapshot.deleted == Known::yes) return cluster_.fail(fmt::format("model: snapshot {} was deleted, and is {}", snapshot.name, seen->status));
  if (seen->status != "available") return cluster_.fail(fmt::format("model: snapshot {} ended as {}: {}", snapshot.name, seen->status, last_error(seen->id)));
  if (snapshot.cancelled == Known::yes) cluster_.fail(fmt::format("model: snapshot {} was cancelled, and published", snapshot.name));
  const auto object = cluster_.array->objects.find(seen->provider);
  if (object == cluster_.array->objects.end()) return cluster_.fail("I8: snapshot " + snapshot.name + " has no object");
  if (object->second.blocks != cluster_.array->snapshots_taken[seen->provider]) cluster_.fail("I10: the bytes of snapshot " + snapshot.name + " have changed");
  if (snapshot.bytes && *snapshot.bytes != object->second.blocks)
    cluster_.fail(fmt::format("I10: snapshot {} holds {}, its volume held {}", snapshot.name, fmt::join(object->second.blocks, " "), fmt::join(*snapshot.bytes, " ")));
}

void Model::compare(const ModelVolume& volume, const ModelAttachment& attachment) {
  const auto [id, status] = cluster_.look([&](db::Transaction& tx) {
    const db::Rows rows = tx.query("SELECT id, attach_status FROM attachment WHERE instance_id = ?", {attachment.instance});
    return rows.empty() ? std::pair<std::string, std::string>() : std::pair(rows.at(0, 0).text(), rows.at(0, 1).text());
  });
  if (status.empty()) {
    if (attachment.created == Known::yes && attachment.removed == Known::no && volume.deleted == Known::no) cluster_.fail(fmt::format("model: attachment {} was accepted, and is gone", attachment.instance));
    return;
  }
  if (attachment.created == Known::no) return cluster_.fail(fmt::format("model: attachment {} was refused, and exists", attachment.instance));
  if (attachment.removed == Known::yes) return cluster_.fail(fmt::format("model: attachment {} was removed, and is {}", attachment.instance, status));
  if (status == "attached" ? attachment.completed == Known::no : status != "attaching" || attachment.completed == Known::yes)
    cluster_.fail(fmt::format("model: attachment {} ended as {}: {}", attachment.instance, status, last_error(id)));
}

/// The same sums as invariant I1, but from what clients see.
void Model::compare_quota() {
  const std::string differs = cluster_.look([&](db::Transaction& tx) {
    const db::Rows usage = tx.query("SELECT volumes, gigabytes, snapshots FROM quota_usage WHERE project_id = ? AND scope = ''", {cluster_.tenant.project_id});
    const db::Rows rows = tx.query("SELECT (SELECT count(*) FROM volume), (SELECT COALESCE(SUM(size_gib), 0) FROM volume) + (SELECT COALESCE(SUM(size_gib), 0) FROM snapshot), (SELECT count(*) FROM snapshot)");
    for (std::size_t i = 0; i < 3; ++i)
      if ((usage.empty() ? 0 : usage.at(0, i).integer()) != rows.at(0, i).integer()) return fmt::format("I1: quota column {} is {}, the rows take {}", i, usage.at(0, i).integer(), rows.at(0, i).integer());
    return std::string();
  });
  if (!differs.empty()) cluster_.fail(differs);
}

}  // namespace scoria::simulation
