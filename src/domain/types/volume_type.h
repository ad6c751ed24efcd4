#pragma once
#include <map>
#include <string>

#include "base/time.h"
#include "domain/ids.h"

namespace scoria {

using ExtraSpecs = std::map<std::string, std::string, std::less<>>;

struct VolumeType {
  VolumeTypeId id;
  std::string name, description;
  bool is_public = true;
  std::string qos_specs_id;
  ExtraSpecs extra_specs;
  std::int64_t rev = 0;
  Timestamp created_at, updated_at;

  /// The value of an extra spec, or empty.
  std::string_view spec(std::string_view key) const {
    const auto found = extra_specs.find(key);
    return found == extra_specs.end() ? std::string_view{} : std::string_view{found->second};
  }
  /// `"<is> True"` in any case of the word.
  bool is_true(std::string_view key) const {
    const std::string_view value = spec(key);
    return value == "<is> True" || value == "<is> true";
  }
};

/// The type that always exists.
inline constexpr std::string_view builtin_default_type = "__DEFAULT__";

}  // namespace scoria
