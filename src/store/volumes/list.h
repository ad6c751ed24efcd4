#pragma once
#include <string>
#include <vector>

#include "db/database.h"

namespace scoria::store::volumes {

/// Count and sum of GiB of what a project (empty: all) has, and the metadata texts of those that have any.
struct Summary {
  std::int64_t count = 0, gib = 0;
  std::vector<std::string> metadata;
};
Summary summary(db::Transaction& tx, const std::string& project);

}  // namespace scoria::store::volumes
