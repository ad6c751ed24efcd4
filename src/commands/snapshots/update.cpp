#include "commands/snapshots/update.h"

#include <fmt/core.h>

#include "store/snapshots/snapshots.h"

namespace scoria::commands {
namespace {

constexpr int most_tries = 8;

/// Decides on the row as it is and applies `change` to exactly that row, again if somebody was faster.
template <class Change>
Result<> change_seen(Services& services, const SnapshotId& id, Change&& change) {
  for (int tries = 0; tries < most_tries; ++tries) {
    const auto snapshot = services.database.read([&](db::Transaction& tx) { return store::snapshots::find(tx, id); });
    if (!snapshot) return refuse(RefusalCode::not_found, "Snapshot {} could not be found.", id.text);
    Result<bool> changed = change(*snapshot);
    if (!changed) return refuse(changed.error());
    if (*changed) return {};
  }
  return refuse(RefusalCode::conflict, "Snapshot {} changes too fast; try again.", id.text);
}

}  // namespace

Result<> describe_snapshot(Services& services, const SnapshotId& id, const DescribeSnapshotRequest& request) {
  return change_seen(services, id, [&](const Snapshot& seen) -> Result<bool> {
    return services.database.write([&](db::Transaction& tx) {
      return store::snapshots::describe(tx, id, seen.rev, request.name.value_or(seen.name), request.description.value_or(seen.description)) == 1;
    });
  });
}

Result<std::string> change_snapshot_metadata(Services& services, const SnapshotId& id, const MapChange& change) {
  std::string stored;
  const auto done = change_seen(services, id, [&](const Snapshot& seen) -> Result<bool> {
    auto after = change(seen.metadata);
    if (!after) return refuse(after.error());
    stored = *after;
    return services.database.write([&](db::Transaction& tx) { return store::snapshots::set_metadata(tx, id, seen.rev, stored) == 1; });
  });
  if (!done) return refuse(done.error());
  return stored;
}

Result<> update_snapshot_status(Services& services, const SnapshotId& id, const std::string& status, std::optional<int> progress) {
  using enum SnapshotStatus;
  SnapshotStatus wanted{};
  const bool known = parse(status, wanted);
  return change_seen(services, id, [&](const Snapshot& seen) -> Result<bool> {
    const bool making = seen.status == creating && (wanted == creating || wanted == available || wanted == error);
    const bool ending = seen.status == deleting && (wanted == deleting || wanted == error_deleting);
    if (!known || (!making && !ending))
      return refuse(RefusalCode::invalid_input, "Provided snapshot status {} not allowed for snapshot with status {}.", status, to_text(seen.status));
    if (!seen.x_op.empty())
      return refuse(Refusal{RefusalCode::conflict, fmt::format("Operation {} is working on snapshot {} and tells its status itself.", seen.x_op, id.text), seen.x_op});
    return services.database.write([&](db::Transaction& tx) { return store::snapshots::override_status(tx, id, seen.rev, wanted, progress) == 1; });
  });
}

Result<> reset_snapshot_status(Services& services, const SnapshotId& id, const std::string& status) {
  SnapshotStatus wanted{};
  if (!parse(status, wanted)) return refuse(RefusalCode::invalid_input, "Must specify a valid status: '{}' is none.", status);
  return change_seen(services, id, [&](const Snapshot& seen) -> Result<bool> {
    if (!seen.x_op.empty())
      return refuse(Refusal{RefusalCode::conflict,
                            fmt::format("Operation {} is working on snapshot {}; it will end by itself, or can be cancelled.", seen.x_op, id.text), seen.x_op});
    return services.database.write([&](db::Transaction& tx) { return store::snapshots::override_status(tx, id, seen.rev, wanted) == 1; });
  });
}

}  // namespace scoria::commands
