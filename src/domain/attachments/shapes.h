#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

/// Connectors and connection information as they are stored: versioned, like the shapes of operations.
namespace scoria {

/// Who connects, as the client said; unknown members are kept aside and not stored.
struct ConnectorShape {
  static constexpr int version = 1;
  static constexpr std::string_view shape = "connector";
  std::string host, ip, initiator, nqn, mountpoint, transport, mode;
  bool multipath = false;

  std::string to_json() const;
  static Result<ConnectorShape> from_json(std::string_view text);
};

/// What the client was told: driver_volume_type and data. Holds the CHAP secret: stored sealed.
struct ConnectionShape {
  static constexpr int version = 1;
  static constexpr std::string_view shape = "connection";
  std::string protocol;  // ours: "iscsi", "nbd", "nbd+unix", "local"
  std::string type;      // driver_volume_type; empty until exported
  std::string chap_user, chap_secret;
  std::string data = "{}";  // JSON object

  std::string to_json() const;
  static Result<ConnectionShape> from_json(std::string_view text);
};

}  // namespace scoria
