#pragma once
#include <optional>
#include <string>

#include "db/database.h"

/// What requests with an Idempotency-Key have made.
namespace scoria::store::idempotency {

inline constexpr Duration window = std::chrono::hours{24};

struct Key {
  std::string project_id, user_id, key;
};
struct Made {
  std::string request_hash, operation, resource_id;
};

/// Nothing: unknown, or its window is over.
std::optional<Made> find(db::Transaction& tx, const Key& key);
/// First in the transaction that makes the resource. A repeated key is a unique violation, once the other one's fate is known.
void insert(db::Transaction& tx, const Key& key, const Made& made);

}  // namespace scoria::store::idempotency
