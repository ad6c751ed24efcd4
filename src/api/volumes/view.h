#pragma once
#include <span>
#include <string_view>

#include "api/request.h"
#include "json/writer.h"
#include "store/volumes/shown.h"

namespace scoria::api {

/// What the caller may see, asked once per request.
struct VolumeSight {
  bool admin = false;          // migration_status, provider_id, cluster_name, hosts of attachments
  bool host_attribute = false, tenant_attribute = false, migration_attribute = false, image_metadata = false;
  explicit VolumeSight(const ApiRequest& request);
};

enum class VolumeForm { create, detail };
/// What is attached to the volume, a JSON list.
void write_attachments(json::Writer& out, const VolumeSight& sight, std::string_view volume, std::span<const store::volumes::ShownAttachment> attachments);
void write_volume(json::Writer& out, const ApiRequest& request, const VolumeSight& sight, const store::volumes::Shown& volume, VolumeForm form);

}  // namespace scoria::api
