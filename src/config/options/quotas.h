#pragma once
#include "config/fields.h"

namespace scoria::config {

/// Limits of projects for which nothing else is set; -1 = none.
struct QuotaOptions {
  int volumes = 10, snapshots = 10, gigabytes = 1000;
  int backups = 10, backup_gigabytes = 1000, groups = 10;
  int per_volume_gigabytes = -1;
  bool no_snapshot_gigabytes = false;

  void declare(Fields& fields);
};

}  // namespace scoria::config
