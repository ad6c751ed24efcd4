#pragma once
#include <string>

#include "db/database.h"

namespace scoria::db {

/// Throws ConstraintError if a text among `values` holds a NUL byte or is not UTF-8: PostgreSQL stores neither, so no
/// engine does.
void require_storable(const Values& values);

/// A parameter for {in:column:?} and {in_numbers:column:?} (db/dialect.h): any number of values as one.
Value list_of(const std::vector<std::string>& texts);
Value list_of(const std::vector<std::int64_t>& numbers);

}  // namespace scoria::db
