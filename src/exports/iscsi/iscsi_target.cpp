#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/failpoint.h"
#include "exports/errors.h"
#include "exports/iscsi/iscsi_exporter.h"
#include "observe/log.h"
#include "os/files.h"

/// One target inside the running daemon.
namespace scoria::exports {
namespace {

using tgt::Mode;
using tgt::Op;

constexpr Duration answer_time = 5s;

bool contains(const std::vector<std::string>& list, const std::string& text) { return std::find(list.begin(), list.end(), text) != list.end(); }

std::string digits_of(const std::string& name) {
  std::string out;
  for (const char c : name)
    if (c != '-') out += c;
  return out.substr(0, 32);
}

}  // namespace

DriverResult<> IscsiExporter::command(const tgt::Request& request, std::uint32_t also, std::string_view doing, Deadline deadline) const {
  const DriverResult<tgt::Answer> answer = control_.ask(request, deadline.sooner(Deadline::in(clock_, answer_time)));
  if (!answer) return tl::unexpected(answer.error());
  if (answer->error == tgt::error::none || answer->error == also) return {};
  const bool active = answer->error == tgt::error::lun_active || answer->error == tgt::error::target_active;
  return failed(active ? FailureClass::busy : FailureClass::transient, "the iSCSI daemon cannot {}: error {}", doing, answer->error);
}

DriverResult<std::optional<TgtTarget>> IscsiExporter::shown(const std::string& name, Deadline deadline) const {
  const DriverResult<tgt::Answer> answer = control_.ask({.mode = Mode::target}, deadline.sooner(Deadline::in(clock_, answer_time)));
  if (!answer) return tl::unexpected(answer.error());
  std::map<std::string, TgtTarget> targets = tgt_targets_from(answer->text);
  const auto it = targets.find(iqn(name));
  if (it == targets.end()) return std::nullopt;
  return std::optional<TgtTarget>(std::move(it->second));
}

DriverResult<> IscsiExporter::set_state(std::int32_t tid, std::string_view state, Deadline deadline) {
  return command({.mode = Mode::target, .op = Op::update, .tid = tid, .parameters = fmt::format("state={}", state)}, tgt::error::none, "change a target's state", deadline);
}

/// The daemon listens at a portal's address too, once it serves something there.
DriverResult<> IscsiExporter::listen(const std::string& address, Deadline deadline) {
  const DriverResult<tgt::Answer> portals = control_.ask({.mode = Mode::portal}, deadline.sooner(Deadline::in(clock_, answer_time)));
  if (!portals) return tl::unexpected(portals.error());
  if (portals->text.find(portal(address) + ",") != std::string::npos) return {};
  return command({.mode = Mode::portal, .op = Op::make, .parameters = "portal=" + portal(address)}, tgt::error::none, "listen at " + portal(address), deadline);
}

DriverResult<> IscsiExporter::abandon(const Call& call, const std::set<std::string>& portals) {
  return guarded([&]() -> DriverResult<> {
    std::set<std::string> left;
    for (const std::string& file : state_.names("iscsi")) {
      if (!file.ends_with(".target")) continue;
      const std::string name = file.substr(0, file.size() - 7);
      const auto lock = state_.lock("iscsi/" + name, call.deadline);
      if (!lock) return failed(FailureClass::busy, "another thread or process changes export {}", name);
      const std::optional<IscsiTarget> target = load(name);
      if (!target || target->portal.empty() || portals.contains(target->portal)) continue;
      state_.remove("iscsi/" + file);
      left.insert(target->portal);
      if (!control_.daemon()) continue;
      const DriverResult<> dropped = drop_named(name, call.deadline.sooner(Deadline::in(clock_, 10s)));
      if (const std::optional<os::Process> daemon = dropped ? std::nullopt : control_.daemon()) {
        os::send_signal(*daemon, SIGKILL);
        os::wait_gone(clock_, *daemon, call.deadline);
      }
      log::warning("exports", {.resource = name}, "no longer served here: portal {} is another machine's", target->portal);
    }
    for (const std::string& address : left)
      if (control_.daemon())
        (void)command({.mode = Mode::portal, .op = Op::remove, .parameters = "portal=" + portal(address)}, tgt::error::none, "leave a portal", call.deadline);
    return {};
  });
}

DriverResult<> IscsiExporter::converge(const IscsiTarget& target, Deadline deadline) {
  if (!target.portal.empty() && !leash_.holds())
    return failed(FailureClass::transient, "this machine's lease has run out: volume {} may be another's by now", target.volume);
  if (!target.portal.empty())
    if (const auto listening = listen(target.portal, deadline); !listening) return listening;
  DriverResult<std::optional<TgtTarget>> now = shown(target.name, deadline);
  if (!now) return tl::unexpected(now.error());
  // The wrong file or mode: its initiators lose it before it changes.
  if (*now) {
    const auto it = (*now)->luns.find(volume_lun);
    const bool differs = it != (*now)->luns.end() && (it->second.path != target.path || it->second.read_only != target.read_only);
    if (differs || (*now)->tid != target.tid) {
      IscsiTarget old = target;
      old.tid = (*now)->tid;
      if (const auto dropped = drop_target(old, deadline); !dropped) return dropped;
      now->reset();
    }
  }
  if (!*now) {
    const tgt::Request make{.mode = Mode::target, .op = Op::make, .tid = target.tid, .parameters = "targetname=" + iqn(target.name)};
    if (const auto made = command(make, tgt::error::none, "make a target", deadline); !made) return made;
    // Initiators that ask for no pause either come back at once, wherever the portal is now (the longer pause of both counts, RFC 7143 13.15).
    const tgt::Request no_pause{.mode = Mode::target, .op = Op::update, .tid = target.tid, .parameters = "DefaultTime2Wait=0"};
    if (const auto set = command(no_pause, tgt::error::none, "spare initiators a pause", deadline); !set) return set;
    *now = TgtTarget{.tid = target.tid, .state = "ready"};
  }
  if (!(*now)->luns.contains(volume_lun))
    if (const auto made = make_lun(target, deadline); !made) return made;
  FAILPOINT("exports.iscsi.lun");
  if (const auto admitted = admit(target, **now, deadline); !admitted) return admitted;
  if ((*now)->state != "ready") return set_state(target.tid, "ready", deadline);
  return {};
}

/// Store type rdwr, not aio: tgtd's aio answers "done" to SYNCHRONIZE CACHE, UNMAP, WRITE AND VERIFY and COMPARE AND WRITE
/// without doing them, so flushed data could be lost with the host's power. rdwr does them, past the page cache too.
DriverResult<> IscsiExporter::make_lun(const IscsiTarget& target, Deadline deadline) {
  const tgt::Request make{.mode = Mode::device, .op = Op::make, .tid = target.tid, .lun = volume_lun,
                          .parameters = fmt::format("path={},bstype=rdwr{}", target.path, os::takes_direct_io(target.path) ? ",bsoflags=direct" : "")};
  if (::access(target.path.c_str(), F_OK) != 0) return failed(FailureClass::transient, "the file {} of volume {} is not there", target.path, target.volume);
  if (const auto made = command(make, tgt::error::lun_exists, "open " + target.path, deadline); !made) return made;
  const tgt::Request describe{.mode = Mode::device, .op = Op::update, .tid = target.tid, .lun = volume_lun,
                              .parameters = fmt::format("readonly={},thin_provisioning=1,vendor_id=Scoria,product_id=Volume,scsi_sn={}",
                                                        target.read_only ? 1 : 0, digits_of(target.name))};
  return command(describe, tgt::error::none, "describe a LUN", deadline);
}

/// Last of all: until then no initiator can log in. The initiator's name only, since an address would admit any name.
DriverResult<> IscsiExporter::admit(const IscsiTarget& target, const TgtTarget& now, Deadline deadline) {
  if (!contains(now.accounts, target.user)) {
    const tgt::Request forget{.mode = Mode::account, .op = Op::remove, .parameters = "user=" + target.user};
    const tgt::Request make{.mode = Mode::account, .op = Op::make, .parameters = fmt::format("user={},password={}", target.user, target.secret)};
    const tgt::Request bind{.mode = Mode::account, .op = Op::bind, .tid = target.tid, .parameters = "user=" + target.user};
    if (const auto done = command(forget, tgt::error::no_user, "forget an account", deadline); !done) return done;
    if (const auto done = command(make, tgt::error::none, "make an account", deadline); !done) return done;
    if (const auto done = command(bind, tgt::error::none, "bind an account", deadline); !done) return done;
  }
  for (const std::string& other : now.initiators) {
    if (other == target.initiator) continue;
    const tgt::Request unbind{.mode = Mode::target, .op = Op::unbind, .tid = target.tid, .parameters = "initiator-name=" + other};
    if (const auto done = command(unbind, tgt::error::none, "shut an initiator out", deadline); !done) return done;
    close_connections(target.tid, deadline);
  }
  if (contains(now.initiators, target.initiator)) return {};
  const tgt::Request bind{.mode = Mode::target, .op = Op::bind, .tid = target.tid, .parameters = "initiator-name=" + target.initiator};
  return command(bind, tgt::error::acl_exists, "admit an initiator", deadline);
}

void IscsiExporter::close_connections(std::int32_t tid, Deadline deadline) {
  const DriverResult<tgt::Answer> answer = control_.ask({.mode = Mode::connection, .tid = tid}, deadline.sooner(Deadline::in(clock_, answer_time)));
  if (!answer) return;
  for (const TgtConnection& item : tgt_connections_from(answer->text))
    (void)command({.mode = Mode::connection, .op = Op::remove, .tid = tid, .session = item.session, .connection = item.connection},
                  tgt::error::no_connection, "close a connection", deadline);
}

/// After success no request for the LUN is under way: the daemon refuses while one is, and waits for the kernel's.
DriverResult<> IscsiExporter::drop_lun(std::int32_t tid, Deadline deadline) {
  while (true) {
    const DriverResult<> gone = command({.mode = Mode::device, .op = Op::remove, .tid = tid, .lun = volume_lun}, tgt::error::no_lun, "take a LUN away", deadline);
    if (gone || gone.error().kind != FailureClass::busy || deadline.passed(clock_)) return gone;
    clock_.sleep(1ms);
  }
}

DriverResult<> IscsiExporter::drop_target(const IscsiTarget& target, Deadline deadline) {
  // Not ready: no login, no new command. Never by force: tgtd ends itself when a forced target still has sessions.
  const DriverResult<> offline = command({.mode = Mode::target, .op = Op::update, .tid = target.tid, .parameters = "state=offline"}, tgt::error::no_target,
                                         "shut a target", deadline);
  if (!offline) return offline;
  FAILPOINT("exports.iscsi.shut");
  close_connections(target.tid, deadline);
  const DriverResult<std::optional<TgtTarget>> now = shown(target.name, deadline);
  if (!now) return tl::unexpected(now.error());
  if (!*now) return {};
  if (const auto gone = drop_lun(target.tid, deadline); !gone) return gone;
  FAILPOINT("exports.iscsi.lun_gone");
  while (true) {
    const DriverResult<> gone = command({.mode = Mode::target, .op = Op::remove, .tid = target.tid}, tgt::error::no_target, "take a target away", deadline);
    if (!gone && gone.error().kind == FailureClass::busy && !deadline.passed(clock_)) {
      close_connections(target.tid, deadline);
      clock_.sleep(1ms);
      continue;
    }
    if (!gone) return gone;
    break;
  }
  if (target.user.empty()) return {};
  return command({.mode = Mode::account, .op = Op::remove, .parameters = "user=" + target.user}, tgt::error::no_user, "forget an account", deadline);
}

DriverResult<> IscsiExporter::drop_named(const std::string& name, Deadline deadline) {
  const DriverResult<std::optional<TgtTarget>> now = shown(name, deadline);
  if (!now) return tl::unexpected(now.error());
  if (!*now) return {};
  const std::string user = (*now)->accounts.empty() ? std::string() : (*now)->accounts.front();
  return drop_target({.name = name, .user = user, .tid = (*now)->tid}, deadline);
}

DriverResult<> IscsiExporter::remove(const Call& call, const std::string& name) {
  if (!plain_name(name)) return {};
  return guarded([&]() -> DriverResult<> {
    state_.mark_removed(name);
    FAILPOINT("exports.iscsi.doomed");
    const auto lock = state_.lock("iscsi/" + name, call.deadline);
    if (!lock) return failed(FailureClass::busy, "another thread or process changes export {}", name);
    // A daemon that has died took its requests with it: the kernel ends them before it lets the process go.
    if (const std::optional<os::Process> daemon = control_.daemon()) {
      const DriverResult<> dropped = drop_named(name, call.deadline.sooner(Deadline::in(clock_, 10s)));
      // One that does not obey is killed: the others' initiators log in again at its successor, which this name is not told.
      if (!dropped && call.deadline.passed(clock_)) return dropped;
      if (!dropped) os::send_signal(*daemon, SIGKILL);
      if (!dropped && !os::wait_gone(clock_, *daemon, call.deadline.sooner(Deadline::in(clock_, 10s))))
        return failed(FailureClass::unknown, "the iSCSI daemon cannot be ended: {}", dropped.error().message);
    }
    FAILPOINT("exports.iscsi.cut_off");
    state_.remove("iscsi/" + name + ".target");
    return {};
  });
}

DriverResult<bool> IscsiExporter::grow(const Call& call, const ExportSpec& spec) {
  return guarded([&]() -> DriverResult<bool> {
    const auto lock = state_.lock("iscsi/" + spec.name, call.deadline);
    if (!lock) return failed(FailureClass::busy, "another thread or process changes export {}", spec.name);
    const std::optional<IscsiTarget> target = load(spec.name);
    if (!target || state_.removed(spec.name)) return failed(FailureClass::permanent, "there is no iSCSI export {}", spec.name);
    const Deadline deadline = call.deadline.sooner(Deadline::in(clock_, 30s));
    if (const auto up = daemon_up(deadline); !up) return tl::unexpected(up.error());
    if (const auto shut = set_state(target->tid, "offline", deadline); !shut) return tl::unexpected(shut.error());
    // A target that is not ready drops commands without a word: who sent one must connect and send it again.
    close_connections(target->tid, deadline);
    const DriverResult<> gone = drop_lun(target->tid, deadline);
    FAILPOINT("exports.iscsi.growing");
    const DriverResult<> back = converge(*target, deadline);
    if (!gone) return tl::unexpected(gone.error());
    if (!back) return tl::unexpected(back.error());
    return false;
  });
}

DriverResult<> IscsiExporter::throttle(const Call&, const std::string&, const Throttle&) {
  return failed(FailureClass::permanent, "the iSCSI daemon has no limits; the hypervisor applies them (front-end qos_specs), or attach over nbd");
}

DriverResult<std::vector<std::string>> IscsiExporter::list(const Call&) {
  return guarded([&]() -> DriverResult<std::vector<std::string>> {
    std::vector<std::string> out;
    for (const std::string& file : state_.names("iscsi")) {
      if (!file.ends_with(".target")) continue;
      std::string name = file.substr(0, file.size() - 7);
      if (!state_.removed(name)) out.push_back(std::move(name));
    }
    return out;
  });
}

bool IscsiExporter::serves(std::uint64_t device, std::uint64_t inode) const {
  for (const std::string& file : state_.names("iscsi")) {
    const std::optional<IscsiTarget> target = file.ends_with(".target") ? load(file.substr(0, file.size() - 7)) : std::nullopt;
    struct stat status {};
    if (target && ::stat(target->path.c_str(), &status) == 0 && status.st_dev == device && status.st_ino == inode) return true;
  }
  return false;
}

}  // namespace scoria::exports
