#pragma once
#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "exports/complaints.h"
#include "exports/exporter.h"
#include "exports/iscsi/tgt_control.h"
#include "exports/leash.h"
#include "exports/options.h"
#include "exports/state.h"
#include "exports/supervisor.h"

namespace scoria::exports {

/// The volume in its target; 0 is the controller.
inline constexpr std::uint64_t volume_lun = 1;

/// What one target serves. Version 1.
struct IscsiTarget {
  std::string name;  // attachment id
  std::string volume;
  std::string path;
  bool read_only = false;
  std::string initiator;
  std::string user, secret;
  std::int32_t tid = 0;
  std::string portal;  // the address that moves with it; empty: it stays on this machine
};
std::string to_text(const IscsiTarget& target);
std::optional<IscsiTarget> iscsi_target_from(std::string_view text);

/// iSCSI by one tgtd of our own per node: a target per attachment, admitted by the initiator's name and CHAP, raw files
/// as LUN 1. The daemon keeps nothing; it outlives Scoria, and when it dies it is started again and told everything.
class IscsiExporter final : public Exporter {
 public:
  IscsiExporter(Clock& clock, const Options& options, State& state, Supervisor& supervisor, const Leash& leash);

  std::string protocol() const override { return "iscsi"; }
  DriverResult<> check(const Call& call) override;
  DriverResult<Connection> ensure(const Call& call, const ExportSpec& spec) override;
  DriverResult<> remove(const Call& call, const std::string& name) override;
  /// Always false: initiators must rescan. The LUN is taken away for some milliseconds behind a target that is not ready,
  /// so that initiators wait and retry.
  DriverResult<bool> grow(const Call& call, const ExportSpec& spec) override;
  /// Refused: tgtd has no limits.
  DriverResult<> throttle(const Call& call, const std::string& name, const Throttle& limits) override;
  DriverResult<std::vector<std::string>> list(const Call& call) override;
  /// Is some target's LUN that very file? For those who want to move it.
  bool serves(std::uint64_t device, std::uint64_t inode) const;

  /// Ends what this machine serves at other portals than these, cutting clients off: others serve it. Names stay usable.
  DriverResult<> abandon(const Call& call, const std::set<std::string>& portals);

  void look();
  /// Before anything else: a daemon that nobody could command any more is ended.
  void end_lost();

 private:
  std::optional<IscsiTarget> load(const std::string& name) const;
  void store(const IscsiTarget& target) const;
  std::string iqn(const std::string& name) const { return options_.iscsi_target_prefix + name; }
  std::string portal_address() const { return options_.iscsi_ip_address.empty() ? options_.my_ip : options_.iscsi_ip_address; }
  std::string portal(const std::string& address) const;
  Connection connection(const IscsiTarget& target) const;

  DriverResult<> daemon_up(Deadline deadline);
  DriverResult<> start_daemon(Deadline deadline);
  DriverResult<> wait_ready(const os::Process& process, Deadline deadline);
  void watch(const os::Process& process);
  DriverResult<> serve(const std::string& name, Deadline deadline);
  void rebuild();
  DriverResult<std::int32_t> free_tid(const std::string& name) const;

  // The target's lock is held.
  DriverResult<std::optional<TgtTarget>> shown(const std::string& name, Deadline deadline) const;
  DriverResult<> converge(const IscsiTarget& target, Deadline deadline);
  DriverResult<> admit(const IscsiTarget& target, const TgtTarget& now, Deadline deadline);
  DriverResult<> listen(const std::string& address, Deadline deadline);
  DriverResult<> make_lun(const IscsiTarget& target, Deadline deadline);
  DriverResult<> drop_lun(std::int32_t tid, Deadline deadline);
  DriverResult<> drop_target(const IscsiTarget& target, Deadline deadline);
  DriverResult<> drop_named(const std::string& name, Deadline deadline);
  void close_connections(std::int32_t tid, Deadline deadline);
  DriverResult<> set_state(std::int32_t tid, std::string_view state, Deadline deadline);
  /// The answer must be success or `also`.
  DriverResult<> command(const tgt::Request& request, std::uint32_t also, std::string_view doing, Deadline deadline) const;

  Clock& clock_;
  const Options& options_;
  State& state_;
  Supervisor& supervisor_;
  const Leash& leash_;
  const TgtControl control_;
  Complaints complaints_{clock_};
  std::atomic<std::uint64_t> rebuilt_for_{0};  // start time of the daemon that was told of all our targets
  std::mutex mutex_;
  std::set<std::string> unserved_;  // guarded by mutex_: targets that it could not be told of
};

}  // namespace scoria::exports
