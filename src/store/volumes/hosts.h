#pragma once
#include <map>
#include <string>
#include <vector>

#include "db/database.h"

namespace scoria::store::volumes {

/// Where those of the volumes are ("backend#pool") that belong to the project and have a place.
std::map<std::string, std::string, std::less<>> hosts_of(db::Transaction& tx, const std::vector<std::string>& ids, const std::string& project);

}  // namespace scoria::store::volumes
