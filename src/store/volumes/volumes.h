#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "db/database.h"
#include "domain/volumes/volume.h"

/// Volumes as rows. Every change of a status names the status it expects; there is no plain save.
namespace scoria::store::volumes {

extern const std::string_view columns;
/// From `column` on. Moves the texts out of the row.
Volume read(const db::Rows& rows, std::size_t row, std::size_t column = 0);

void insert(db::Transaction& tx, const Volume& volume);
std::optional<Volume> find(db::Transaction& tx, const VolumeId& id);

/// Takes an X or L claim together with the status that says so. Guarded as `label`: the row is unclaimed, its status is
/// one of `from`, and `also` (SQL over the row, empty: none) holds.
void take(db::Transaction& tx, std::string_view label, const VolumeId& id, std::string_view operation, char mode,
          std::initializer_list<VolumeStatus> from, VolumeStatus to, std::string_view also = {});
/// The deletion `operation` gets X when the holder that was seen ends. Guard `label`: the row is as it was seen (`rev`).
void queue_behind(db::Transaction& tx, std::string_view label, const Volume& seen, std::string_view operation);
/// It was cancelled before it got it.
void step_back(db::Transaction& tx, const VolumeId& id, std::string_view operation);
/// The volume is still on the backend where the caller saw it: there its operation is queued. After the claim was taken. Guard
/// backends::moved_away.
void require_at(db::Transaction& tx, const Volume& seen);
/// The claim's holder places the volume: where its object will be.
void place(db::Transaction& tx, const VolumeId& id, std::string_view operation, const std::string& backend, const std::string& pool,
           std::int64_t object_bytes);
/// The holder is done: rest status `to`, claim back. `from` is the transitional status.
void settle(db::Transaction& tx, const VolumeId& id, std::string_view operation, VolumeStatus from, VolumeStatus to);
/// The holder did nothing: back to the status before.
void settle_back(db::Transaction& tx, const VolumeId& id, std::string_view operation, VolumeStatus from);
/// Commit part of a delete: no copy reads the volume at this very moment. Guard "volume.quiet".
void require_quiet(db::Transaction& tx, const VolumeId& id, std::string_view operation);
/// As settle(), and the volume's bytes are this object from now on.
void publish(db::Transaction& tx, const VolumeId& id, std::string_view operation, const std::string& provider_name);
/// The holder grew it.
void settle_grown(db::Transaction& tx, const VolumeId& id, std::string_view operation, std::int64_t size_gib, std::int64_t object_bytes);
/// The request to grow charges the difference at once, together with its claim. Guard `label`.
void take_to_grow(db::Transaction& tx, std::string_view label, const VolumeId& id, std::string_view operation, std::int64_t old_gib,
                  std::int64_t new_gib, std::initializer_list<VolumeStatus> from);
/// The holder did not grow it: what was charged goes back; the status is the one before if nothing was tried.
void settle_not_grown(db::Transaction& tx, const VolumeId& id, std::string_view operation, std::int64_t old_gib, std::int64_t object_bytes, bool untouched);
/// The holder filled another object: from now on that is the volume. Status back to the one before.
void settle_flipped(db::Transaction& tx, const VolumeId& id, std::string_view operation, VolumeStatus from, const std::string& provider_name);
/// Changes that need no claim. Each names the row's state it expects; 0 rows: refused.
std::int64_t describe(db::Transaction& tx, const VolumeId& id, std::int64_t rev, const std::string& name, const std::string& description);
std::int64_t set_metadata(db::Transaction& tx, const VolumeId& id, std::int64_t rev, const std::string& metadata);
std::int64_t set_image_metadata(db::Transaction& tx, const VolumeId& id, std::int64_t rev, const std::string& metadata);
std::int64_t set_bootable(db::Transaction& tx, const VolumeId& id, bool bootable);
std::int64_t set_readonly(db::Transaction& tx, const VolumeId& id, bool readonly);
/// A rest status becomes another one (reserved, detaching by a client, an admin's override): no operation holds the row,
/// the status is one of `from`, and `also` (SQL over the row) holds.
std::int64_t change_status(db::Transaction& tx, const VolumeId& id, std::initializer_list<VolumeStatus> from, VolumeStatus to, std::string_view also = {});
/// An admin's override, on the row as it was seen (`rev`): no operation holds it. Empty texts stay as they are.
std::int64_t override_status(db::Transaction& tx, const VolumeId& id, std::int64_t rev, VolumeStatus to, const std::string& attach_status,
                             const std::string& migration_status);

/// The holder of an X claim ends the volume. Guarded: no readers, no children.
void remove(db::Transaction& tx, const VolumeId& id, std::string_view operation);

}  // namespace scoria::store::volumes
