#pragma once
#include "config/catalogue.h"

namespace scoria::config {

/// The options that belong to no single driver or export. The program adds the others to it.
Catalogue common();

}  // namespace scoria::config
