#include "store/snapshots/list.h"

namespace scoria::store::snapshots {
namespace {

using enum ListColumn::Type;

constexpr ListColumn list_columns[] = {
    {"id", "snapshot.id", text, false},
    {"name", "snapshot.name", text, true},
    {"description", "snapshot.description", text, true},
    {"status", "snapshot.status", text, false},
    {"volume_id", "snapshot.volume_id", text, false},
    {"metadata", "{json_text:snapshot.metadata:?} = ?", entries, false},
    {"availability_zone", "(SELECT v.availability_zone FROM volume v WHERE v.id = snapshot.volume_id)", text, true},
    {"consumes_quota", "snapshot.consumes_quota", flag, false},
    {"created_at", "snapshot.created_at", time, false},
    {"updated_at", "snapshot.updated_at", time, true},
    {"project_id", "snapshot.project_id", text, false},
    {"user_id", "snapshot.user_id", text, false},
    {"volume_size", "snapshot.size_gib", integer, false},
    {"volume_type_id", "snapshot.volume_type_id", text, false},
    {"group_snapshot_id", "snapshot.group_snapshot_id", text, true},
};

}  // namespace

const ListTable list_table = {"Snapshot", columns, "snapshot", "", "snapshot.id", "snapshot.project_id", list_columns};

}  // namespace scoria::store::snapshots
