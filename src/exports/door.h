#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exports/exporter.h"

namespace scoria::exports {

/// All protocols of a node behind one door, as operations use it. Thread-safe, idempotent as exporters are.
class Door {
 public:
  virtual ~Door() = default;
  /// The protocol an attachment gets: what the connector asks for, else `preferred` (the backend's target_protocol, in
  /// any case), else "local" for a client on this host that names no initiator. Refused: unknown words, iscsi without
  /// an initiator name.
  virtual Result<std::string> choose(const Connector& connector, std::string_view preferred) const = 0;
  virtual DriverResult<Connection> ensure(const Call& call, std::string_view protocol, const ExportSpec& spec) = 0;
  /// Through every protocol: absent is success.
  virtual DriverResult<> remove(const Call& call, const std::string& name) = 0;
  virtual DriverResult<bool> grow(const Call& call, std::string_view protocol, const ExportSpec& spec) = 0;
  /// Limits of an export that exists, from now on. Refuses `permanent` where a protocol has none. A door
  /// without limits does nothing.
  virtual DriverResult<> throttle(const Call& call, std::string_view protocol, const std::string& name, const Throttle& limits) {
    (void)call, (void)protocol, (void)name, (void)limits;
    return {};
  }
  /// Nobody but this machine's exports has the volume open for writing: it may be served here. `busy` while a daemon of a machine
  /// that served it before is alive, be it stopped. A door that cannot tell says yes.
  virtual DriverResult<> exclusive(const drivers::Location& at) {
    (void)at;
    return {};
  }
  struct Listed {
    std::string protocol;
    std::string name;
  };
  /// What this node serves now. A door that cannot tell lists nothing.
  virtual DriverResult<std::vector<Listed>> list(const Call& call) {
    (void)call;
    return std::vector<Listed>{};
  }
  /// True when that protocol serves raw files only: a volume kept otherwise must be flattened before it is attached so.
  static bool needs_raw(std::string_view protocol) { return protocol == "local" || protocol == "iscsi"; }
};

}  // namespace scoria::exports
