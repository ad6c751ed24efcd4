#pragma once
#include <string>
#include <string_view>

#include "db/database.h"

namespace scoria::store::outbox {
/// An event that leaves with its cause: delivered at least once, under a stable `id`. `body` is JSON of a versioned payload.
void add(db::Transaction& tx, std::string_view id, std::string_view topic, std::string_view operation, std::string_view body);
}  // namespace scoria::store::outbox
