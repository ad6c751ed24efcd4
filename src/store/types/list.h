#pragma once
#include "store/list_sql.h"

namespace scoria::store::types {

/// Rows are VolumeTypes: read(). The project of a query sees public types and those it has access to.
extern const ListTable list_table;

}  // namespace scoria::store::types
