#include "api/administration.h"

#include "api/types/handlers.h"

namespace scoria::api {

void mount_administration(Handlers& handlers, Services& services) {
  mount_types(handlers, services);
}

}  // namespace scoria::api
