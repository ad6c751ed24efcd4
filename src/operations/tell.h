#pragma once
#include <string_view>

#include "domain/messages/message.h"
#include "engine/kind.h"

namespace scoria::operations {

/// Part of an ending: when the operation failed, its user is left a message with the reason, under the operation's id.
/// `resource_id` is the operation's own when empty; `resource` is VOLUME, VOLUME_SNAPSHOT or VOLUME_BACKUP. Other endings say nothing.
void tell_user(db::Transaction& tx, const engine::Operation& operation, const engine::Ending& ending, std::string_view resource, MessageAction action,
               std::string_view resource_id = {});

}  // namespace scoria::operations
