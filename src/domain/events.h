#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace scoria {

/// The payload of every event about a volume or a snapshot; the topic says what happened. Empty members are not said.
struct ResourceEvent {
  static constexpr int version = 1;
  static constexpr std::string_view shape = "resource_event";
  std::string volume_id, snapshot_id;
  std::string project_id, user_id, request_id, operation;
  std::int64_t size_gib = 0;

  std::string to_json() const;
  static Result<ResourceEvent> from_json(std::string_view text);
};

}  // namespace scoria
