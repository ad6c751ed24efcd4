#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"
#include "store/quotas/quotas.h"

/// Whole quota sets, as administrators see and change them.
namespace scoria::store::quotas {

using Defaults = std::map<std::string, std::int64_t, std::less<>>;

/// One limit: a project's own resource ("volumes"), or that of one type ("volumes_fast").
struct Entry {
  std::string key;       // as the API names it
  std::string scope;     // empty, or the type's id
  std::string resource;  // "volumes" …
  std::int64_t limit = unlimited;
  std::int64_t in_use = 0;
};

/// Every key there is now, by its name: the resources of `defaults` and three per type. Limits in force, with the usage:
/// of a project …
std::vector<Entry> of_project(db::Transaction& tx, const std::string& project, const Defaults& defaults);
/// … of a project that nobody has set anything for (no usage) …
std::vector<Entry> of_nobody(db::Transaction& tx, const Defaults& defaults);
/// … or of a class (no usage).
std::vector<Entry> of_class(db::Transaction& tx, const std::string& name, const Defaults& defaults);

void set(db::Transaction& tx, const std::string& project, const Entry& entry, std::int64_t limit);
void set_class(db::Transaction& tx, const std::string& name, const Entry& entry, std::int64_t limit);
/// Back to the defaults. Usage stays.
void reset(db::Transaction& tx, const std::string& project);

}  // namespace scoria::store::quotas
