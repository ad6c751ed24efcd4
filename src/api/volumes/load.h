#pragma once
#include <string>

#include "api/request.h"
#include "api/services.h"
#include "api/volumes/view.h"

namespace scoria::api {

struct LoadedVolume {
  db::Rows row;  // what is shown stands in it
  store::volumes::Shown shown;
};
/// The volume of the path, without names that are not its own, if the caller may see it: other projects' volumes do not exist for
/// non-admins, and a show that policy refuses answers not found, as Cinder does.
Result<LoadedVolume> load_volume(Services& services, ApiRequest& request, const std::string& id);
/// The whole row, after asking the route's own rule about it: for actions.
Result<Volume> authorised_volume(Services& services, ApiRequest& request, const std::string& id);

}  // namespace scoria::api
