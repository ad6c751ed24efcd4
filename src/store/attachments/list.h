#pragma once
#include "store/attachments/attachments.h"
#include "store/list_sql.h"

namespace scoria::store::attachments {
/// Rows are Attachments: read().
extern const ListTable list_table;
}  // namespace scoria::store::attachments
