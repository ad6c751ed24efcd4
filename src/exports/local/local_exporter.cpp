#include "exports/local/local_exporter.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "exports/errors.h"
#include "os/files.h"

namespace scoria::exports {
namespace {

constexpr std::size_t label_limit = 63;

DriverResult<> valid(const ExportSpec& spec, const std::string& label) {
  if (!plain_name(spec.name) || label.size() > label_limit) return failed(FailureClass::permanent, "'{}' cannot name a local device", spec.name);
  if (spec.location.protocol != "file") return failed(FailureClass::permanent, "a local device serves files, not {}", spec.location.protocol);
  if (spec.location.format != "raw")
    return failed(FailureClass::permanent,
                  "volume {} is kept as {}, which no loop device can serve: attach it over nbd or nbd+unix, or flatten it to raw first", spec.volume_id,
                  spec.location.format);
  return {};
}

/// Without it none of our devices can exist, and looking at others' is not allowed.
bool allowed() { return ::access("/dev/loop-control", R_OK | W_OK) == 0; }

}  // namespace

DriverResult<> LocalExporter::check(const Call&) {
  if (allowed()) return {};
  return failed(FailureClass::permanent, "local devices need /dev/loop-control: run as root, or attach over nbd+unix");
}

std::string LocalExporter::label(const std::string& name) const { return fmt::format("scoria:{}/{}", options_.deployment, name); }

std::optional<os::LoopDevice> LocalExporter::find(const std::string& name) const {
  if (!allowed()) return std::nullopt;
  const std::string wanted = label(name);
  for (os::LoopDevice& device : os::all_loops())
    if (device.label == wanted) return std::move(device);
  return std::nullopt;
}

DriverResult<Connection> LocalExporter::ensure(const Call& call, const ExportSpec& spec) {
  if (const auto good = valid(spec, label(spec.name)); !good) return tl::unexpected(good.error());
  return guarded([&]() -> DriverResult<Connection> {
    const auto lock = state_.lock("local/" + spec.name, call.deadline);
    if (!lock) return failed(FailureClass::busy, "another thread or process changes export {}", spec.name);
    if (state_.removed(spec.name)) return failed(FailureClass::permanent, "export {} was removed; its name is not used again", spec.name);
    const os::Fd file = os::open_file(spec.location.path, spec.read_only ? O_RDONLY : O_RDWR);
    struct statfs system {};
    if (::fstatfs(file.get(), &system) != 0) os::fail("look at", spec.location.path);
    state_.make_directory("local");
    state_.write("local/" + spec.name, {});
    std::optional<os::LoopDevice> device = find(spec.name);
    if (device) {
      const struct stat status = os::status_of(file);
      if (device->file_device != status.st_dev || device->file_inode != status.st_ino || device->read_only != spec.read_only)
        return failed(FailureClass::permanent, "export {} exists as {} with another file or mode", spec.name, device->path);
      os::resize_loop(device->path);
    } else {
      // Direct requests through FUSE have corrupted data.
      const bool fuse = static_cast<unsigned long>(system.f_type) == FUSE_SUPER_MAGIC;
      device = os::attach_loop(file, {.read_only = spec.read_only, .direct_io = !fuse, .label = label(spec.name)});
    }
    FAILPOINT("exports.local.attached");
    Connection out{.type = "local"};
    out.text = {{"device_path", device->path}, {"volume_id", spec.volume_id}};
    out.flags = {{"read_only", device->read_only}, {"direct_io", device->direct_io}, {"qos_applied", false}};
    return out;
  });
}

DriverResult<> LocalExporter::remove(const Call& call, const std::string& name) {
  if (!plain_name(name)) return {};
  return guarded([&]() -> DriverResult<> {
    state_.mark_removed(name);
    FAILPOINT("exports.local.doomed");
    const auto lock = state_.lock("local/" + name, call.deadline);
    if (!lock) return failed(FailureClass::busy, "another thread or process changes export {}", name);
    if (const std::optional<os::LoopDevice> device = find(name)) os::fence_loop(device->path);
    state_.remove("local/" + name);
    return {};
  });
}

DriverResult<bool> LocalExporter::grow(const Call&, const ExportSpec& spec) {
  return guarded([&]() -> DriverResult<bool> {
    const std::optional<os::LoopDevice> device = find(spec.name);
    if (!device) return failed(FailureClass::permanent, "there is no local device of export {}", spec.name);
    os::resize_loop(device->path);
    return true;
  });
}

DriverResult<> LocalExporter::throttle(const Call&, const std::string&, const Throttle&) {
  return failed(FailureClass::permanent, "local devices have no limits of their own; attach over nbd for limits applied by Scoria");
}

DriverResult<std::vector<std::string>> LocalExporter::list(const Call&) {
  return guarded([&]() -> DriverResult<std::vector<std::string>> {
    const std::string prefix = label("");
    std::vector<std::string> out;
    if (!allowed()) return out;
    for (const os::LoopDevice& device : os::all_loops())
      if (device.label.starts_with(prefix)) out.push_back(device.label.substr(prefix.size()));
    return out;
  });
}

}  // namespace scoria::exports
