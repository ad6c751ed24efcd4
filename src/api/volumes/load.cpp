#include "api/volumes/load.h"

#include "store/volumes/volumes.h"

namespace scoria::api {
namespace {

tl::unexpected<Refusal> not_found(const std::string& id) { return refuse(RefusalCode::not_found, "Volume {} could not be found.", id); }

bool foreign(const ApiRequest& request, std::string_view project) { return !request.context.is_admin && project != request.context.project_id; }

PolicyTarget target_of(std::string_view project, std::string_view user) {
  return {{"project_id", std::string(project)}, {"user_id", std::string(user)}};
}

}  // namespace

Result<LoadedVolume> load_volume(Services& services, ApiRequest& request, const std::string& id) {
  LoadedVolume found{services.database.read_one([&](db::Transaction& tx) { return store::volumes::find_shown(tx, {id}); }), {}};
  if (found.row.empty()) return not_found(id);
  found.shown = store::volumes::read_shown(found.row);
  if (foreign(request, found.shown.project_id) || !request.enforce(target_of(found.shown.project_id, found.shown.user_id))) return not_found(id);
  return found;
}

Result<Volume> authorised_volume(Services& services, ApiRequest& request, const std::string& id) {
  auto volume = services.database.read_one([&](db::Transaction& tx) { return store::volumes::find(tx, {id}); });
  if (!volume || foreign(request, volume->project_id)) return not_found(id);
  if (auto allowed = request.enforce(target_of(volume->project_id, volume->user_id)); !allowed) return refuse(allowed.error());
  return std::move(*volume);
}

}  // namespace scoria::api
