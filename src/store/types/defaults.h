#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "db/database.h"
#include "domain/ids.h"

/// The type that creates of a project get when they name none.
namespace scoria::store::types {

std::optional<VolumeTypeId> default_of(db::Transaction& tx, std::string_view project);
/// Project and type, by project.
std::vector<std::pair<std::string, VolumeTypeId>> all_defaults(db::Transaction& tx);
bool is_default_of_any(db::Transaction& tx, const VolumeTypeId& type);
void set_default(db::Transaction& tx, std::string_view project, const VolumeTypeId& type);
void unset_default(db::Transaction& tx, std::string_view project);

}  // namespace scoria::store::types
