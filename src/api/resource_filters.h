#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace scoria::api {

/// Which filters callers without the admin role may use, by resource: what `GET /resource_filters` shows. The shipped
/// set, or an operator's file (resource_query_filters_file).
class ResourceFilters {
 public:
  ResourceFilters();  // as shipped
  /// `{"volume": ["name", "status~", …], …}`. Resources that the file does not name keep what is shipped.
  static Result<ResourceFilters> read(std::string_view json);

  const std::vector<std::string>& of(std::string_view resource) const;
  const std::map<std::string, std::vector<std::string>, std::less<>>& all() const { return filters_; }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> filters_;
};

}  // namespace scoria::api
