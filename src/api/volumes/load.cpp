#include "api/volumes/load.h"

#include "store/attachments/attachments.h"
#include "store/volumes/volumes.h"

namespace scoria::api {
namespace {

tl::unexpected<Refusal> not_found(const std::string& id) { return refuse(RefusalCode::not_found, "Volume {} could not be found.", id); }

bool foreign(const ApiRequest& request, const Volume& volume) { return !request.context.is_admin && volume.project_id != request.context.project_id; }

PolicyTarget target_of(const Volume& volume) { return {{"project_id", volume.project_id}, {"user_id", volume.user_id}}; }

}  // namespace

Result<VolumeView> load_volume(Services& services, ApiRequest& request, const std::string& id) {
  const auto find = [&](db::Transaction& tx) { return store::volumes::find_shown(tx, {id}); };
  auto found = services.database.read_one(find);
  std::vector<Attachment> attachments;
  // Volume and attachments of one moment; most volumes have none and cost one statement.
  if (found && found->volume.attachments > 0) {
    services.database.read([&](db::Transaction& tx) {
      found = find(tx);
      if (found && found->volume.attachments > 0) attachments = store::attachments::of_volume(tx, found->volume.id);
    });
  }
  if (!found) return not_found(id);
  VolumeView view{std::move(found->volume), std::move(found->type_name), std::move(found->service_uuid), std::move(attachments)};
  if (foreign(request, view.volume)) return not_found(id);
  if (!request.enforce(target_of(view.volume))) return not_found(id);
  return view;
}

Result<Volume> authorised_volume(Services& services, ApiRequest& request, const std::string& id) {
  auto volume = services.database.read_one([&](db::Transaction& tx) { return store::volumes::find(tx, {id}); });
  if (!volume || foreign(request, *volume)) return not_found(id);
  if (auto allowed = request.enforce(target_of(*volume)); !allowed) return refuse(allowed.error());
  return std::move(*volume);
}

}  // namespace scoria::api
