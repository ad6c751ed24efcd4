#include "exports/iscsi/iscsi_exporter.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "base/failpoint.h"
#include "base/text.h"
#include "exports/errors.h"
#include "exports/strays.h"
#include "json/parse.h"
#include "json/writer.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "os/files.h"

namespace scoria::exports {
namespace {

using tgt::Mode;
using tgt::Op;

constexpr std::int64_t version = 1;
constexpr Duration tgtd_answer_time = 5s;
constexpr Duration tgtd_start_time = 60s;  // alive and not ready: the machine is busy
constexpr Duration soon = 200ms;
constexpr off_t log_limit = mib;

const metrics::Counters deaths{"scoria_export_target_deaths_total", "iSCSI daemons that ended while they served targets."};
constexpr std::string_view daemon_key = "iscsi";

std::string lock_key(const std::string& name) { return "iscsi/" + name; }
std::string record_path(const std::string& name) { return "iscsi/" + name + ".target"; }

/// The daemon's commands are lists of name=value: what goes into them must not contain their separators.
bool plain_value(std::string_view text) { return !text.empty() && text.find_first_of(", \t\r\n") == std::string_view::npos; }

DriverResult<> valid(const ExportSpec& spec) {
  if (!plain_name(spec.name)) return failed(FailureClass::permanent, "'{}' cannot name an export", spec.name);
  if (spec.location.protocol != "file") return failed(FailureClass::permanent, "iSCSI serves files, not {}", spec.location.protocol);
  if (spec.location.format != "raw")
    return failed(FailureClass::permanent, "volume {} is kept as {}, which the iSCSI daemon cannot serve: attach it over nbd, or flatten it to raw first",
                  spec.volume_id, spec.location.format);
  if (!plain_value(spec.location.path)) return failed(FailureClass::permanent, "the iSCSI daemon cannot be told of the path '{}'", spec.location.path);
  if (!plain_value(spec.connector.initiator)) return failed(FailureClass::permanent, "an iSCSI export needs the initiator's name");
  if (!plain_value(spec.chap_user) || !plain_value(spec.chap_secret)) return failed(FailureClass::permanent, "an iSCSI export needs a CHAP user and secret");
  return {};
}

tl::unexpected<DriverError> locked(const std::string& name) {
  return failed(FailureClass::busy, "another thread or process changes export {}", name);
}

}  // namespace

std::string to_text(const IscsiTarget& target) {
  json::Writer out;
  out.begin_object().field("version", version).field("name", target.name).field("volume", target.volume).field("path", target.path);
  out.field("read_only", target.read_only).field("initiator", target.initiator).field("user", target.user).field("secret", target.secret);
  out.field("tid", static_cast<int>(target.tid)).field("portal", target.portal).end_object();
  return out.take();
}

std::optional<IscsiTarget> iscsi_target_from(std::string_view text) {
  const Result<json::Value> value = json::parse(text);
  if (!value || value->integer_or("version") != version) return std::nullopt;
  return IscsiTarget{.name = value->text_or("name"), .volume = value->text_or("volume"), .path = value->text_or("path"),
                     .read_only = value->flag_or("read_only"), .initiator = value->text_or("initiator"), .user = value->text_or("user"),
                     .secret = value->text_or("secret"), .tid = static_cast<std::int32_t>(value->integer_or("tid")),
                     .portal = value->text_or("portal")};
}

IscsiExporter::IscsiExporter(Clock& clock, const Options& options, State& state, Supervisor& supervisor, const Leash& leash)
    : clock_(clock), options_(options), state_(state), supervisor_(supervisor), leash_(leash), control_(clock, state.path("iscsi/control.1")) {
  supervisor_.on_tick([this] { look(); });
}

DriverResult<> IscsiExporter::check(const Call&) {
  if (os::find_program("tgtd")) return {};
  return failed(FailureClass::permanent, "tgtd is not there (package tgt)");
}

std::optional<IscsiTarget> IscsiExporter::load(const std::string& name) const {
  const std::optional<std::string> text = state_.read(record_path(name));
  if (!text) return std::nullopt;
  std::optional<IscsiTarget> target = iscsi_target_from(*text);
  if (!target) os::fail(EBADMSG, "understand", state_.path(record_path(name)));
  return target;
}

void IscsiExporter::store(const IscsiTarget& target) const { state_.write(record_path(target.name), to_text(target)); }

std::string IscsiExporter::portal(const std::string& moving) const {
  const std::string address = moving.empty() ? portal_address() : moving;
  return fmt::format("{}:{}", address.find(':') == std::string::npos ? address : "[" + address + "]", options_.iscsi_port);
}

DriverResult<Connection> IscsiExporter::ensure(const Call& call, const ExportSpec& spec) {
  if (const auto good = valid(spec); !good) return tl::unexpected(good.error());
  return guarded([&]() -> DriverResult<Connection> {
    const auto lock = state_.lock(lock_key(spec.name), call.deadline);
    if (!lock) return locked(spec.name);
    if (state_.removed(spec.name)) return failed(FailureClass::permanent, "export {} was removed; its name is not used again", spec.name);
    state_.make_directory("iscsi");
    std::optional<IscsiTarget> target = load(spec.name);
    if (!target) {
      const auto all = state_.lock(daemon_key, call.deadline);
      if (!all) return locked(spec.name);
      const DriverResult<std::int32_t> tid = free_tid(spec.name);
      if (!tid) return tl::unexpected(tid.error());
      target = IscsiTarget{.name = spec.name, .tid = *tid};
      store(*target);
    }
    target->volume = spec.volume_id;
    target->path = spec.location.path;
    target->read_only = spec.read_only;
    target->initiator = spec.connector.initiator;
    target->user = spec.chap_user;
    target->secret = spec.chap_secret;
    target->portal = spec.portal;
    store(*target);
    FAILPOINT("exports.iscsi.recorded");
    if (const auto up = daemon_up(call.deadline); !up) return tl::unexpected(up.error());
    if (const auto made = converge(*target, call.deadline); !made) return tl::unexpected(made.error());
    FAILPOINT("exports.iscsi.served");
    return connection(*target);
  });
}

/// Part of the device's identity on the wire, so it should differ from node to node: taken from the export's name.
DriverResult<std::int32_t> IscsiExporter::free_tid(const std::string& name) const {
  constexpr std::uint64_t count = (1U << 27) - 1;
  std::set<std::uint64_t> taken;
  for (const std::string& file : state_.names("iscsi"))
    if (file.ends_with(".target"))
      if (const std::optional<IscsiTarget> other = load(file.substr(0, file.size() - 7))) taken.insert(static_cast<std::uint64_t>(other->tid));
  std::uint64_t tid = stable_hash(name) % count + 1;
  while (taken.contains(tid)) tid = tid % count + 1;
  return static_cast<std::int32_t>(tid);
}

Connection IscsiExporter::connection(const IscsiTarget& target) const {
  Connection out{.type = "iscsi"};
  out.text = {{"target_iqn", iqn(target.name)}, {"target_portal", portal(target.portal)}, {"volume_id", target.volume},
              {"auth_method", "CHAP"}, {"auth_username", target.user}, {"auth_password", target.secret}};
  out.numbers = {{"target_lun", static_cast<std::int64_t>(volume_lun)}};
  out.flags = {{"target_discovered", false}, {"discard", true}, {"read_only", target.read_only}, {"qos_applied", false}};
  return out;
}

// The daemon.

DriverResult<> IscsiExporter::daemon_up(Deadline deadline) {
  if (const std::optional<os::Process> process = control_.daemon()) {
    if (!supervisor_.watches(std::string(daemon_key))) watch(*process);
    return {};
  }
  const auto lock = state_.lock(daemon_key, deadline);
  if (!lock) return locked("iscsi");
  if (control_.daemon()) return {};
  return start_daemon(deadline);
}

void IscsiExporter::end_lost() {
  if (control_.daemon()) return;
  for (const os::Process& process : processes_with("tgtd", "TGT_IPC_SOCKET=" + state_.path("iscsi/control"))) {
    log::warning("exports", {}, "ending iSCSI daemon {}, which lost its control socket", process.pid);
    os::send_signal(process, SIGKILL);
    os::wait_gone(clock_, process, Deadline::in(clock_, tgtd_answer_time));
  }
}

DriverResult<> IscsiExporter::start_daemon(Deadline deadline) {
  if (const auto there = check({}); !there) return there;
  end_lost();
  const std::string log = state_.path("iscsi/log");
  ::unlink(log.c_str());
  ::unlink(state_.path("iscsi/control.1").c_str());
  const os::Process process = os::start_daemon({.arguments = {"tgtd", "-f", "-C", "1", "--iscsi", "portal=" + portal({})},
                                                .environment = {"TGT_IPC_SOCKET=" + state_.path("iscsi/control")}}, log);
  FAILPOINT("exports.iscsi.started");
  if (const auto ready = wait_ready(process, deadline); !ready) {
    os::send_signal(process, SIGKILL);
    return ready;
  }
  log::info("exports", {}, "iSCSI daemon {} listens at {}", process.pid, portal({}));
  watch(process);
  supervisor_.react([this] { rebuild(); });
  return {};
}

DriverResult<> IscsiExporter::wait_ready(const os::Process& process, Deadline deadline) {
  const Deadline patience = deadline.sooner(Deadline::in(clock_, tgtd_start_time));
  while (!control_.daemon()) {
    if (!os::alive(process)) return failed(FailureClass::transient, "the iSCSI daemon ended at once: {}", trimmed(state_.read("iscsi/log").value_or("")));
    if (patience.passed(clock_)) return failed(FailureClass::transient, "the iSCSI daemon does not get ready");
    clock_.sleep(1ms);
  }
  const DriverResult<tgt::Answer> portals = control_.ask({.mode = Mode::portal}, patience);
  if (!portals) return tl::unexpected(portals.error());
  if (portals->text.find(fmt::format(":{},", options_.iscsi_port)) == std::string::npos)
    return failed(FailureClass::transient, "the iSCSI daemon cannot listen at {}: is another program there?", portal({}));
  return {};
}

void IscsiExporter::watch(const os::Process& process) {
  supervisor_.watch(std::string(daemon_key), process, [this, since = clock_.now()] {
    deaths.with().add();
    // One that ends as soon as it is started is left to the next look.
    if (clock_.now() - since > soon) rebuild();
  });
}

/// One target is what its record says, in a daemon that is started if need be.
DriverResult<> IscsiExporter::serve(const std::string& name, Deadline deadline) {
  return guarded([&]() -> DriverResult<> {
    const auto lock = state_.lock(lock_key(name), Deadline::in(clock_, 1s));
    if (!lock) return locked(name);
    const std::optional<IscsiTarget> target = load(name);
    if (!target || target->path.empty() || state_.removed(name)) return {};
    // Made again by whoever renews the lease.
    if (!target->portal.empty() && !leash_.holds()) return {};
    if (const auto up = daemon_up(deadline); !up) return up;
    return converge(*target, deadline);
  });
}

/// Tells a daemon that has just been started of all targets, and later only of those that it could not be told of: each is a
/// question about all targets, and one that cannot be served must not keep the daemon from the others.
void IscsiExporter::rebuild() {
  const Deadline deadline = Deadline::in(clock_, 20s);
  std::optional<os::Process> told_daemon = control_.daemon();
  bool same = true;
  std::set<std::string> wanted;
  {
    const std::lock_guard guard(mutex_);
    wanted = std::exchange(unserved_, {});
  }
  if (!told_daemon || told_daemon->started != rebuilt_for_.load())
    for (const std::string& file : state_.names("iscsi"))
      if (file.ends_with(".target")) wanted.insert(file.substr(0, file.size() - 7));
  for (const std::string& name : wanted) {
    const DriverResult<> told = serve(name, deadline);
    const std::optional<os::Process> now = control_.daemon();
    same = same && (!told_daemon || now == told_daemon);
    if (!told_daemon) told_daemon = now;
    if (told) continue;
    {
      const std::lock_guard guard(mutex_);
      unserved_.insert(name);
    }
    if (complaints_.due(name, told.error().message))
      log::warning("exports", {.resource = name}, "the iSCSI target is not served yet, it is tried every second: {}", told.error().message);
  }
  // One that was started meanwhile has been told of some only.
  if (told_daemon && same) rebuilt_for_.store(told_daemon->started);
}

void IscsiExporter::look() {
  const std::vector<std::string> files = state_.names("iscsi");
  if (std::none_of(files.begin(), files.end(), [](const std::string& file) { return file.ends_with(".target"); })) return;
  const std::optional<os::Process> process = control_.daemon();
  if (process && !supervisor_.watches(std::string(daemon_key))) watch(*process);
  bool left = false;
  {
    const std::lock_guard guard(mutex_);
    left = !unserved_.empty();
  }
  if (left || !process || process->started != rebuilt_for_.load()) rebuild();
  struct stat status {};
  const std::string log = state_.path("iscsi/log");
  if (::stat(log.c_str(), &status) == 0 && status.st_size > log_limit && ::truncate(log.c_str(), 0) != 0) os::fail("shorten", log);
}

}  // namespace scoria::exports
