#pragma once
#include <string>
#include <vector>

#include "domain/list_query.h"
#include "store/list_sql.h"
#include "store/volumes/volumes.h"

namespace scoria::store::volumes {

/// Rows are Shown: read_shown().
extern const ListTable list_table;

/// Count and sum of GiB of what a project (empty: all) has, and the metadata texts of those that have any.
struct Summary {
  std::int64_t count = 0, gib = 0;
  std::vector<std::string> metadata;
};
Summary summary(db::Transaction& tx, const std::string& project);

}  // namespace scoria::store::volumes
