#include "api/resource_filters.h"

#include "json/parse.h"

namespace scoria::api {

ResourceFilters::ResourceFilters()
    : filters_{
          {"volume",
           {"name", "status", "metadata", "bootable", "migration_status", "availability_zone", "group_id", "size", "created_at", "updated_at",
            "consumes_quota"}},
          {"backup", {"name", "status", "volume_id"}},
          {"snapshot", {"name", "status", "volume_id", "metadata", "availability_zone", "consumes_quota"}},
          {"group", {"name"}},
          {"group_snapshot", {"name", "status", "group_id"}},
          {"attachment", {"volume_id", "status", "instance_id", "attach_status"}},
          {"message", {"resource_uuid", "resource_type", "event_id", "request_id", "message_level"}},
          {"pool", {"name", "volume_type"}},
          {"volume_type", {"is_public", "extra_specs"}},
      } {}

Result<ResourceFilters> ResourceFilters::read(std::string_view json) {
  const Result<json::Value> parsed = json::parse(json);
  if (!parsed) return refuse(parsed.error());
  if (!parsed->is_object()) return refuse(RefusalCode::invalid_input, "A file of resource filters must be one object.");
  ResourceFilters out;
  for (const auto& [resource, names] : parsed->object()) {
    if (!names.is_array()) return refuse(RefusalCode::invalid_input, "The filters of '{}' must be a list of texts.", resource);
    std::vector<std::string>& list = out.filters_[resource];
    list.clear();
    for (const json::Value& name : names.array()) {
      if (!name.is_string()) return refuse(RefusalCode::invalid_input, "The filters of '{}' must be a list of texts.", resource);
      list.push_back(name.string());
    }
  }
  return out;
}

const std::vector<std::string>& ResourceFilters::of(std::string_view resource) const {
  static const std::vector<std::string> none;
  const auto found = filters_.find(resource);
  return found == filters_.end() ? none : found->second;
}

}  // namespace scoria::api
