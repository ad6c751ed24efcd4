#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "db/migrate.h"

namespace scoria::db {

/// A step whose first line is `-- contract`: it takes away what older releases use, so it runs only when none can come back.
bool is_contract(const Migration& step);

/// The statements of a step for an engine, without those of its fills.
std::vector<std::string> statements_of(const Migration& step, Engine engine);

/// A change of many rows: lines after `-- batches of TABLE by KEY:` up to the next `-- all:` or section of an engine. Each
/// statement there is run for one range of keys after the other, which `{batch}` in its WHERE stands for; KEY is a text column
/// that orders the table. Run twice, a statement must do what it does once.
struct Batches {
  std::string table, key, sql;  // sql: two parameters, the key to start behind and the last one
};
std::vector<Batches> batches_of(const Migration& step);

}  // namespace scoria::db
