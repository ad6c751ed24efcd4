#include "operations/attachments/remove.h"

#include "store/attachments/attachments.h"

namespace scoria::operations {

using engine::Outcome;
namespace attachments = store::attachments;

std::span<const RemoveAttachment::Step> RemoveAttachment::table() {
  static constexpr Step steps[] = {{"unexport", &RemoveAttachment::unexport}};
  return steps;
}

Outcome RemoveAttachment::unexport(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  if (services_.exports == nullptr) return Outcome::retry("this node exports no volumes", false);
  if (const auto removed = services_.exports->remove(call_for(task), op.resource_id); !removed) return Outcome::retry(removed.error().message);
  const auto attachment = services_.database.read_one([&](db::Transaction& tx) { return attachments::find(tx, {op.resource_id}); });
  if (!attachment) return Outcome::retry("the attachment's row is not there");
  return Outcome::succeed([id = attachment->id, volume = attachment->volume_id, op_id = op.id](db::Transaction& tx) {
    attachments::remove(tx, "attachment.remove", id, op_id);
    attachments::follow_attachments(tx, volume);
  });
}

void RemoveAttachment::settle(db::Transaction& tx, const engine::Operation& op, const engine::Ending& ending) const {
  if (ending.state != engine::State::succeeded) attachments::settle(tx, {op.resource_id}, op.id, "error_detaching");
}

}  // namespace scoria::operations
