#pragma once
#include <optional>
#include <string>

#include "exports/nbd/graph.h"
#include "exports/nbd/qmp.h"
#include "exports/nbd/record.h"
#include "exports/options.h"
#include "exports/state.h"

namespace scoria::exports {

/// Starts, finds and commands the storage daemons of this node, one per volume. Callers hold the volume's lock.
class StorageDaemons {
 public:
  StorageDaemons(Clock& clock, const Options& options, const State& state);

  /// Where a volume's record and sockets are, below the state directory; short, since socket paths must be.
  static std::string folder(std::string_view volume) { return fmt::format("nbd/{:016x}", stable_hash(volume)); }
  std::string socket_path(const std::string& volume) const { return state_.path(folder(volume) + "/nbd"); }

  /// Is the program there? The message says what to install.
  DriverResult<> check() const;
  /// The daemon's control connection; nothing when there is no daemon.
  DriverResult<std::optional<Qmp>> connect(const std::string& volume, Deadline deadline) const;
  /// Starts a daemon that serves the record's exports on that listening socket. Waits for the image's lock, which a
  /// killed predecessor keeps for some hundred milliseconds; a lost daemon of ours on it is ended first.
  DriverResult<os::Process> start(const NbdVolume& volume, const os::Fd& listener, Deadline deadline) const;
  /// The descriptor number under which a daemon has its listening socket.
  static constexpr int listener_number = 10;

  /// Makes the running daemon export exactly what the record says, with its limits.
  DriverResult<> converge(Qmp& qmp, const NbdVolume& volume, Deadline deadline) const;
  /// Cuts all clients of the export off: after success none of their writes is under way.
  DriverResult<> drop(Qmp& qmp, const std::string& export_id, Deadline deadline) const;
  DriverResult<> set_limits(Qmp& qmp, const NbdExport& item, Deadline deadline) const;
  /// Ends the daemon, by force if it does not listen. Requests of a killed one may end after it.
  DriverResult<> end(const NbdVolume& volume, Deadline deadline) const;
  /// Waits until no request of an ended daemon is under way: its lock on the image goes with the last of them.
  DriverResult<> wait_quiet(const NbdVolume& volume, Deadline deadline) const;
  /// Kills daemons that work in that folder but cannot be reached.
  void end_strays(const std::string& folder, Deadline deadline) const;
  /// Kills daemons of this state directory whose records are lost: nobody could ever remove their exports.
  void end_lost() const;
  /// Gives the running daemon an image as a node of that name, with its file.
  DriverResult<> add_image(Qmp& qmp, const drivers::Location& location, const std::string& node, const graph::ImageOptions& options, Deadline deadline) const;
  /// Takes it away again, unless something hangs on it.
  static void drop_image(Qmp& qmp, const std::string& node, Deadline deadline);
  /// Text of the image node for a running daemon.
  std::string image_text(const drivers::Location& location, const std::string& node, const graph::ImageOptions& options) const;

 private:
  graph::ImageOptions options_for(const drivers::Location& location, graph::ImageOptions options = {}) const;
  std::vector<std::string> arguments(const NbdVolume& volume) const;
  std::string tls_object() const;
  DriverResult<> wait_unlocked(const NbdVolume& volume, Deadline deadline) const;
  DriverResult<os::Process> wait_ready(const NbdVolume& volume, const os::Process& process, Deadline deadline) const;
  DriverResult<std::vector<std::string>> export_ids(Qmp& qmp, Deadline deadline) const;
  DriverResult<> add(Qmp& qmp, const NbdVolume& volume, const NbdExport& item, Deadline deadline) const;

  Clock& clock_;
  const Options& options_;
  const State& state_;
  const bool io_uring_;
};

}  // namespace scoria::exports
