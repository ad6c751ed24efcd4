#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/value.h"

namespace scoria {

/// What a pool says of itself beside its numbers, as it is stored with them.
struct PoolReportShape {
  static constexpr int version = 1;
  static constexpr std::string_view shape = "pool_report";
  bool thin = true, online_extend = false, multiattach = false, snapshot_revert = false;
  std::int64_t reserved_percentage = 0;
  double max_over_subscription_ratio = 20.0;
  std::string storage_protocol;
  json::Object extra;  // further capabilities for extra specs

  std::string to_json() const;
  static Result<PoolReportShape> from_json(std::string_view text);
};

}  // namespace scoria
