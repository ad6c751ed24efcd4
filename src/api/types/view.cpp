#include "api/types/view.h"

#include <algorithm>

#include "commands/types/refusals.h"
#include "store/types/types.h"

namespace scoria::api {

TypeSight::TypeSight(const ApiRequest& request)
    : extra_specs(request.allows("volume_extension:access_types_extra_specs")),
      sensitive(request.allows("volume_extension:types_extra_specs:read_sensitive")),
      qos(request.allows("volume_extension:access_types_qos_specs_id")),
      access(request.allows("volume_extension:volume_type_access")) {}

bool TypeSight::sees(std::string_view key) const {
  constexpr std::string_view open[] = {"RESKEY:availability_zones", "multiattach", "replication_enabled"};
  return sensitive || std::find(std::begin(open), std::end(open), key) != std::end(open);
}

void TypeSight::write(json::Writer& out, const ExtraSpecs& specs) const {
  out.begin_object();
  for (const auto& [key, value] : specs)
    if (sees(key)) out.field(key, std::string_view{value});
  out.end_object();
}

void write_type(json::Writer& out, const TypeSight& sight, const VolumeType& type, TypeForm form) {
  out.begin_object().field("id", std::string_view{type.id.text}).field("name", std::string_view{type.name});
  out.field("is_public", type.is_public).key("description").string_or_null(type.description);
  if (sight.extra_specs) sight.write(out.key("extra_specs"), type.extra_specs);
  if (sight.qos && (form == TypeForm::shown || form == TypeForm::by_default)) out.key("qos_specs_id").string_or_null(type.qos_specs_id);
  if (sight.access && (form == TypeForm::shown || form == TypeForm::created)) out.field("os-volume-type-access:is_public", type.is_public);
  out.end_object();
}

Result<VolumeType> load_type(Services& services, const ApiRequest& request) {
  const std::string& id = request.capture("type_id");
  auto type = services.database.read([&](db::Transaction& tx) -> std::optional<VolumeType> {
    auto found = store::types::find_by_id(tx, id);
    if (!found || !store::types::visible(tx, *found, request.context.project_id, request.context.is_admin)) return std::nullopt;
    return found;
  });
  if (!type) return commands::no_such_type(id);
  return std::move(*type);
}

ExtraSpecs read_extra_specs(const json::Value& object) {
  ExtraSpecs out;
  if (!object.is_object()) return out;
  for (const auto& [key, value] : object.object()) out.insert_or_assign(key, value.is_string() ? value.string() : std::string{});
  return out;
}

}  // namespace scoria::api
