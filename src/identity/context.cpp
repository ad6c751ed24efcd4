#include "identity/context.h"

#include <algorithm>

namespace scoria {
bool Context::has_role(std::string_view role) const { return std::find(roles.begin(), roles.end(), role) != roles.end(); }
bool Context::has_service_role(std::string_view role) const {
  return std::find(service_roles.begin(), service_roles.end(), role) != service_roles.end();
}
}  // namespace scoria
