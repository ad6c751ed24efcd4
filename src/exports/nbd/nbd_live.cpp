#include <algorithm>

#include "base/failpoint.h"
#include "exports/errors.h"
#include "exports/nbd/graph.h"
#include "exports/nbd/nbd_exporter.h"
#include "json/writer.h"

/// Moving and growing a volume while it is served.
namespace scoria::exports {
namespace {

/// Named by the image it leads to: a job to the record's own image is one whose end its starter did not live to see.
std::string job_to(int image) { return fmt::format("mirror{}", image); }

std::string job_argument(int image) { return fmt::format(R"({{"id":"{}"}})", job_to(image)); }

std::string node_argument(const char* key, const std::string& node) { return fmt::format(R"({{"{}":"{}"}})", key, node); }

std::string key_of(const std::string& volume) { return StorageDaemons::folder(volume); }

/// What the daemon says about one of its nodes; null when it has none of that name.
DriverResult<json::Value> node_of(Qmp& qmp, const std::string& name, Deadline deadline) {
  const auto nodes = qmp.execute("query-named-block-nodes", R"({"flat":true})", deadline);
  if (!nodes) return tl::unexpected(nodes.error());
  for (const json::Value& node : nodes->array())
    if (node.text_or("node-name") == name) return node;
  return json::Value();
}

DriverResult<json::Value> mirror_job(Qmp& qmp, int image, Deadline deadline) {
  const auto jobs = qmp.execute("query-jobs", {}, deadline);
  if (!jobs) return tl::unexpected(jobs.error());
  for (const json::Value& item : jobs->array())
    if (item.text_or("id") == job_to(image)) return item;
  return json::Value();
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
    volume.next_is_overlay = false;
    for (NbdExport& item : volume.exports) item.write_through = item.write_through || must_write_through(place);
    store(volume);
  }
  return serve(volume, deadline);
}

/// The driver says where the volume is; the daemon is brought there.
DriverResult<> NbdExporter::settle(NbdVolume& volume, const drivers::Location& place, Qmp& qmp, Deadline deadline) {
  if (volume.next.path == place.path && !volume.next_is_overlay) return pivot(volume, qmp, deadline);
  if (volume.location.path == place.path && !volume.next_is_overlay) {
    volume.next = {};
    store(volume);
    return cancel_mirror(volume, qmp, deadline);
  }
  if (volume.location.path == place.path)
    return failed(FailureClass::permanent, "volume {} is about to move to {}, not to stay at {}", volume.volume, volume.next.path, place.path);
  if (volume.next.path.empty()) {
    if (place.format != "qcow2") return failed(FailureClass::permanent, "volume {} is served from {}, not from {}", volume.volume, volume.location.path, place.path);
    if (const auto opened = open_overlay(volume, place, qmp, deadline, {}); !opened) return opened;
    volume.next = place;
    volume.next_is_overlay = true;
    store(volume);
  }
  return switch_to_overlay(volume, qmp, deadline);
}

DriverResult<> NbdExporter::open_overlay(const NbdVolume& volume, const drivers::Location& to, Qmp& qmp, Deadline deadline, const Movable& movable) {
  const std::string node = graph::image_node(volume.image + 1);
  const DriverResult<json::Value> known = node_of(qmp, node, deadline);
  if (!known) return tl::unexpected(known.error());
  if (known->is_null()) {
    const auto added = qmp.execute("blockdev-add", daemons_.image_text(to, volume.image + 1, true), deadline);
    if (!added) return tl::unexpected(added.error());
  }
  const DriverResult<json::Value> opened = node_of(qmp, node, deadline);
  if (!opened) return tl::unexpected(opened.error());
  const std::string base = (*opened)["image"].text_or("full-backing-filename");
  DriverResult<> good;
  if (base.empty()) good = failed(FailureClass::permanent, "{} is no overlay", to.path);
  if (good && movable) good = movable(base);
  if (!good) (void)qmp.execute("blockdev-del", node_argument("node-name", node), deadline);
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
  volume.next_is_overlay = false;
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
  const auto lock = state_.lock(key_of(*id), call.deadline);
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
    if (const auto settled = settle(*volume, volume->next_is_overlay ? volume->next : from, **qmp, call.deadline); !settled) return tl::unexpected(settled.error());
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
  volume.next_is_overlay = true;
  store(volume);
  FAILPOINT("exports.nbd.redirecting");
  const DriverResult<> switched = switch_to_overlay(volume, qmp, deadline);
  if (switched || switched.error().kind != FailureClass::permanent || volume.next.path.empty()) return switched;
  (void)qmp.execute("blockdev-del", node_argument("node-name", graph::image_node(volume.image + 1)), deadline);
  volume.next = {};
  volume.next_is_overlay = false;
  store(volume);
  return switched;
}

DriverResult<bool> NbdExporter::mirror(const Call& call, const drivers::Location& from, const drivers::Location& to,
                                       const std::function<DriverResult<>()>& commit) {
  const std::optional<std::string> id = volume_at(from.path);
  if (!id) return volume_at(to.path).has_value();
  const DriverResult<bool> begun = start_mirror(call, *id, from, to);
  if (!begun || !*begun) return begun;
  DriverResult<> done = follow_mirror(call, *id);
  if (done) done = end_mirror(*id, to, call.deadline, commit);
  if (done) return true;
  const Deadline patience = Deadline::in(clock_, 5s);
  const auto lock = state_.lock(key_of(*id), patience);
  const std::optional<NbdVolume> volume = load(*id);
  if (!lock || !volume || volume->location.path != from.path || !volume->next.path.empty()) return tl::unexpected(done.error());
  DriverResult<std::optional<Qmp>> qmp = daemons_.connect(*id, patience);
  if (qmp && *qmp) (void)cancel_mirror(*volume, **qmp, patience);
  return tl::unexpected(done.error());
}

DriverResult<bool> NbdExporter::start_mirror(const Call& call, const std::string& id, const drivers::Location& from, const drivers::Location& to) {
  const auto lock = state_.lock(key_of(id), call.deadline);
  if (!lock) return failed(FailureClass::busy, "another thread or process changes the exports of volume {}", id);
  std::optional<NbdVolume> volume = load(id);
  if (!volume || volume->exports.empty()) return false;
  if (!volume->next.path.empty())
    if (const auto settled = serve_at(*volume, from, call.deadline); !settled) return tl::unexpected(settled.error());
  if (volume->location.path != from.path) return false;
  DriverResult<std::optional<Qmp>> qmp = daemons_.connect(id, call.deadline);
  if (!qmp) return tl::unexpected(qmp.error());
  // A daemon that is just being restarted comes back with the file it had.
  if (!*qmp) return failed(FailureClass::transient, "the storage daemon of volume {} is not up", id);
  if (volume->exports.size() > 1) return failed(FailureClass::busy, "volume {} is attached more than once; it can be copied in use with one attachment", id);
  if (const auto cancelled = cancel_mirror(*volume, **qmp, call.deadline); !cancelled) return tl::unexpected(cancelled.error());
  const auto added = (*qmp)->execute("blockdev-add", daemons_.image_text(to, volume->image + 1, false), call.deadline);
  if (!added) return tl::unexpected(added.error());
  // Write-blocking: once both are equal they stay so, each write goes to both before it is acknowledged. The job sits above
  // the throttle (it wants a root) and replaces what is below.
  json::Writer options;
  options.begin_object().field("job-id", job_to(volume->image + 1)).field("device", graph::throttle_node(volume->exports.front()));
  options.field("target", graph::image_node(volume->image + 1)).field("replaces", graph::image_node(volume->image));
  options.field("sync", "full").field("copy-mode", "write-blocking").field("auto-dismiss", false).end_object();
  const auto begun = (*qmp)->execute("blockdev-mirror", options.text(), call.deadline);
  if (begun) return true;
  (void)(*qmp)->execute("blockdev-del", node_argument("node-name", graph::image_node(volume->image + 1)), call.deadline);
  return tl::unexpected(begun.error());
}

/// Waits until both files are equal. Holds no lock: attachments come and go meanwhile.
DriverResult<> NbdExporter::follow_mirror(const Call& call, const std::string& id) {
  const std::optional<NbdVolume> volume = load(id);
  const int target = volume ? volume->image + 1 : 0;
  while (true) {
    if (call.should_stop()) return failed(FailureClass::stopped, "stopped while volume {} was copied", id);
    if (call.deadline.passed(clock_)) return failed(FailureClass::transient, "copying volume {} took too long", id);
    DriverResult<std::optional<Qmp>> qmp = daemons_.connect(id, call.deadline);
    if (!qmp) return tl::unexpected(qmp.error());
    if (!*qmp) return failed(FailureClass::transient, "the storage daemon of volume {} ended while it was copied", id);
    const DriverResult<json::Value> running = mirror_job(**qmp, target, call.deadline);
    if (!running) return tl::unexpected(running.error());
    const std::string status = running->text_or("status");
    if (call.progress && !running->is_null()) call.progress(Bytes{running->integer_or("current-progress")}, Bytes{running->integer_or("total-progress")});
    if (status == "ready") return {};
    if (status != "running" && status != "created") return failed(FailureClass::transient, "copying volume {} failed: {}", id, running->text_or("error", "the copy is gone"));
    qmp->reset();
    clock_.sleep(20ms);
  }
}

DriverResult<> NbdExporter::end_mirror(const std::string& id, const drivers::Location& to, Deadline deadline, const std::function<DriverResult<>()>& commit) {
  const auto lock = state_.lock(key_of(id), deadline);
  if (!lock) return failed(FailureClass::busy, "another thread or process changes the exports of volume {}", id);
  std::optional<NbdVolume> volume = load(id);
  DriverResult<std::optional<Qmp>> qmp = daemons_.connect(id, deadline);
  if (!qmp) return tl::unexpected(qmp.error());
  if (!volume || !*qmp) return failed(FailureClass::transient, "the storage daemon of volume {} ended while it was copied", id);
  const DriverResult<json::Value> running = mirror_job(**qmp, volume->image + 1, deadline);
  if (!running) return tl::unexpected(running.error());
  if (running->text_or("status") != "ready") return failed(FailureClass::transient, "copying volume {} failed at the end", id);
  // From here until commit() has answered nobody but the driver knows which file is the volume, so nobody may restart
  // the daemon by the record alone.
  volume->next = to;
  volume->next_is_overlay = false;
  store(*volume);
  FAILPOINT("exports.nbd.mirror.committing");
  if (const DriverResult<> committed = commit(); !committed) {
    if (committed.error().kind == FailureClass::unknown) return committed;  // the next ensure() tells
    volume->next = {};
    store(*volume);
    return committed;
  }
  FAILPOINT("exports.nbd.mirror.committed");
  return pivot(*volume, **qmp, deadline);
}

/// The driver has committed to `next`. The record says so before the exports move over: both files are equal until then,
/// and whoever starts a daemon now must open the new one.
DriverResult<> NbdExporter::pivot(NbdVolume& volume, Qmp& qmp, Deadline deadline) {
  volume.location = volume.next;
  volume.next = {};
  ++volume.image;
  store(volume);
  FAILPOINT("exports.nbd.mirror.recorded");
  return finish_pivot(volume, qmp, deadline);
}

DriverResult<> NbdExporter::finish_pivot(const NbdVolume& volume, Qmp& qmp, Deadline deadline) {
  const DriverResult<json::Value> running = mirror_job(qmp, volume.image, deadline);
  if (!running) return tl::unexpected(running.error());
  if (running->is_null()) return {};
  (void)qmp.execute("job-complete", job_argument(volume.image), deadline);
  while (true) {
    const DriverResult<json::Value> now = mirror_job(qmp, volume.image, deadline);
    if (!now) return tl::unexpected(now.error());
    if (now->is_null() || now->text_or("status") == "concluded") break;
    if (deadline.passed(clock_)) return failed(FailureClass::unknown, "volume {} does not move over", volume.volume);
    clock_.sleep(1ms);
  }
  (void)qmp.execute("job-dismiss", job_argument(volume.image), deadline);
  (void)qmp.execute("blockdev-del", node_argument("node-name", graph::image_node(volume.image - 1)), deadline);
  return {};
}

DriverResult<> NbdExporter::cancel_mirror(const NbdVolume& volume, Qmp& qmp, Deadline deadline) {
  const int target = volume.image + 1;
  DriverResult<json::Value> running = mirror_job(qmp, target, deadline);
  if (!running) return tl::unexpected(running.error());
  if (running->is_null()) return {};
  (void)qmp.execute("job-cancel", job_argument(target), deadline);
  while (!running->is_null() && running->text_or("status") != "concluded") {
    if (deadline.passed(clock_)) return failed(FailureClass::transient, "copying volume {} does not stop", volume.volume);
    clock_.sleep(1ms);
    running = mirror_job(qmp, target, deadline);
    if (!running) return tl::unexpected(running.error());
  }
  (void)qmp.execute("job-dismiss", job_argument(target), deadline);
  (void)qmp.execute("blockdev-del", node_argument("node-name", graph::image_node(target)), deadline);
  return {};
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
  const auto lock = state_.lock(key_of(*id), call.deadline);
  if (!lock) return failed(FailureClass::busy, "another thread or process changes the exports of volume {}", *id);
  std::optional<NbdVolume> volume = load(*id);
  if (!volume || volume->exports.empty()) return false;
  if (const auto served = serve(*volume, call.deadline); !served) return tl::unexpected(served.error());
  DriverResult<std::optional<Qmp>> qmp = daemons_.connect(*id, call.deadline);
  if (!qmp) return tl::unexpected(qmp.error());
  if (!*qmp) return failed(FailureClass::transient, "the storage daemon of volume {} has just ended", *id);
  if (const auto cancelled = cancel_mirror(*volume, **qmp, call.deadline); !cancelled) return tl::unexpected(cancelled.error());
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
