#pragma once
#include <optional>
#include <string>

#include "db/database.h"
#include "domain/types/volume_type.h"

namespace scoria::store::types {

extern const std::string_view columns;
VolumeType read(const db::Rows& rows, std::size_t row);

/// By id, else by name.
std::optional<VolumeType> find(db::Transaction& tx, std::string_view id_or_name);
/// Private types are visible to admins and to projects with access.
bool visible(db::Transaction& tx, const VolumeType& type, std::string_view project, bool admin);
void insert(db::Transaction& tx, const VolumeType& type);
std::string extra_specs_json(const ExtraSpecs& specs);

}  // namespace scoria::store::types
