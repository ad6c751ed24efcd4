#pragma once
#include <string>

#include "config/fields.h"

namespace scoria::config {

/// Looking after what nobody asks for: storage against database, what is over, events.
struct HousekeepingOptions {
  Duration inventory_interval = std::chrono::minutes{10};
  Duration inventory_grace = std::chrono::hours{1};
  Duration operation_retention = std::chrono::hours{24 * 30};
  Duration event_retention = std::chrono::hours{1};
  Duration self_check_interval = std::chrono::minutes{1};
  std::string event_sink = "none";
  std::string event_file = "$state_path/events.jsonl";

  void declare(Fields& fields);
};

}  // namespace scoria::config
