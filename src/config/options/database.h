#pragma once
#include <string>

#include "config/fields.h"

namespace scoria::config {

struct DatabaseOptions {
  Secret connection{"sqlite:///$state_path/scoria.sqlite"};
  int max_pool_size = 16;
  Duration pool_timeout = std::chrono::seconds{30};
  int max_retries = 10;  // of a start; -1: without end
  Duration retry_interval = std::chrono::seconds{10};

  void declare(Fields& fields);
};

}  // namespace scoria::config
