#include <algorithm>

#include "base/failpoint.h"
#include "exports/errors.h"
#include "exports/nbd/graph.h"
#include "exports/nbd/nbd_exporter.h"
#include "json/writer.h"

/// Moving and growing a volume while it is served.
namespace scoria::exports {
namespace {

/// What the daemon says about one of its nodes; null when it has none of that name. Not flat: then it would not count what
/// the node is based on, and a move begun by a killed process would look as if it had not happened.
DriverResult<json::Value> node_of(Qmp& qmp, const std::string& name, Deadline deadline) {
  const auto nodes = qmp.execute("query-named-block-nodes", R"({"flat":false})", deadline);
  if (!nodes) return tl::unexpected(nodes.error());
  for (const json::Value& node : nodes->array())
    if (node.text_or("node-name") == name) return node;
  return json::Value();
}

/// Nodes of earlier images and bases that nothing hangs on any more; a node in use is refused.
DriverResult<> drop_unused(Qmp& qmp, const NbdVolume& volume, Deadline deadline) {
  const auto nodes = qmp.execute("query-named-block-nodes", R"({"flat":true})", deadline);
  if (!nodes) return tl::unexpected(nodes.error());
  std::vector<std::string> names;
  for (const json::Value& node : nodes->array()) names.push_back(node.text_or("node-name"));
  const auto there = [&](const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  // From the newest down: what hangs on a node goes before it.
  for (int image = volume.image; image >= 0; --image)
    for (const std::string& name : {graph::image_node(image), graph::base_node(image)})
      if (name != graph::image_node(volume.image) && (there(name) || there(graph::file_node(name)))) StorageDaemons::drop_image(qmp, name, deadline);
  return {};
}

}  // namespace

DriverResult<> NbdExporter::serve_at(NbdVolume& volume, const drivers::Location& place, Deadline deadline) {
  if (volume.location.path == place.path && volume.next.path.empty()) return serve(volume, deadline);
  DriverResult<std::optional<Qmp>> qmp = daemons_.connect(volume.volume, deadline);
  if (!qmp) return tl::unexpected(qmp.error());
  if (*qmp) {
    if (const auto settled = settle(volume, place, **qmp, deadline); !settled) return settled;
  } else {
    volume.location = place;
    volume.next = {};
    for (NbdExport& item : volume.exports) item.write_through = item.write_through || must_write_through(place);
    store(volume);
  }
  return serve(volume, deadline);
}

/// The driver says where the volume is; the daemon is brought there.
DriverResult<> NbdExporter::settle(NbdVolume& volume, const drivers::Location& place, Qmp& qmp, Deadline deadline) {
  if (volume.location.path == place.path)
    return failed(FailureClass::permanent, "volume {} is about to move to {}, not to stay at {}", volume.volume, volume.next.path, place.path);
  if (volume.next.path.empty()) {
    if (place.format != "qcow2") return failed(FailureClass::permanent, "volume {} is served from {}, not from {}", volume.volume, volume.location.path, place.path);
    if (const auto opened = open_overlay(volume, place, qmp, deadline, {}); !opened) return opened;
    volume.next = place;
    store(volume);
  }
  return switch_to_overlay(volume, qmp, deadline);
}

DriverResult<> NbdExporter::open_overlay(const NbdVolume& volume, const drivers::Location& to, Qmp& qmp, Deadline deadline, const Movable& movable) {
  const std::string node = graph::image_node(volume.image + 1);
  const DriverResult<json::Value> known = node_of(qmp, node, deadline);
  if (!known) return tl::unexpected(known.error());
  if (known->is_null()) {
    if (const auto added = daemons_.add_image(qmp, to, node, {.no_backing = true}, deadline); !added) return added;
  }
  const DriverResult<json::Value> opened = node_of(qmp, node, deadline);
  if (!opened) return tl::unexpected(opened.error());
  const std::string base = (*opened)["image"].text_or("full-backing-filename");
  DriverResult<> good;
  if (base.empty()) good = failed(FailureClass::permanent, "{} is no overlay", to.path);
  if (good && movable) good = movable(base);
  if (!good) StorageDaemons::drop_image(qmp, node, deadline);
  return good;
}

DriverResult<> NbdExporter::switch_to_overlay(NbdVolume& volume, Qmp& qmp, Deadline deadline) {
  const std::string node = graph::image_node(volume.image + 1);
  DriverResult<json::Value> overlay = node_of(qmp, node, deadline);
  if (!overlay) return tl::unexpected(overlay.error());
  if (overlay->is_null()) {
    if (const auto opened = open_overlay(volume, volume.next, qmp, deadline, {}); !opened) return opened;
    overlay = node_of(qmp, node, deadline);
    if (!overlay) return tl::unexpected(overlay.error());
  }
  // Depth 0: opened without its base, so not in use yet.
  if (overlay->integer_or("backing_file_depth") == 0) {
    const std::string switched = fmt::format(R"({{"node":"{}","overlay":"{}"}})", graph::image_node(volume.image), node);
    if (const auto done = qmp.execute("blockdev-snapshot", switched, deadline); !done) return tl::unexpected(done.error());
  }
  FAILPOINT("exports.nbd.switched");
  volume.location = volume.next;
  volume.next = {};
  ++volume.image;
  // Only reached without writing through when the driver went on alone: those exports are made again, their clients
  // reconnect.
  for (NbdExport& item : volume.exports) {
    if (item.write_through || item.read_only) continue;
    item.write_through = true;
    item.slot = volume.next_slot++;
  }
  store(volume);
  return daemons_.converge(qmp, volume, deadline);
}

std::optional<std::string> NbdExporter::volume_at(const std::string& path) const {
  for (const NbdVolume& record : records())
    if (record.location.path == path || record.next.path == path) return record.volume;
  return std::nullopt;
}

DriverResult<bool> NbdExporter::redirect(const Call& call, const drivers::Location& from, const drivers::Location& to, const Movable& movable) {
  std::optional<std::string> id = volume_at(from.path);
  if (!id) id = volume_at(to.path);
  if (!id) return false;
  const auto lock = state_.lock(StorageDaemons::folder(*id), call.deadline);
  if (!lock) return failed(FailureClass::busy, "another thread or process changes the exports of volume {}", *id);
  std::optional<NbdVolume> volume = load(*id);
  if (!volume || volume->exports.empty()) return false;
  if (volume->location.path == to.path && volume->next.path.empty()) return true;
  DriverResult<std::optional<Qmp>> qmp = daemons_.connect(*id, call.deadline);
  if (!qmp) return tl::unexpected(qmp.error());
  if (!*qmp) {
    // Nobody writes now; the next daemon opens the overlay.
    const DriverResult<> served = serve_at(*volume, to, call.deadline);
    if (!served) return tl::unexpected(served.error());
    return true;
  }
  // A move that its starter did not see through comes first.
  if (!volume->next.path.empty())
    if (const auto settled = settle(*volume, volume->next, **qmp, call.deadline); !settled) return tl::unexpected(settled.error());
  if (volume->location.path == to.path) return true;
  const DriverResult<> moved = move_to_overlay(*volume, to, **qmp, call.deadline, movable);
  if (!moved) return tl::unexpected(moved.error());
  return true;
}

DriverResult<> NbdExporter::move_to_overlay(NbdVolume& volume, const drivers::Location& to, Qmp& qmp, Deadline deadline, const Movable& movable) {
  // Whether an export writes through is fixed when it is made: to begin now would cut its clients off.
  if (std::any_of(volume.exports.begin(), volume.exports.end(), [](const NbdExport& item) { return !item.write_through && !item.read_only; }))
    return failed(FailureClass::busy, "volume {} is exported without writing through and cannot move to an overlay while it is attached", volume.volume);
  if (const auto opened = open_overlay(volume, to, qmp, deadline, movable); !opened) return opened;
  volume.next = to;
  store(volume);
  FAILPOINT("exports.nbd.redirecting");
  const DriverResult<> switched = switch_to_overlay(volume, qmp, deadline);
  if (switched || switched.error().kind != FailureClass::permanent || volume.next.path.empty()) return switched;
  StorageDaemons::drop_image(qmp, graph::image_node(volume.image + 1), deadline);
  volume.next = {};
  store(volume);
  return switched;
}

bool NbdExporter::serves(const drivers::Location& at) const {
  const std::optional<std::string> id = volume_at(at.path);
  const std::optional<NbdVolume> volume = id ? load(*id) : std::nullopt;
  return volume && !volume->exports.empty();
}

DriverResult<> NbdExporter::rebase(const Call& call, const drivers::Location& at, const drivers::Location& base) {
  const std::optional<std::string> id = volume_at(at.path);
  if (!id) return {};
  const auto lock = state_.lock(StorageDaemons::folder(*id), call.deadline);
  if (!lock) return failed(FailureClass::busy, "another thread or process changes the exports of volume {}", *id);
  const std::optional<NbdVolume> volume = load(*id);
  // A daemon that is not there yet, or about to move on, opens what it finds on disk.
  if (!volume || volume->exports.empty() || volume->location.path != at.path || !volume->next.path.empty()) return {};
  DriverResult<std::optional<Qmp>> qmp = daemons_.connect(*id, call.deadline);
  if (!qmp) return tl::unexpected(qmp.error());
  if (!*qmp) return {};
  const std::string node = graph::base_node(volume->image);
  const DriverResult<json::Value> known = node_of(**qmp, node, call.deadline);
  if (!known) return tl::unexpected(known.error());
  if (known->is_null()) {
    if (const auto added = daemons_.add_image(**qmp, base, node, {.read_only = true}, call.deadline); !added) return added;
  }
  const std::string image = daemons_.image_text(at, graph::image_node(volume->image), {.backing = node});
  const auto opened = (*qmp)->execute("blockdev-reopen", fmt::format(R"({{"options":[{}]}})", image), call.deadline);
  if (!opened) return tl::unexpected(opened.error());
  return drop_unused(**qmp, *volume, call.deadline);
}

/// The image and all exports get `size`. An NBD export is of one size for life and forbids resizing below it.
DriverResult<> NbdExporter::reach(NbdVolume& volume, Bytes size, Qmp& qmp, Deadline deadline) {
  const DriverResult<json::Value> image = node_of(qmp, graph::image_node(volume.image), deadline);
  if (!image) return tl::unexpected(image.error());
  bool smaller = (*image)["image"].integer_or("virtual-size") < size.count;
  for (const NbdExport& item : volume.exports) {
    const DriverResult<json::Value> node = node_of(qmp, graph::throttle_node(item), deadline);
    if (!node) return tl::unexpected(node.error());
    smaller = smaller || (*node)["image"].integer_or("virtual-size") < size.count;
  }
  if (!smaller) return {};
  for (const NbdExport& item : volume.exports)
    if (const auto dropped = daemons_.drop(qmp, graph::export_id(item), deadline); !dropped) return dropped;
  FAILPOINT("exports.nbd.resizing");
  const auto resized = qmp.execute("block_resize", fmt::format(R"({{"node-name":"{}","size":{}}})", graph::image_node(volume.image), size.count), deadline);
  const DriverResult<> back = daemons_.converge(qmp, volume, deadline);
  if (!resized) return tl::unexpected(resized.error());
  return back;
}

DriverResult<bool> NbdExporter::resize(const Call& call, const drivers::Location& at, Bytes size) {
  const std::optional<std::string> id = volume_at(at.path);
  if (!id) return false;
  const auto lock = state_.lock(StorageDaemons::folder(*id), call.deadline);
  if (!lock) return failed(FailureClass::busy, "another thread or process changes the exports of volume {}", *id);
  std::optional<NbdVolume> volume = load(*id);
  if (!volume || volume->exports.empty()) return false;
  if (const auto served = serve(*volume, call.deadline); !served) return tl::unexpected(served.error());
  DriverResult<std::optional<Qmp>> qmp = daemons_.connect(*id, call.deadline);
  if (!qmp) return tl::unexpected(qmp.error());
  if (!*qmp) return failed(FailureClass::transient, "the storage daemon of volume {} has just ended", *id);
  if (const auto reached = reach(*volume, size, **qmp, call.deadline); !reached) return tl::unexpected(reached.error());
  return true;
}

DriverResult<bool> NbdExporter::grow(const Call& call, const ExportSpec& spec) {
  return guarded([&]() -> DriverResult<bool> {
    const DriverResult<bool> grown = resize(call, spec.location, spec.size);
    if (!grown) return tl::unexpected(grown.error());
    if (!*grown) return failed(FailureClass::permanent, "there is no NBD export of {}", spec.location.path);
    return false;
  });
}

}  // namespace scoria::exports
