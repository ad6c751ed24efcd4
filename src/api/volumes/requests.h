#pragma once
#include "api/request.h"
#include "commands/volumes/create.h"
#include "commands/volumes/delete.h"
#include "commands/volumes/update.h"

/// Bodies and queries of volumes, already checked against the schema of their microversion, as command requests.
namespace scoria::api {

Result<commands::CreateVolumeRequest> read_create_volume(const ApiRequest& request);
Result<commands::DescribeVolumeRequest> read_describe_volume(const ApiRequest& request);
Result<commands::DeleteVolumeRequest> read_delete_volume(ApiRequest& request);

}  // namespace scoria::api
