#pragma once
#include "api/request.h"
#include "domain/snapshots/snapshot.h"
#include "json/writer.h"

namespace scoria::api {
/// `extended`: project and progress, for those who may see them, where details are shown.
void write_snapshot(json::Writer& out, const ApiRequest& request, const Snapshot& snapshot, bool extended);
}  // namespace scoria::api
