#include "drivers/file/driver.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/file/qemu.h"
#include "drivers/names.h"
#include "observe/log.h"
#include "os/extents.h"
#include "os/process.h"

namespace scoria::drivers::file {
namespace {

/// Real bytes of the files that only this object has.
Bytes allocated(const Found& found) {
  Bytes sum;
  for (const Layer& layer : found.description.layers)
    if (const auto status = os::status_at(found.directory, layer.file); status && status->st_nlink == 1) sum.count += status->st_blocks * 512;
  return sum;
}

}  // namespace

std::unique_ptr<Driver> make_file_driver(Clock& clock, FileOptions options) { return std::make_unique<FileDriver>(clock, std::move(options)); }

FileDriver::FileDriver(Clock& clock, FileOptions options) : clock_(clock), options_(std::move(options)) {
  for (const FilePool& pool : options_.pools) {
    pools_.push_back(std::make_unique<PoolState>());
    pools_.back()->config = pool;
    pools_.back()->config.allocation_unit = sector_multiple(pool.allocation_unit);
  }
}

DriverResult<FileDriver::Place> FileDriver::open_pool(const std::string& name) {
  for (const auto& pool : pools_)
    if (pool->config.name == name) {
      Place at{.pool = pool.get(), .directory = os::open_directory(pool->config.directory)};
      if (!pool->probed)
        if (DriverResult<> checked = check_pool(*pool); !checked) return failed(checked.error());
      return at;
    }
  return failed(FailureClass::permanent, "this backend has no pool '{}'", name);
}

DriverResult<FileDriver::Place> FileDriver::place(const Call& call, const ObjectRef& object) {
  if (call.deadline.passed(clock_)) return failed(FailureClass::transient, "the deadline of the call has passed");
  if (call.should_stop()) return failed(FailureClass::stopped, "stopped before anything was done");
  if (!valid_name(object.name)) return failed(FailureClass::permanent, "'{}' is not a name of an object: [a-zA-Z0-9._-], at most 200, no dot first", object.name);
  return open_pool(object.pool);
}

DriverResult<> FileDriver::check_size(const PoolState& pool, Bytes size) const {
  const Bytes unit = pool.config.allocation_unit;
  if (size < pool.config.minimum_size || size.count <= 0 || size.count % unit.count != 0)
    return failed(FailureClass::permanent, "{} bytes: pool '{}' takes multiples of {} bytes, at least {}", size.count, pool.config.name, unit.count,
                  pool.config.minimum_size.count);
  return {};
}

DriverResult<> FileDriver::check_pool(PoolState& pool) {
  const os::Fd directory = os::open_directory(pool.config.directory);
  if (::faccessat(directory.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    const int error = errno;
    return failed(error == EROFS || error == EACCES ? FailureClass::permanent : FailureClass::transient,
                  "cannot write to {} ({}): make it writable for this user", pool.config.directory, std::generic_category().message(error));
  }
  sweep(directory);
  if (!pool.probed) {
    // A full disk must not keep anybody from deleting: the question waits until there is room.
    const std::optional<bool> shares = can_reflink(directory);
    pool.reflink = options_.allow_reflink && shares.value_or(false);
    pool.probed = shares.has_value();
  }
  if (!pool.reflink && !os::find_program("qemu-img"))
    return failed(FailureClass::permanent, "the file system of {} cannot share blocks and qemu-img is not installed: install the package qemu-utils",
                  pool.config.directory);
  return {};
}

DriverResult<> FileDriver::check(const Call&) {
  if (pools_.empty()) return failed(FailureClass::permanent, "this backend has no pools: name at least one directory");
  // One pool that is away must not take the others with it.
  DriverResult<> first;
  std::size_t bad = 0;
  for (const auto& pool : pools_) {
    const DriverResult<> checked = guarded([&] { return check_pool(*pool); });
    if (checked) continue;
    if (++bad == 1) first = failed({.kind = checked.error().kind, .message = fmt::format("pool '{}': {}", pool->config.name, checked.error().message)});
    log::warning("driver.file", {}, "pool '{}' cannot be used: {}", pool->config.name, checked.error().message);
  }
  return bad == pools_.size() ? first : DriverResult<>{};
}

DriverResult<PoolReport> FileDriver::report(const std::string& name) {
  const DriverResult<Place> at = open_pool(name);
  if (!at) return failed(at.error());
  const PoolState& pool = *at->pool;
  const os::Fd& directory = at->directory;
  const os::Capacity capacity = os::capacity_of(directory);
  Bytes provisioned;
  for (const std::string& object : os::names_in(directory)) {
    if (object.starts_with('.')) continue;
    const Found found = find(*at, object);
    if (found.directory && !found.description.read_only) provisioned = provisioned + size_now(found);
  }
  return PoolReport{.name = pool.config.name,
          .total = Bytes{capacity.total},
          .free = Bytes{capacity.free},
          .provisioned = provisioned,
          .allocation_unit = pool.config.allocation_unit,
          .minimum_size = pool.config.minimum_size,
          .max_over_subscription_ratio = pool.config.max_over_subscription_ratio,
          .reserved_percentage = pool.config.reserved_percentage,
          .storage_protocol = options_.storage_protocol,
          .extra = {{"reflink", pool.reflink ? "True" : "False"}}};
}

DriverResult<std::vector<PoolReport>> FileDriver::pools(const Call&) {
  std::vector<PoolReport> out;
  DriverResult<> first;
  for (const auto& pool : pools_) {
    DriverResult<PoolReport> one = guarded([&] { return report(pool->config.name); });
    if (one) out.push_back(std::move(*one));
    else if (first) first = failed(one.error());
  }
  if (out.empty() && !first) return failed(first.error());
  return out;
}

DriverResult<Probe> FileDriver::probe(const Call& call, const ObjectRef& object) {
  return guarded([&]() -> DriverResult<Probe> {
    const DriverResult<Place> at = place(call, object);
    if (!at) return failed(at.error());
    const Found found = find(*at, object.name);
    if (!found.directory) return Probe{.presence = found.presence};
    const int layers = static_cast<int>(found.description.layers.size());
    return Probe{.presence = found.presence,
                 .size = size_now(found),
                 .allocated = allocated(found),
                 .layers = layers,
                 .wants_flatten = layers > options_.layer_limit && !found.description.read_only};
  });
}

DriverResult<> FileDriver::create(const Call& call, const ObjectRef& object, Bytes size) {
  return guarded([&]() -> DriverResult<> {
    const DriverResult<Place> at = place(call, object);
    if (!at) return failed(at.error());
    if (DriverResult<> fits = check_size(*at->pool, size); !fits) return fits;
    while (true) {
      const Found found = find(*at, object.name);
      if (found.presence == Presence::complete && !found.description.read_only && size_now(found) == size) return {};
      if (found.presence != Presence::absent)
        return failed(FailureClass::permanent, "{} exists already and is not an empty volume of {} bytes", object.name, size.count);
      Draft draft(at->directory, object.name);
      const Layer layer{.file = object.name + ".0.raw", .format = "raw"};
      try {
        make_empty_file(draft.directory(), layer.file, size);
        FAILPOINT("driver.file.create.made");
        if (draft.publish({.deployment = options_.deployment, .complete = true, .size = size, .layers = {layer}})) return {};
      } catch (const std::system_error&) {
        draft.discard();
        throw;
      }
    }
  });
}

DriverResult<> FileDriver::remove(const Call& call, const ObjectRef& object) {
  return guarded([&]() -> DriverResult<> {
    const DriverResult<Place> at = place(call, object);
    if (!at) return failed(at.error());
    return remove_named(call, *at, object.name);
  });
}

DriverResult<> FileDriver::remove_named(const Call& call, const Place& at, const std::string& name) {
  if (find(at, name).presence == Presence::absent) return {};
  const DriverResult<Locked> locked = lock(call, at, name);
  if (!locked) return failed(locked.error());
  if (DriverResult<> dropped = drop_own_source(call, {.pool = at.pool->config.name, .name = name}, locked->object.description); !dropped) return dropped;
  return erase(at.directory, name, *locked, at.pool->config.directory);
}

DriverResult<std::vector<std::string>> FileDriver::list(const Call&, std::string_view pool, std::string_view after, std::size_t limit) {
  return guarded([&]() -> DriverResult<std::vector<std::string>> {
    for (const auto& state : pools_) {
      if (state->config.name != pool) continue;
      const os::Fd directory = os::open_directory(state->config.directory);
      std::vector<std::string> out;
      for (const std::string& name : os::names_in(directory)) {
        if (out.size() >= limit) break;
        if (name.starts_with('.') || name <= after) continue;
        if (find_object(directory, name, options_.deployment).directory) out.push_back(name);
      }
      return out;
    }
    return failed(FailureClass::permanent, "this backend has no pool '{}'", pool);
  });
}

DriverResult<Location> FileDriver::locate(const Call& call, const ObjectRef& object) {
  return guarded([&]() -> DriverResult<Location> {
    const DriverResult<Place> at = place(call, object);
    if (!at) return failed(at.error());
    Found found = find(*at, object.name);
    if (!found.directory) return failed(FailureClass::permanent, "there is no object {} of ours in pool '{}'", object.name, object.pool);
    if (!os::status_at(found.directory, found.description.head().file)) {
      // It is just being given another head, or a crash came in between: who gets the lock knows.
      DriverResult<Locked> locked = lock(call, *at, object.name);
      if (!locked) return failed(locked.error());
      found = std::move(locked->object);
    }
    const auto status = os::status_at(found.directory, found.description.head().file);
    if (!status || !S_ISREG(status->st_mode)) return failed(FailureClass::transient, "{} has lost its file {}", object.name, found.description.head().file);
    return shape(call, *at, object.name).location(found.description.head());
  });
}

DriverResult<> FileDriver::extend(const Call& call, const ObjectRef& object, Bytes size) {
  return guarded([&]() -> DriverResult<> {
    const DriverResult<Place> at = place(call, object);
    if (!at) return failed(at.error());
    if (DriverResult<> fits = check_size(*at->pool, size); !fits) return fits;
    DriverResult<Locked> locked = lock(call, *at, object.name);
    if (!locked) return failed(locked.error());
    Found& found = locked->object;
    if (found.presence != Presence::complete || found.description.read_only)
      return failed(FailureClass::permanent, "{} is {} and cannot grow", object.name, found.description.read_only ? "a snapshot" : "not whole yet");
    if (size_now(found) < size)
      if (DriverResult<> grown = grow_head(call, *at, object, found, size); !grown) return grown;
    FAILPOINT("driver.file.extend.grown");
    if (found.description.size < size) {
      found.description.size = size;
      describe(found.directory, found.description);
    }
    return {};
  });
}

DriverResult<> FileDriver::grow_head(const Call& call, const Place& at, const ObjectRef& object, Found& found, Bytes size) {
  const Layer head = found.description.head();
  FAILPOINT("driver.file.extend.before");
  if (head.format == "raw") {
    const os::Fd file = os::open_at(found.directory, head.file, O_RDWR);
    if (::ftruncate(file.get(), size.count) != 0) os::fail("extend", object.name);
    os::sync(file);
    return {};
  }
  const Location location = shape(call, at, object.name).location(head);
  const DriverResult<bool> resized = options_.live == nullptr ? DriverResult<bool>(false) : options_.live->resize(call, location, size);
  if (!resized) return failed(resized.error());
  if (*resized) return {};
  const DriverResult<std::string> done = qemu_img(clock_, call, {"resize", "-q", "-f", head.format, location.path, std::to_string(size.count)});
  if (!done) return failed(done.error());
  os::sync(os::open_at(found.directory, head.file, O_RDONLY));
  return {};
}

}  // namespace scoria::drivers::file
