#pragma once
#include <optional>
#include <string>
#include <vector>

#include "db/database.h"
#include "domain/qos/qos_specs.h"
#include "domain/types/volume_type.h"
#include "store/list_sql.h"

/// QoS specs as rows. Types name the one they have.
namespace scoria::store::qos {

extern const std::string_view columns;
extern const ListTable list_table;
/// From `column` on.
QosSpecs read(const db::Rows& rows, std::size_t row, std::size_t column = 0);

std::optional<QosSpecs> find(db::Transaction& tx, std::string_view id);
std::optional<QosSpecs> of_type(db::Transaction& tx, std::string_view type_id);
std::vector<VolumeType> types_of(db::Transaction& tx, std::string_view id);
/// A taken name is a unique violation.
void insert(db::Transaction& tx, const QosSpecs& specs);
/// Consumer and specs, on the row as it was seen. Guard "qos.seen".
void change(db::Transaction& tx, const QosSpecs& seen, const std::string& consumer, const Specs& specs);
/// Guard "qos.seen": it exists.
void touch(db::Transaction& tx, std::string_view id);
void remove(db::Transaction& tx, std::string_view id);
/// The type gets these specs, or with an empty id none. Guard "qos.type": it had `had` (empty: none).
void associate(db::Transaction& tx, std::string_view type_id, std::string_view id, std::string_view had);
/// No type has them any more.
void disassociate_all(db::Transaction& tx, std::string_view id);

/// How often limits have changed: whoever exports volumes looks when it moves.
std::int64_t changes(db::Transaction& tx);
void count_change(db::Transaction& tx);

}  // namespace scoria::store::qos
