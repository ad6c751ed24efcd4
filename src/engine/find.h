#pragma once
#include <optional>
#include <string_view>

#include "engine/operation.h"

namespace scoria::engine {

/// The newest operation of that kind on a resource, ended or not.
std::optional<Operation> newest_of(db::Transaction& tx, std::string_view resource_id, std::string_view kind);

}  // namespace scoria::engine
