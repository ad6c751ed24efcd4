#pragma once
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
void write_volume_summary(json::Writer& out, const ApiRequest& request, const store::volumes::Shown& volume);
void write_volume(json::Writer& out, const ApiRequest& request, const VolumeSight& sight, const store::volumes::Shown& volume, VolumeForm form);

}  // namespace scoria::api
