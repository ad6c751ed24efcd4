#pragma once
#include <string>

#include "config/fields.h"

namespace scoria::drivers::lab_array {

/// What a section with volume_driver = lab_array says beside what every backend has.
struct LabArrayBackendOptions {
  std::string url;
  Duration timeout = std::chrono::seconds{10};

  void declare(config::Fields& fields);
};

}  // namespace scoria::drivers::lab_array
