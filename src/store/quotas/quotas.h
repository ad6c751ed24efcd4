#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "db/database.h"
#include "domain/volumes/volume.h"

/// Usage moves in the transaction of its cause: there are no reservations.
namespace scoria::store::quotas {

inline constexpr std::int64_t unlimited = -1;

/// What one row takes or gives back of a project's quota and of its type's.
struct Amount {
  std::int64_t volumes = 0, gigabytes = 0, snapshots = 0;
};

/// Limits in force for one project and one type; -1 = none. Names as in Cinder's quota sets.
struct Limits {
  std::map<std::string, std::int64_t, std::less<>> project;  // "volumes", "gigabytes", "snapshots", "per_volume_gigabytes" …
  std::map<std::string, std::int64_t, std::less<>> type;     // the same names, for the type
  std::int64_t of_project(std::string_view resource) const;
  std::int64_t of_type(std::string_view resource) const;
};
/// `defaults` are the configuration's; the class `default` overrides them, the project's own rows override both.
Limits limits(db::Transaction& tx, const std::string& project, const std::string& type, const std::map<std::string, std::int64_t, std::less<>>& defaults);

struct Usage {
  std::int64_t volumes = 0, gigabytes = 0, snapshots = 0, backups = 0, backup_gigabytes = 0, groups = 0;
};
Usage usage(db::Transaction& tx, const std::string& project, std::string_view scope);
/// By scope; those without a row are missing.
std::map<std::string, Usage> all_usage(db::Transaction& tx, const std::string& project);

/// Takes, type row first, then the project's. Guards: "quota.type", "quota.project". The last thing a transaction does.
void take(db::Transaction& tx, const std::string& project, const std::string& type, const Amount& amount, const Limits& limits);
/// Gives back exactly what was charged. Guard: "quota.back".
void give_back(db::Transaction& tx, const std::string& project, const std::string& type, const Amount& amount);

}  // namespace scoria::store::quotas
