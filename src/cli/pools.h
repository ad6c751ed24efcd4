#pragma once
#include "cli/output.h"

namespace scoria::cli {

/// How pools are shown, here and in the status.
const Columns& pool_columns();

}  // namespace scoria::cli
