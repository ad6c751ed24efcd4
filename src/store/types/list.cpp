#include "store/types/list.h"

#include "store/types/types.h"

namespace scoria::store::types {
namespace {

using enum ListColumn::Type;

constexpr ListColumn list_columns[] = {
    {"id", "volume_type.id", text, false},
    {"name", "volume_type.name", text, false},
    {"description", "volume_type.description", text, true},
    {"is_public", "volume_type.is_public", flag, false},
    {"extra_specs", "{json_text:volume_type.extra_specs:?} = ?", entries, false},
    {"created_at", "volume_type.created_at", time, false},
    {"updated_at", "volume_type.updated_at", time, true},
};

}  // namespace

const ListTable list_table = {
    .noun = "Volume type",
    .select = columns,
    .from = "volume_type",
    .where = "",
    .id = "volume_type.id",
    .project = "",
    .columns = list_columns,
    .scope = "(volume_type.is_public = 1 OR EXISTS (SELECT 1 FROM volume_type_access a WHERE a.type_id = volume_type.id AND a.project_id = ?))"};

}  // namespace scoria::store::types
