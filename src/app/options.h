#pragma once
#include "config/catalogue.h"

namespace scoria::app {

/// Every option of this program. A folder that declares options is named here; docs/reference/configuration.md is made from it.
config::Catalogue all_options();

}  // namespace scoria::app
