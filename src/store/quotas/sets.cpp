#include "store/quotas/sets.h"

#include <algorithm>

namespace scoria::store::quotas {
namespace {

constexpr std::string_view of_types[] = {"volumes", "gigabytes", "snapshots"};

/// The keys of this moment, with the limits that the configuration gives them.
std::vector<Entry> skeleton(db::Transaction& tx, const Defaults& defaults) {
  std::vector<Entry> out;
  for (const auto& [resource, limit] : defaults) out.push_back({resource, {}, resource, limit, 0});
  const db::Rows types = tx.query("SELECT id, name FROM volume_type");
  for (std::size_t i = 0; i < types.size(); ++i)
    for (const std::string_view resource : of_types)
      out.push_back({std::string(resource) + "_" + types.at(i, 1).text(), types.at(i, 0).text(), std::string(resource), unlimited, 0});
  std::sort(out.begin(), out.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
  return out;
}

/// Rows of (scope, resource, value).
void overlay(std::vector<Entry>& entries, const db::Rows& rows) {
  std::map<std::pair<std::string, std::string>, std::int64_t> set;
  for (std::size_t i = 0; i < rows.size(); ++i) set[{rows.at(i, 0).text(), rows.at(i, 1).text()}] = rows.at(i, 2).integer();
  for (Entry& entry : entries)
    if (const auto found = set.find({entry.scope, entry.resource}); found != set.end()) entry.limit = found->second;
}

std::int64_t used(const Usage& usage, std::string_view resource) {
  if (resource == "volumes") return usage.volumes;
  if (resource == "gigabytes") return usage.gigabytes;
  if (resource == "snapshots") return usage.snapshots;
  if (resource == "backups") return usage.backups;
  if (resource == "backup_gigabytes") return usage.backup_gigabytes;
  if (resource == "groups") return usage.groups;
  return 0;
}

}  // namespace

std::vector<Entry> of_class(db::Transaction& tx, const std::string& name, const Defaults& defaults) {
  std::vector<Entry> out = skeleton(tx, defaults);
  overlay(out, tx.query("SELECT scope, resource, value FROM quota_class_limit WHERE class = ?", {name}));
  return out;
}

std::vector<Entry> of_nobody(db::Transaction& tx, const Defaults& defaults) { return of_class(tx, "default", defaults); }

std::vector<Entry> of_project(db::Transaction& tx, const std::string& project, const Defaults& defaults) {
  std::vector<Entry> out = of_nobody(tx, defaults);
  overlay(out, tx.query("SELECT scope, resource, value FROM quota_limit WHERE project_id = ?", {project}));
  const std::map<std::string, Usage> usages = all_usage(tx, project);
  for (Entry& entry : out)
    if (const auto found = usages.find(entry.scope); found != usages.end()) entry.in_use = used(found->second, entry.resource);
  return out;
}

void set(db::Transaction& tx, const std::string& project, const Entry& entry, std::int64_t limit) {
  tx.run("INSERT INTO quota_limit (project_id, scope, resource, value) VALUES (?, ?, ?, ?) "
         "ON CONFLICT (project_id, scope, resource) DO UPDATE SET value = excluded.value",
         {project, entry.scope, entry.resource, limit});
}

void set_class(db::Transaction& tx, const std::string& name, const Entry& entry, std::int64_t limit) {
  tx.run("INSERT INTO quota_class_limit (class, scope, resource, value) VALUES (?, ?, ?, ?) "
         "ON CONFLICT (class, scope, resource) DO UPDATE SET value = excluded.value",
         {name, entry.scope, entry.resource, limit});
}

void reset(db::Transaction& tx, const std::string& project) { tx.run("DELETE FROM quota_limit WHERE project_id = ?", {project}); }

}  // namespace scoria::store::quotas
