#pragma once
#include <memory>
#include <string>

#include "config/config.h"
#include "exports/exports.h"

namespace scoria::app {

/// The exports of this node as [exports] and the first backend's target options have them. `alone`: no other machine can take over
/// what this one exports.
std::unique_ptr<exports::Exports> make_exports(const config::Config& config, const std::string& deployment, Clock& clock, bool alone);

}  // namespace scoria::app
