#pragma once
#include "cli/verbs.h"
#include "config/sources.h"

/// `scoria config …`: each writes to standard output and gives the exit code: 0, or 1 if the configuration is refused or the
/// key is unknown.
namespace scoria::app {

int config_show(const cli::Given& given, const config::Sources& sources);
int config_explain(const cli::Given& given, const config::Sources& sources);
int config_sample(const cli::Given& given, const config::Sources& sources);
int config_reference(const cli::Given& given, const config::Sources& sources);

}  // namespace scoria::app
