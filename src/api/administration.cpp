#include "api/administration.h"

#include "api/backends/handlers.h"
#include "api/messages/handlers.h"
#include "api/nodes/handlers.h"
#include "api/pools/handlers.h"
#include "api/qos/handlers.h"
#include "api/quotas/handlers.h"
#include "api/services/handlers.h"
#include "api/types/handlers.h"

namespace scoria::api {

void mount_administration(Handlers& handlers, Services& services) {
  mount_types(handlers, services);
  mount_qos(handlers, services);
  mount_quotas(handlers, services);
  mount_services(handlers, services);
  mount_pools(handlers, services);
  mount_nodes(handlers, services);
  mount_messages(handlers, services);
  mount_backends(handlers, services);
}

}  // namespace scoria::api
