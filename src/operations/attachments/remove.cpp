#include "operations/attachments/remove.h"

#include "base/mutants.h"
#include "operations/places.h"
#include "store/portals/portals.h"
#include "store/volumes/volumes.h"

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
  auto where = whereabouts(op);
  if (!where) return Outcome::retry("the attachment's row is not there");
  const auto place = services_.places == nullptr ? std::nullopt
                                                 : services_.database.read_one([&](db::Transaction& tx) { return store::portals::place_of(tx, where->volume); });
  if (place && !services_.places->serves(place->name) && !services_.places->abandoned(place->name)) return go_to(task, place->name);
  if (!MUTANT(export_left))
    if (const auto removed = services_.exports->remove(call_for(task), op.resource_id); !removed) return Outcome::retry(removed.error().message);
  if (place)
    if (const auto cut = nobody_else(task, where->volume); !cut) return Outcome::retry(cut.error().message, false);
  where->alone = where->alone && op.attempt == 0;
  return Outcome::succeed([id = AttachmentId{op.resource_id}, where = *where, op_id = op.id](db::Transaction& tx) {
    attachments::remove(tx, "attachment.remove", id, op_id);
    if (where.alone) attachments::follow_last(tx, "attachment.alone", where.volume);
    else attachments::follow_attachments(tx, where.volume);
  }, *where);
}

std::optional<attachments::Whereabouts> RemoveAttachment::whereabouts(const engine::Operation& op) const {
  if (const auto* const seen = std::any_cast<attachments::Whereabouts>(&op.seen)) return *seen;
  const auto placed = services_.database.read_one([&](db::Transaction& tx) { return attachments::find_placed(tx, {op.resource_id}); });
  if (!placed) return std::nullopt;
  return attachments::Whereabouts{placed->attachment.volume_id, placed->alone()};
}

/// The machine that served it before may be stopped with its daemons, and go on: then the client is not cut off yet.
drivers::DriverResult<> RemoveAttachment::nobody_else(engine::Task& task, const VolumeId& id) const {
  const auto volume = services_.database.read_one([&](db::Transaction& tx) { return store::volumes::find(tx, id); });
  Backend* backend = volume ? services_.backends.find(volume->backend) : nullptr;
  if (backend == nullptr) return tl::unexpected(drivers::DriverError{drivers::FailureClass::busy, "the volume's backend is not served by this node"});
  const auto location = backend->driver->locate(call_for(task), {volume->pool, volume->provider_name});
  if (!location) return tl::unexpected(location.error());
  return services_.exports->exclusive(*location);
}

void RemoveAttachment::settle(db::Transaction& tx, const engine::Operation& op, const engine::Ending& ending) const {
  if (ending.state != engine::State::succeeded) attachments::settle(tx, {op.resource_id}, op.id, "error_detaching");
}

}  // namespace scoria::operations
