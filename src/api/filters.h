#pragma once
#include "api/listing.h"

namespace scoria::api {

/// Reads the filters of a list request into `query`, by the rules of the caller and the microversion: a part of read_list.
Result<> read_filters(const ApiRequest& request, const ListRules& rules, const ResourceFilters& allowed, ListQuery& query);

}  // namespace scoria::api
