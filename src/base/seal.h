#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace scoria {

/// Keeps secrets that stand in the database (CHAP passwords, keys of backends) unreadable to who has the database alone.
/// Thread-safe.
class Sealer {
 public:
  virtual ~Sealer() = default;
  /// Text for a column. `owner` says where it stands (table and row id): moved to another row it does not open. Two
  /// seals of one secret differ.
  virtual std::string seal(std::string_view secret, std::string_view owner) = 0;
  /// The secret again. Refuses `unavailable` when it was sealed with a key that is not here, `invalid_state` when it was
  /// changed or belongs to another owner.
  virtual Result<std::string> open(std::string_view sealed, std::string_view owner) const = 0;
};

}  // namespace scoria
