#pragma once
#include "cli/verbs.h"
#include "config/sources.h"

/// Commands that work on this machine: each tells its mistakes on standard error and gives the exit code.
namespace scoria::app {

/// Runs a node until SIGTERM or SIGINT; SIGHUP reads configuration, policy and certificates again. 2: the configuration is
/// refused, 1: it could not start, or ended badly.
int serve(const cli::Given& given, const config::Sources& sources);
int db_version(const cli::Given& given, const config::Sources& sources);
int db_upgrade(const cli::Given& given, const config::Sources& sources);
/// As `scoria admin check` tells it, of a database that no service need serve.
int local_check(const cli::Given& given, const config::Sources& sources);
/// As `scoria doctor` tells it, of this machine and its configuration.
int local_doctor(const cli::Given& given, const config::Sources& sources);
/// As `scoria admin upgrade` tells it, of a database that no service need serve; this program stands for the new release.
int local_upgrade_status(const cli::Given& given, const config::Sources& sources);
int local_upgrade_finalize(const cli::Given& given, const config::Sources& sources);
/// Needs root. Says what to write into the configuration.
int pool_create(const cli::Given& given, const config::Sources& sources);

}  // namespace scoria::app
