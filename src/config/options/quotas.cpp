#include "config/options/quotas.h"

namespace scoria::config {

void QuotaOptions::declare(Fields& fields) {
  fields.section("DEFAULT");
  fields.add("quota_volumes", &volumes, "Volumes of a project; -1: no limit.").at_least(-1).familiar();
  fields.add("quota_snapshots", &snapshots, "Snapshots of a project; -1: no limit.").at_least(-1).familiar();
  fields.add("quota_gigabytes", &gigabytes, "GiB of a project's volumes and snapshots; -1: no limit.").at_least(-1).familiar();
  fields.add("quota_backups", &backups, "Backups of a project; -1: no limit.").at_least(-1).familiar();
  fields.add("quota_backup_gigabytes", &backup_gigabytes, "GiB of a project's backups; -1: no limit.").at_least(-1).familiar();
  fields.add("quota_groups", &groups, "Groups of a project; -1: no limit.").at_least(-1).familiar();
  fields.add("per_volume_size_limit", &per_volume_gigabytes, "GiB of one volume; -1: no limit.").at_least(-1).familiar();
  fields.add("no_snapshot_gb_quota", &no_snapshot_gigabytes, "Snapshots do not count as gigabytes.").familiar();
}

}  // namespace scoria::config
