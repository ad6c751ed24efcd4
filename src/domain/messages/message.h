#pragma once
#include <string>
#include <string_view>

#include "base/time.h"

/// What users are told about work that failed after it was accepted.
namespace scoria {

/// What was being done. Clients know the numbers.
enum class MessageAction {
  schedule_volume = 1, attach_volume, copy_volume_to_image, update_attachment, copy_image_to_volume, unmanage_volume, extend_volume,
  create_volume, create_snapshot, delete_snapshot, update_snapshot, update_snapshot_metadata, create_backup, delete_backup, restore_backup, reimage_volume
};

struct Message {
  std::string id, project_id, request_id;
  std::string resource_type;  // VOLUME, VOLUME_SNAPSHOT, VOLUME_BACKUP
  std::string resource_id;
  std::string action_id, detail_id;  // three digits each
  std::string level = "ERROR";
  std::string text;  // the reason in words; empty: what the detail stands for
  Timestamp created_at, expires_at;

  /// `VOLUME_<resource>_<action>_<detail>`
  std::string event_id() const;
  /// "<action>:<reason>"
  std::string user_message() const;
};

inline constexpr Duration message_lifetime = std::chrono::hours{24 * 30};

std::string action_id(MessageAction action);
/// The detail that an operation's error code stands for; unknown codes are "001".
std::string_view detail_of(std::string_view error_code);

}  // namespace scoria
