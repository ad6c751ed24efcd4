#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "drivers/live.h"
#include "exports/complaints.h"
#include "exports/exporter.h"
#include "exports/leash.h"
#include "exports/nbd/daemon.h"
#include "exports/options.h"
#include "exports/state.h"
#include "exports/supervisor.h"

namespace scoria::exports {

/// Network block devices by qemu-storage-daemon: one daemon per attached volume, one named export per attachment, raw
/// and qcow2, over a unix socket or TCP (plain or TLS). All attachments of a volume on one node share the transport: a
/// daemon listens at one address. Daemons outlive Scoria; killed ones are started again with the same sockets.
class NbdExporter final : public Exporter {
 public:
  NbdExporter(Clock& clock, const Options& options, State& state, Supervisor& supervisor, const Leash& leash);

  std::string protocol() const override { return "nbd"; }
  DriverResult<> check(const Call& call) override;
  DriverResult<Connection> ensure(const Call& call, const ExportSpec& spec) override;
  DriverResult<> remove(const Call& call, const std::string& name) override;
  /// Always false: the export is made again at the new size, which cuts its clients off; those that reconnect by
  /// themselves go on.
  DriverResult<bool> grow(const Call& call, const ExportSpec& spec) override;
  DriverResult<> throttle(const Call& call, const std::string& name, const Throttle& limits) override;
  DriverResult<std::vector<std::string>> list(const Call& call) override;

  /// As LiveUse has them. `movable` is asked with the path of the file that is about to become a base: others than the
  /// storage daemon may be writing to it.
  using Movable = std::function<DriverResult<>(const std::string& path)>;
  DriverResult<bool> redirect(const Call& call, const drivers::Location& from, const drivers::Location& to, const Movable& movable);
  bool serves(const drivers::Location& at) const;
  DriverResult<> rebase(const Call& call, const drivers::Location& at, const drivers::Location& base);
  DriverResult<bool> resize(const Call& call, const drivers::Location& at, Bytes size);

  /// Ends what this machine serves at other portals than these, cutting clients off: others serve it. Names stay usable.
  DriverResult<> abandon(const Call& call, const std::set<std::string>& portals);

  /// Takes over or restarts what the records of this node name. Called by the supervisor each second and at start.
  void look();
  /// Before anything else: daemons that nobody could command any more are ended.
  void end_lost() { daemons_.end_lost(); }

 private:
  struct Listener {
    std::string birth;
    os::Fd socket;
  };

  /// What the record in that folder says. Throws when it cannot be understood.
  std::optional<NbdVolume> record_in(const std::string& folder) const;
  /// The same for a volume, without exports that are being removed.
  std::optional<NbdVolume> load(const std::string& volume) const;
  /// All records, with exports that are being removed.
  std::vector<NbdVolume> records() const;
  void store(const NbdVolume& volume) const;
  /// The volume that has an export of that name.
  std::optional<std::string> volume_of(const std::string& name) const;
  /// The volume that is served from that file.
  std::optional<std::string> volume_at(const std::string& path) const;
  DriverResult<NbdVolume> merged(const ExportSpec& spec, std::optional<NbdVolume> known) const;

  // All below: the volume's lock is held.
  DriverResult<> serve(NbdVolume& volume, Deadline deadline);
  DriverResult<> serve_at(NbdVolume& volume, const drivers::Location& place, Deadline deadline);
  DriverResult<> launch(NbdVolume& volume, Deadline deadline);
  DriverResult<> take_over(const NbdVolume& volume, Qmp& qmp);
  /// `before`: the port that clients know from another machine; 0: none.
  DriverResult<> choose_port(NbdVolume& volume, int before);
  /// Ends a record that nobody can use any more, with its daemon.
  DriverResult<> clear(std::optional<NbdVolume>& known, Deadline deadline);
  // Moving, in nbd_live.cpp.
  DriverResult<> settle(NbdVolume& volume, const drivers::Location& place, Qmp& qmp, Deadline deadline);
  DriverResult<> open_overlay(const NbdVolume& volume, const drivers::Location& to, Qmp& qmp, Deadline deadline, const Movable& movable);
  DriverResult<> move_to_overlay(NbdVolume& volume, const drivers::Location& to, Qmp& qmp, Deadline deadline, const Movable& movable);
  DriverResult<> switch_to_overlay(NbdVolume& volume, Qmp& qmp, Deadline deadline);
  DriverResult<> reach(NbdVolume& volume, Bytes size, Qmp& qmp, Deadline deadline);

  DriverResult<> cut_off(NbdVolume& volume, const NbdExport& item, Deadline deadline);
  void drop_volume(const std::string& volume);

  void watch(const std::string& volume, const os::Process& process);
  void revive(const std::string& folder, Duration patience);
  void keep(const NbdVolume& volume, os::Fd listener);
  std::optional<os::Fd> kept(const NbdVolume& volume) const;
  Connection connection(const NbdVolume& volume, const NbdExport& item) const;
  static bool must_write_through(const drivers::Location& location);

  Clock& clock_;
  const Options& options_;
  State& state_;
  Supervisor& supervisor_;
  const Leash& leash_;
  const StorageDaemons daemons_;
  Complaints complaints_{clock_};
  mutable std::mutex mutex_;
  std::map<std::string, Listener> listeners_;          // guarded by mutex_: by volume, kept so that clients wait while a daemon restarts
  std::map<std::string, std::string> volume_by_name_;  // guarded by mutex_: a hint
};

}  // namespace scoria::exports
