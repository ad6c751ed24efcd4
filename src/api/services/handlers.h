#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {

/// os-services.*, os-hosts.*, os-availability-zone.*, clusters.* and workers.* of the route table.
void mount_services(Handlers& handlers, Services& services);
void mount_log_levels(Handlers& handlers, Services& services);
void mount_hosts(Handlers& handlers, Services& services);
void mount_clusters(Handlers& handlers, Services& services);
void mount_workers(Handlers& handlers, Services& services);
/// scoria.clusters.* and scoria.backends.*.
void mount_cluster_names(Handlers& handlers, Services& services);

}  // namespace scoria::api
