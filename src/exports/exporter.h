#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drivers/driver.h"

/// How hosts reach volumes. An export is named by its attachment id, never reused. All its state can be rebuilt from
/// the database; daemons outlive Scoria and are taken over.
namespace scoria::exports {

using drivers::Call;
using drivers::DriverResult;

/// Who connects, as the connector of the attachment says.
struct Connector {
  std::string host;
  std::string ip;
  std::string initiator;  // iqn
  std::string nqn;
  std::string mountpoint;
  std::string transport;  // Scoria's own clients ask for "local", "nbd", "nbd+unix" or "iscsi"; empty: the backend's default
  bool multipath = false;
};

/// Limits of one attachment; 0 = none.
struct Throttle {
  std::int64_t total_iops = 0, read_iops = 0, write_iops = 0;
  std::int64_t total_bytes = 0, read_bytes = 0, write_bytes = 0;  // per second
};

struct ExportSpec {
  std::string name;            // attachment id
  std::string volume_id;
  drivers::Location location;
  Bytes size;
  bool read_only = false;
  Connector connector;
  Throttle throttle;
  std::string chap_user, chap_secret;  // iSCSI: made and stored sealed before the export is
  std::string portal;                  // the address it keeps when it moves to another machine; empty: it stays here
  int port = 0;                        // NBD over TCP: which it had before; 0: any
};

/// connection_info for the client: driver_volume_type and its data (behaviours.md section 14).
struct Connection {
  std::string type;  // "iscsi", "local", "nbd"
  std::vector<std::pair<std::string, std::string>> text;
  std::vector<std::pair<std::string, std::int64_t>> numbers;
  std::vector<std::pair<std::string, bool>> flags;
};

/// One protocol on one node. Thread-safe. Idempotent as drivers are.
class Exporter {
 public:
  virtual ~Exporter() = default;
  virtual std::string protocol() const = 0;
  /// Can this protocol work on this machine now? The message says what is missing.
  virtual DriverResult<> check(const Call& call) = 0;
  /// Makes the export exist exactly as asked and gives what a client needs; called again it repairs (daemon gone,
  /// socket gone) and answers the same.
  virtual DriverResult<Connection> ensure(const Call& call, const ExportSpec& spec) = 0;
  /// Makes it not exist, cutting clients off: after success no write of an old client can land. Absent is success.
  virtual DriverResult<> remove(const Call& call, const std::string& name) = 0;
  /// The volume grew: make clients able to see it. False in the result: the client must reconnect or rescan.
  virtual DriverResult<bool> grow(const Call& call, const ExportSpec& spec) = 0;
  virtual DriverResult<> throttle(const Call& call, const std::string& name, const Throttle& limits) = 0;
  /// Names of the exports that exist on this node now.
  virtual DriverResult<std::vector<std::string>> list(const Call& call) = 0;
};

}  // namespace scoria::exports
