#include "app/options.h"

#include "config/options/common.h"

namespace scoria::app {

config::Catalogue all_options() { return config::common(); }

}  // namespace scoria::app
