#pragma once
#include "store/list_sql.h"
#include "store/snapshots/snapshots.h"

namespace scoria::store::snapshots {
/// Rows are Snapshots: read().
extern const ListTable list_table;
}  // namespace scoria::store::snapshots
