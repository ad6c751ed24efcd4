#pragma once
#include <string>
#include <vector>

#include "config/fields.h"

namespace scoria::config {

/// Who this node is and what it does.
struct GeneralOptions {
  std::string host;
  std::string cluster;
  std::string state_path = "/var/lib/scoria";
  std::string my_ip = "127.0.0.1";
  std::vector<std::string> roles{"api", "scheduler", "volume"};
  std::vector<std::string> enabled_backends{"file"};
  std::string default_availability_zone;
  std::string storage_availability_zone = "nova";
  Duration report_interval = std::chrono::seconds{10};
  Duration rpc_response_timeout = std::chrono::seconds{60};
  Duration graceful_shutdown_timeout = std::chrono::seconds{60};

  void declare(Fields& fields);
};

/// How much is logged, and how.
struct LogOptions {
  bool debug = false;
  std::vector<std::string> log_levels;  // "area=LEVEL"
  std::string log_format = "auto";

  void declare(Fields& fields);
};

/// How durable operations are worked on.
struct EngineOptions {
  int workers = 32;
  int bulk_workers = 4;
  int per_project = 0;
  Duration lease = std::chrono::seconds{4};
  Duration heartbeat = std::chrono::seconds{1};
  Duration poll_interval = std::chrono::milliseconds{500};
  bool failpoints = false;

  void declare(Fields& fields);
};

}  // namespace scoria::config
