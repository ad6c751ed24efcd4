#include "operations/tell.h"

#include "store/messages/messages.h"

namespace scoria::operations {

void tell_user(db::Transaction& tx, const engine::Operation& op, const engine::Ending& ending, std::string_view resource, MessageAction action,
               std::string_view resource_id) {
  if (ending.state != engine::State::failed && ending.state != engine::State::dead) return;
  store::messages::add(tx, {.id = op.id, .project_id = op.project_id, .request_id = op.request_id, .resource_type = std::string(resource),
                            .resource_id = resource_id.empty() ? op.resource_id : std::string(resource_id),
                            .action_id = action_id(action), .detail_id = std::string(detail_of(ending.code)),
                            .text = ending.text});
}

}  // namespace scoria::operations
