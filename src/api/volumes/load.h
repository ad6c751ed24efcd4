#pragma once
#include <string>

#include "api/request.h"
#include "api/services.h"
#include "api/volumes/view.h"

namespace scoria::api {

/// The volume of the path, as a row of store::volumes::Shown, if the caller may see it: other projects' volumes do not exist for
/// non-admins, and a show that policy refuses answers not found, as Cinder does.
Result<db::Rows> load_volume(Services& services, ApiRequest& request, const std::string& id);
/// The same without the joined parts, after asking the route's own rule about it: for actions.
Result<Volume> authorised_volume(Services& services, ApiRequest& request, const std::string& id);

}  // namespace scoria::api
