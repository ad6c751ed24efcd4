#include "operations/places.h"

#include <fmt/core.h>

#include "store/portals/portals.h"

namespace scoria::operations {

using engine::Outcome;
namespace portals = store::portals;

Outcome go_to(const engine::Task& task, const std::string& place) {
  const engine::Operation& op = task.operation();
  const std::string queue = portals::queue_of(place);
  const std::string wanted = engine::is_bulk(op.queue) ? engine::bulk(queue) : queue;
  if (op.queue == wanted) return Outcome::retry(fmt::format("no machine serves {} now", place), false);
  return Outcome::advance(op.context).onto(wanted, op.backend).back_to(op.step);
}

std::optional<Outcome> go_where_served(Services& services, const engine::Task& task, const VolumeId& volume) {
  if (services.places == nullptr) return std::nullopt;
  const auto place = services.database.read_one([&](db::Transaction& tx) { return portals::place_of(tx, volume); });
  if (!place || !place->used || services.places->serves(place->name)) return std::nullopt;
  return go_to(task, place->name);
}

}  // namespace scoria::operations
