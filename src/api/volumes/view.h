#pragma once
#include <string>
#include <vector>

#include "api/request.h"
#include "domain/attachments/attachment.h"
#include "domain/volumes/volume.h"
#include "json/writer.h"

namespace scoria::api {

/// A volume with what its view shows of other rows.
struct VolumeView {
  Volume volume;
  std::string type_name;
  std::string service_uuid;
  std::vector<Attachment> attachments;
};

/// What the caller may see, asked once per request.
struct VolumeSight {
  bool admin = false;          // migration_status, provider_id, cluster_name, hosts of attachments
  bool host_attribute = false, tenant_attribute = false, migration_attribute = false, image_metadata = false;
  explicit VolumeSight(const ApiRequest& request);
};

enum class VolumeForm { create, detail };
void write_volume_summary(json::Writer& out, const ApiRequest& request, const Volume& volume);
void write_volume(json::Writer& out, const ApiRequest& request, const VolumeSight& sight, const VolumeView& view, VolumeForm form);

}  // namespace scoria::api
