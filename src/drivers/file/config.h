#pragma once
#include <string>
#include <vector>

#include "config/fields.h"

namespace scoria::drivers::file {

/// What a section with volume_driver = file says beside what every backend has.
struct FileBackendOptions {
  std::vector<std::string> directories;  // "pool=path" or a path, whose last part names the pool; empty: $state_path/volumes
  Bytes allocation_unit{mib};
  Bytes minimum_size{mib};
  bool reflink = true;
  int layer_limit = 8;

  void declare(config::Fields& fields);
};

}  // namespace scoria::drivers::file
