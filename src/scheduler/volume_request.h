#pragma once
#include <string>
#include <vector>

#include "domain/types/volume_type.h"
#include "domain/volumes/volume.h"
#include "json/value.h"
#include "scheduler/request.h"

namespace scoria::scheduler {

/// A place for this volume, of this type, with these hints (the object that came with the request, or null). Where the
/// volumes are that the hints name is for the caller to find out: hinted_volumes().
PlacementRequest request_for(const Volume& volume, const ExtraSpecs& extra_specs, const json::Value& hints);

std::vector<std::string> hinted_volumes(const Hints& hints);

}  // namespace scoria::scheduler
