#pragma once
#include "api/pipeline.h"
#include "commands/services.h"
#include "config/config.h"
#include "engine/engine.h"
#include "http/server.h"

/// The options of configuration files, as the parts of a node want them.
namespace scoria::app {

/// `exclusive`: this database serves one process only.
engine::EngineOptions engine_options(const config::Config& config, bool exclusive, engine::Versions versions);
commands::Options command_options(const config::Config& config);
http::ServerOptions server_options(const config::Config& config);
/// Throws std::runtime_error when project_id_regex is no expression that it can use.
api::PipelineOptions pipeline_options(const config::Config& config);

bool has_role(const config::Config& config, std::string_view role);

}  // namespace scoria::app
