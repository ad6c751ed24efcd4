#pragma once
#include <optional>
#include <string>
#include <vector>

#include "db/database.h"
#include "domain/types/volume_type.h"

namespace scoria::store::types {

extern const std::string_view columns;
VolumeType read(const db::Rows& rows, std::size_t row);

/// By id, else by name.
std::optional<VolumeType> find(db::Transaction& tx, std::string_view id_or_name);
/// The project's default type; of a project without one, the type of that id or name.
std::optional<VolumeType> find_default(db::Transaction& tx, std::string_view project, std::string_view id_or_name);
/// Private types are visible to admins and to projects with access.
bool visible(db::Transaction& tx, const VolumeType& type, std::string_view project, bool admin);
std::optional<VolumeType> find_by_id(db::Transaction& tx, std::string_view id);
void insert(db::Transaction& tx, const VolumeType& type);

/// The row, locked until the commit: nobody makes a volume of it meanwhile (creates share it through their foreign key).
std::optional<VolumeType> lock(db::Transaction& tx, std::string_view id);
/// Any volume has it. Ask with the row locked.
bool in_use(db::Transaction& tx, std::string_view id);
std::int64_t count(db::Transaction& tx);
void describe(db::Transaction& tx, const VolumeType& type);
void set_extra_specs(db::Transaction& tx, const VolumeTypeId& id, const ExtraSpecs& specs);
/// With its access rows and the limits set for it.
void remove(db::Transaction& tx, const VolumeTypeId& id);

std::vector<std::string> projects_with_access(db::Transaction& tx, const VolumeTypeId& id);
/// False: it was so before.
bool add_access(db::Transaction& tx, const VolumeTypeId& id, std::string_view project);
bool remove_access(db::Transaction& tx, const VolumeTypeId& id, std::string_view project);

std::string extra_specs_json(const ExtraSpecs& specs);

}  // namespace scoria::store::types
