#include "exports/nbd/nbd_exporter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/failpoint.h"
#include "exports/nbd/graph.h"
#include "exports/nbd/listener.h"
#include "exports/errors.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace scoria::exports {
namespace {

/// Names the volume's lock, folder and watch.
std::string key_of(const std::string& volume) { return StorageDaemons::folder(volume); }

constexpr Duration soon = 200ms;

const metrics::Counters deaths{"scoria_export_daemon_deaths_total", "Storage daemons that ended while they served exports."};

DriverResult<> valid(const ExportSpec& spec) {
  if (!plain_name(spec.name) || !plain_name(spec.volume_id)) return failed(FailureClass::permanent, "'{}' cannot name an export", spec.name);
  if (spec.location.protocol != "file") return failed(FailureClass::permanent, "NBD serves files, not {}", spec.location.protocol);
  if (spec.location.format != "raw" && spec.location.format != "qcow2")
    return failed(FailureClass::permanent, "NBD serves raw and qcow2, not {}", spec.location.format);
  return {};
}

DriverResult<> valid(const Throttle& limits) {
  const auto mixed = [](std::int64_t total, std::int64_t read, std::int64_t write) { return total != 0 && (read != 0 || write != 0); };
  if (mixed(limits.total_iops, limits.read_iops, limits.write_iops) || mixed(limits.total_bytes, limits.read_bytes, limits.write_bytes))
    return failed(FailureClass::permanent, "a limit is either total or for reads and writes, not both");
  return {};
}

std::string percent_encoded(const std::string& path) {
  std::string out;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("/._-~").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

tl::unexpected<DriverError> locked(const std::string& volume) {
  return failed(FailureClass::busy, "another thread or process changes the exports of volume {}", volume);
}

}  // namespace

NbdExporter::NbdExporter(Clock& clock, const Options& options, State& state, Supervisor& supervisor, const Leash& leash)
    : clock_(clock), options_(options), state_(state), supervisor_(supervisor), leash_(leash), daemons_(clock, options, state) {
  supervisor_.on_tick([this] { look(); });
}

DriverResult<> NbdExporter::check(const Call&) {
  return guarded([&] { return daemons_.check(); });
}

std::optional<NbdVolume> NbdExporter::record_in(const std::string& folder) const {
  const std::optional<std::string> text = state_.read(folder + "/record");
  if (!text) return std::nullopt;
  std::optional<NbdVolume> record = nbd_volume_from(*text);
  // Of a later version, perhaps. To go on without it would be to forget an open door.
  if (!record) os::fail(EBADMSG, "understand", state_.path(folder + "/record"));
  return record;
}

std::optional<NbdVolume> NbdExporter::load(const std::string& volume) const {
  std::optional<NbdVolume> record = record_in(StorageDaemons::folder(volume));
  // A removed export is not served again, even if its remover died before it changed the record.
  if (record) std::erase_if(record->exports, [&](const NbdExport& item) { return state_.removed(item.name); });
  return record;
}

void NbdExporter::store(const NbdVolume& volume) const { state_.write(key_of(volume.volume) + "/record", to_text(volume)); }

std::vector<NbdVolume> NbdExporter::records() const {
  std::vector<NbdVolume> out;
  for (const std::string& folder : state_.names("nbd"))
    if (std::optional<NbdVolume> record = record_in("nbd/" + folder)) out.push_back(std::move(*record));
  return out;
}

std::optional<std::string> NbdExporter::volume_of(const std::string& name) const {
  std::string hint;
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = volume_by_name_.find(name); it != volume_by_name_.end()) hint = it->second;
  }
  const std::optional<NbdVolume> hinted = hint.empty() ? std::nullopt : record_in(StorageDaemons::folder(hint));
  if (hinted && hinted->find(name) != nullptr) return hint;
  for (const NbdVolume& record : records())
    if (record.find(name) != nullptr) return record.volume;
  return std::nullopt;
}

/// A daemon keeps new parts of a qcow2 map in memory until a flush: acknowledged writes would be lost with it, and a client
/// that reconnects would never know (measured: 98 of 100).
bool NbdExporter::must_write_through(const drivers::Location& location) { return location.write_through || location.format != "raw"; }

DriverResult<NbdVolume> NbdExporter::merged(const ExportSpec& spec, std::optional<NbdVolume> known) const {
  const bool tcp = spec.connector.transport != "nbd+unix";
  const std::string birth = fmt::format("{}.{}", ::getpid(), clock_.now().since_boot.count());
  NbdVolume volume{.volume = spec.volume_id, .birth = birth, .location = spec.location, .portal = spec.portal, .tcp = tcp};
  if (known) volume = std::move(*known);
  if (volume.tcp != tcp)
    return failed(FailureClass::permanent, "volume {} is already attached here over {}; ask for that transport", spec.volume_id, volume.tcp ? "nbd" : "nbd+unix");
  NbdExport* item = volume.find(spec.name);
  if (item == nullptr) item = &volume.exports.emplace_back(NbdExport{.slot = volume.next_slot++, .name = spec.name, .read_only = spec.read_only,
                                                                     .write_through = must_write_through(spec.location)});
  // Another mode is another export: it gets a new slot, so converge() drops the old one.
  const bool write_through = item->write_through || must_write_through(spec.location);
  if (item->read_only != spec.read_only || item->write_through != write_through) item->slot = volume.next_slot++;
  item->read_only = spec.read_only;
  item->write_through = write_through;
  item->throttle = spec.throttle;
  return volume;
}

DriverResult<Connection> NbdExporter::ensure(const Call& call, const ExportSpec& spec) {
  if (const auto good = valid(spec); !good) return tl::unexpected(good.error());
  if (const auto good = valid(spec.throttle); !good) return tl::unexpected(good.error());
  return guarded([&]() -> DriverResult<Connection> {
    const auto lock = state_.lock(key_of(spec.volume_id), call.deadline);
    if (!lock) return locked(spec.volume_id);
    if (state_.removed(spec.name)) return failed(FailureClass::permanent, "export {} was removed; its name is not used again", spec.name);
    std::optional<NbdVolume> known = load(spec.volume_id);
    // A removal that died between shutting the door and putting the last client out is finished here; so is a move elsewhere and back.
    if (known && (known->exports.empty() || known->portal != spec.portal))
      if (const auto cleared = clear(known, call.deadline); !cleared) return tl::unexpected(cleared.error());
    DriverResult<NbdVolume> volume = merged(spec, std::move(known));
    if (!volume) return tl::unexpected(volume.error());
    state_.make_directory("nbd");
    state_.make_directory(StorageDaemons::folder(spec.volume_id));
    if (const auto chosen = choose_port(*volume, spec.port); !chosen) return tl::unexpected(chosen.error());
    store(*volume);
    FAILPOINT("exports.nbd.recorded");
    {
      const std::lock_guard guard(mutex_);
      volume_by_name_[spec.name] = spec.volume_id;
    }
    if (const auto served = serve_at(*volume, spec.location, call.deadline); !served) return tl::unexpected(served.error());
    FAILPOINT("exports.nbd.served");
    return connection(*volume, *volume->find(spec.name));
  });
}

DriverResult<> NbdExporter::clear(std::optional<NbdVolume>& known, Deadline deadline) {
  supervisor_.forget(key_of(known->volume));
  if (const auto ended = daemons_.end(*known, deadline); !ended) return ended;
  if (const auto quiet = daemons_.wait_quiet(*known, deadline); !quiet) return quiet;
  drop_volume(known->volume);
  known.reset();
  return {};
}

DriverResult<> NbdExporter::serve(NbdVolume& volume, Deadline deadline) {
  DriverResult<std::optional<Qmp>> qmp = daemons_.connect(volume.volume, deadline);
  if (!qmp) return tl::unexpected(qmp.error());
  if (!*qmp) return launch(volume, deadline);
  if (const auto taken = take_over(volume, **qmp); !taken) return taken;
  if (!volume.next.path.empty()) return switch_to_overlay(volume, **qmp, deadline);
  return daemons_.converge(**qmp, volume, deadline);
}

void NbdExporter::keep(const NbdVolume& volume, os::Fd listener) {
  const std::lock_guard lock(mutex_);
  listeners_.insert_or_assign(volume.volume, Listener{volume.birth, std::move(listener)});
}

std::optional<os::Fd> NbdExporter::kept(const NbdVolume& volume) const {
  const std::lock_guard lock(mutex_);
  const auto it = listeners_.find(volume.volume);
  if (it == listeners_.end() || it->second.birth != volume.birth || !has_name(it->second.socket)) return std::nullopt;
  return os::Fd(::fcntl(it->second.socket.get(), F_DUPFD_CLOEXEC, 3));
}

DriverResult<> NbdExporter::take_over(const NbdVolume& volume, Qmp& qmp) {
  const std::optional<os::Process> process = qmp.daemon();
  if (!process) return failed(FailureClass::transient, "the storage daemon of volume {} has just ended", volume.volume);
  if (!kept(volume))
    if (std::optional<os::Fd> listener = listener_of(process->pid, StorageDaemons::listener_number)) keep(volume, std::move(*listener));
  if (supervisor_.watches(key_of(volume.volume))) return {};
  watch(volume.volume, *process);
  return {};
}

DriverResult<> NbdExporter::choose_port(NbdVolume& volume, int before) {
  if (!volume.tcp || volume.port != 0) return {};
  const std::string& address = volume.portal.empty() ? options_.nbd_listen_address : volume.portal;
  if (before != 0) {
    volume.address = address;
    volume.port = before;
    return {};
  }
  // The first choice depends on the volume alone, so that a lost state directory changes no port if it can be helped.
  const int count = options_.nbd_last_port - options_.nbd_first_port + 1;
  const int first = static_cast<int>(stable_hash(volume.volume) % static_cast<std::uint64_t>(count));
  for (int i = 0; i < count; ++i) {
    const int port = options_.nbd_first_port + (first + i) % count;
    std::optional<os::Fd> listener = listen_tcp(address, port);
    if (!listener && i == 0) {
      // Perhaps it is the volume's own daemon of before the state directory was lost.
      daemons_.end_strays(key_of(volume.volume), Deadline::in(clock_, 5s));
      listener = listen_tcp(address, port);
    }
    if (!listener) continue;
    volume.address = address;
    volume.port = port;
    keep(volume, std::move(*listener));
    return {};
  }
  return failed(FailureClass::transient, "no free NBD port between {} and {}", options_.nbd_first_port, options_.nbd_last_port);
}

DriverResult<> NbdExporter::launch(NbdVolume& volume, Deadline deadline) {
  if (!volume.portal.empty() && !leash_.holds())
    return failed(FailureClass::transient, "this machine's lease has run out: volume {} may be another's by now", volume.volume);
  if (!volume.next.path.empty()) {
    volume.location = volume.next;
    volume.next = {};
    for (NbdExport& item : volume.exports) item.write_through = true;
    store(volume);
  }
  std::optional<os::Fd> listener = kept(volume);
  if (!listener) {
    if (volume.tcp) listener = listen_tcp(volume.address, volume.port);
    else listener = listen_unix(daemons_.socket_path(volume.volume), options_.nbd_socket_mode);
    if (!listener) return failed(FailureClass::transient, "port {} of volume {} is taken by another program", volume.port, volume.volume);
    keep(volume, os::Fd(::fcntl(listener->get(), F_DUPFD_CLOEXEC, 3)));
  }
  const DriverResult<os::Process> process = daemons_.start(volume, *listener, deadline);
  if (!process) return tl::unexpected(process.error());
  log::info("exports", {.resource = volume.volume}, "storage daemon {} serves {} ({} exports)", process->pid, volume.location.path, volume.exports.size());
  watch(volume.volume, *process);
  return {};
}

void NbdExporter::watch(const std::string& volume, const os::Process& process) {
  supervisor_.watch(key_of(volume), process, [this, folder = key_of(volume), since = clock_.now()] {
    deaths.with().add();
    // One that ends as soon as it is started is left to the next look: restarts must not eat the machine.
    if (clock_.now() - since > soon) revive(folder, 5s);
  });
}

void NbdExporter::revive(const std::string& folder, Duration patience) {
  const DriverResult<> done = guarded([&]() -> DriverResult<> {
    const std::optional<NbdVolume> seen = record_in(folder);
    if (!seen) return {};
    const auto lock = state_.lock(folder, Deadline::in(clock_, patience));
    if (!lock) return {};  // whoever changes it serves it
    std::optional<NbdVolume> record = load(seen->volume);
    if (!record || record->exports.empty()) return {};
    return serve(*record, Deadline::in(clock_, 30s));
  });
  if (!done && complaints_.due(folder, done.error().message))
    log::warning("exports", {}, "the storage daemon of {} is not back yet, it is tried every second: {}", folder, done.error().message);
}

void NbdExporter::look() {
  for (const std::string& name : state_.names("nbd"))
    if (const std::string folder = "nbd/" + name; !supervisor_.watches(folder)) revive(folder, Duration::zero());
  const std::lock_guard lock(mutex_);
  // The folder is made before its socket, so a socket without folder is one that another process has removed; one without a name
  // it has replaced. Clients that wait there are to come again.
  std::erase_if(listeners_, [&](const auto& entry) { return !state_.exists(key_of(entry.first)) || !has_name(entry.second.socket); });
}

DriverResult<> NbdExporter::remove(const Call& call, const std::string& name) {
  if (!plain_name(name)) return {};
  return guarded([&]() -> DriverResult<> {
    // First the door is shut for late comers, then those inside are put out.
    state_.mark_removed(name);
    FAILPOINT("exports.nbd.doomed");
    const std::optional<std::string> id = volume_of(name);
    if (!id) return {};
    const auto lock = state_.lock(key_of(*id), call.deadline);
    if (!lock) return locked(*id);
    std::optional<NbdVolume> volume = record_in(key_of(*id));
    const NbdExport* item = volume ? volume->find(name) : nullptr;
    if (item == nullptr) return {};
    if (const auto cut = cut_off(*volume, *item, call.deadline.sooner(Deadline::in(clock_, 30s))); !cut) return cut;
    FAILPOINT("exports.nbd.cut_off");
    std::erase_if(volume->exports, [&](const NbdExport& other) { return other.name == name; });
    if (volume->exports.empty()) drop_volume(*id);
    else store(*volume);
    const std::lock_guard guard(mutex_);
    volume_by_name_.erase(name);
    return {};
  });
}

DriverResult<> NbdExporter::abandon(const Call& call, const std::set<std::string>& portals) {
  return guarded([&]() -> DriverResult<> {
    for (const NbdVolume& seen : records()) {
      if (seen.portal.empty() || portals.contains(seen.portal)) continue;
      const auto lock = state_.lock(key_of(seen.volume), call.deadline);
      if (!lock) return locked(seen.volume);
      std::optional<NbdVolume> record = record_in(key_of(seen.volume));
      if (!record || record->portal.empty() || portals.contains(record->portal)) continue;
      supervisor_.forget(key_of(seen.volume));
      if (const auto ended = daemons_.end(*record, call.deadline); !ended) return ended;
      // The image's lock may be the other machine's by now; if a request of ours holds it, that one waits.
      drop_volume(seen.volume);
      log::warning("exports", {.resource = seen.volume}, "no longer served here: portal {} is another machine's", seen.portal);
    }
    return {};
  });
}

DriverResult<> NbdExporter::cut_off(NbdVolume& volume, const NbdExport& item, Deadline deadline) {
  const Deadline patience = deadline.sooner(Deadline::in(clock_, 5s));
  DriverResult<std::optional<Qmp>> qmp = daemons_.connect(volume.volume, patience);
  DriverResult<> dropped;
  if (qmp && *qmp) dropped = daemons_.drop(**qmp, graph::export_id(item), patience);
  const bool last = volume.exports.size() == 1;
  if (qmp && *qmp && dropped && !last) return {};
  if (qmp) qmp->reset();  // a daemon talks to one at a time
  // The last one goes with its daemon; one that does not obey is killed, the others' clients reconnect to its successor.
  if (last) supervisor_.forget(key_of(volume.volume));
  if (const auto ended = daemons_.end(volume, deadline); !ended) return ended;
  return daemons_.wait_quiet(volume, deadline);
}

void NbdExporter::drop_volume(const std::string& volume) {
  supervisor_.forget(key_of(volume));
  {
    const std::lock_guard lock(mutex_);
    listeners_.erase(volume);
  }
  state_.remove(StorageDaemons::folder(volume));
}

DriverResult<> NbdExporter::throttle(const Call& call, const std::string& name, const Throttle& limits) {
  if (const auto good = valid(limits); !good) return good;
  return guarded([&]() -> DriverResult<> {
    const std::optional<std::string> id = volume_of(name);
    if (!id) return failed(FailureClass::permanent, "there is no export {}", name);
    const auto lock = state_.lock(key_of(*id), call.deadline);
    if (!lock) return locked(*id);
    std::optional<NbdVolume> volume = load(*id);
    NbdExport* item = volume ? volume->find(name) : nullptr;
    if (item == nullptr) return failed(FailureClass::permanent, "there is no export {}", name);
    item->throttle = limits;
    store(*volume);
    return serve(*volume, call.deadline);
  });
}

DriverResult<std::vector<std::string>> NbdExporter::list(const Call&) {
  return guarded([&]() -> DriverResult<std::vector<std::string>> {
    std::vector<std::string> out;
    for (const NbdVolume& record : records())
      for (const NbdExport& item : record.exports)
        if (!state_.removed(item.name)) out.push_back(item.name);
    std::sort(out.begin(), out.end());
    return out;
  });
}

Connection NbdExporter::connection(const NbdVolume& volume, const NbdExport& item) const {
  Connection out{.type = "nbd"};
  out.text = {{"volume_id", volume.volume}, {"export", item.name}};
  if (volume.tcp) {
    const bool tls = !options_.nbd_tls_directory.empty();
    const std::string& address = volume.portal.empty() ? options_.my_ip : volume.portal;
    const std::string host = address.find(':') == std::string::npos ? address : "[" + address + "]";
    out.text.emplace_back("uri", fmt::format("{}://{}:{}/{}", tls ? "nbds" : "nbd", host, volume.port, item.name));
    out.text.emplace_back("host", address);
    out.numbers.emplace_back("port", volume.port);
    out.flags.emplace_back("tls", tls);
  } else {
    const std::string socket = daemons_.socket_path(volume.volume);
    out.text.emplace_back("uri", fmt::format("nbd+unix:///{}?socket={}", item.name, percent_encoded(socket)));
    out.text.emplace_back("socket", socket);
  }
  out.flags.emplace_back("read_only", item.read_only);
  out.flags.emplace_back("qos_applied", true);
  return out;
}

}  // namespace scoria::exports
