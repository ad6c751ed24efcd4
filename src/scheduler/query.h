#pragma once
#include <string>

#include "base/result.h"
#include "json/value.h"

namespace scoria::scheduler {

/// The hint `query`: ["and", [">=", "$free_capacity_gb", 100], ["=", "$pool_name", "fast"]]. Commands: = < > in <= >= not
/// or and; "$a.b" stands for a fact. Refuses invalid_input for what is no query. A comparison of unlike things, or with a
/// fact that the pool lacks, does not hold.
Result<bool> answers(const json::Value& query, const json::Value& facts);

}  // namespace scoria::scheduler
