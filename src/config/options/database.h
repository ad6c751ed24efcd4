#pragma once
#include <string>

#include "config/fields.h"

namespace scoria::config {

struct DatabaseOptions {
  Secret connection{"sqlite:///$state_path/scoria.sqlite"};
  int max_pool_size = 16;
  Duration pool_timeout = std::chrono::seconds{30};

  void declare(Fields& fields);
};

}  // namespace scoria::config
